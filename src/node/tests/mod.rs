//! Two nodes with a relay, a chain and storages that fail: nothing is visible that is not stored, and a client whose storage
//! was taken away goes on or says that it cannot.

mod fakes;
mod net;
mod network;
mod payer;
mod payer_deaths;
mod requests;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use futures::FutureExt;

use super::{Node, NodeConfig, NodeError, NodeEvent, Payee, Payment, Services};
use crate::chain::still_chain::{CHAIN, JUDGE, StillChain};
use crate::engine::records::{OWN, OwnRecord, UpdateRecord, read, update_key, write};
use crate::engine::{Command, Config, EngineError, Event, Flow, PaymentStatus, Reply};
use crate::protocol::{
    Address, Amount, ChannelId, ChannelKey, Domain, FeeSchedule, Grant, Message, Nonce, PaymentId, PublicKey,
    SessionKey, sol_types,
};
use crate::store::{Batch, MemoryStore, Scan, Store, StoreError};
use crate::transport::relay_protocol::{ErrorCode, ServerMessage};

use fakes::{FaultStore, NOW, Relay, RelayDial, TestRuntime};

type TestNode = Node<FaultStore, StillChain, RelayDial, TestRuntime>;

/// What each side has deposited.
const DEPOSIT: u128 = 1_000;

fn wallet_key(client: usize) -> SessionKey {
    SessionKey::from_bytes(&[if client == 0 { 0xa0 } else { 0xb0 }; 32]).unwrap()
}

fn wallet(client: usize) -> Address {
    wallet_key(client).public_key().address()
}

fn chain(channel: ChannelKey) -> StillChain {
    let delegated = [0, 1].map(|client| (wallet(client), key(client).public_key().address()));
    StillChain::new(channel, delegated, DEPOSIT, NOW)
}

/// A storage in which the wallet's grant for the session key is, and nothing else.
fn granted(client: usize) -> MemoryStore {
    let store = MemoryStore::new();
    grant(&store, &wallet_key(client), &key(client));
    store
}

fn grant(store: &MemoryStore, wallet_key: &SessionKey, key: &SessionKey) {
    let session_key = key.public_key().address();
    let (wallet, valid_until) = (wallet_key.public_key().address(), NOW + 1_000_000);
    let words = sol_types::Delegate { wallet, sessionKey: session_key, validUntil: valid_until };
    let signature = wallet_key.sign(Domain::new(CHAIN, JUDGE).digest(&words)).unwrap();
    let grant = Some(Grant { wallet, session_key, valid_until, signature });
    let batch = Batch { puts: vec![(OWN.to_vec(), write(&OwnRecord { grant }))], deletes: Vec::new() };
    store.commit(batch).now_or_never().unwrap().unwrap();
}

fn key(client: usize) -> SessionKey {
    SessionKey::from_bytes(&[if client == 0 { 1 } else { 2 }; 32]).unwrap()
}

struct Pair {
    relay: Rc<Relay>,
    chain: StillChain,
    runtime: TestRuntime,
    stores: [FaultStore; 2],
    nodes: Vec<TestNode>,
    events: [Rc<RefCell<Vec<NodeEvent>>>; 2],
    id: ChannelId,
    payments: u8,
    mediate: [Option<FeeSchedule>; 2],
}

impl Pair {
    async fn new() -> Self {
        Self::with_faults(|_| {}).await
    }

    /// A pair whose storages were prepared to fail before anything is written to them.
    async fn with_faults(prepare: impl FnOnce(&[FaultStore; 2])) -> Self {
        let channel = ChannelKey::new(Address::ZERO, wallet(0), wallet(1), 7).unwrap();
        let mut pair = Self {
            relay: Rc::default(),
            chain: chain(channel),
            runtime: TestRuntime(tokio::time::Instant::now()),
            stores: [0, 1].map(|client| FaultStore::new(granted(client))),
            nodes: Vec::new(),
            events: Default::default(),
            id: channel.id(),
            payments: 0,
            mediate: [None; 2],
        };
        prepare(&pair.stores);
        pair.watch();
        for client in 0..2 {
            pair.relay.know(&key(client));
            let node = pair.start(client).await.unwrap();
            pair.nodes.push(node);
        }
        pair
    }

    /// Whatever passes the relay must be stored by its sender by then.
    fn watch(&self) {
        let (id, memories) = (self.id, [0, 1].map(|client: usize| self.stores[client].memory.clone()));
        let stored = move |from: PublicKey, flow, nonce: Nonce| {
            let client = usize::from(from != key(0).public_key());
            let record = memories[client].get(&update_key(id, flow, nonce)).now_or_never().unwrap().unwrap();
            record.map(|bytes| read::<UpdateRecord>(&bytes).unwrap())
        };
        *self.relay.witness.borrow_mut() = Some(Box::new(move |from, _, message| match message {
            Message::Update(update) => {
                let record = stored(from, Flow::Sent, update.nonce).expect("an update left that is not stored");
                assert_eq!(record.ops, update.ops);
            }
            Message::Ack { nonce, .. } if *nonce > Nonce::ZERO => {
                stored(from, Flow::Received, *nonce).expect("a payment was acknowledged that is not stored");
            }
            _ => {}
        }));
    }

    async fn start(&self, client: usize) -> Result<TestNode, NodeError> {
        let config = NodeConfig {
            domain: Domain::new(CHAIN, JUDGE),
            wallet: wallet(client),
            confirmations: Config::CONFIRMATIONS,
            from_block: 0,
            polling_interval: Duration::from_millis(500),
            relay_url: "ws://relay".into(),
            window: 2,
            mediate: self.mediate[client],
        };
        let services = Services {
            store: self.stores[client].clone(),
            provider: self.chain.clone(),
            dial: RelayDial(Rc::clone(&self.relay)),
            runtime: self.runtime.clone(),
        };
        let events = Rc::clone(&self.events[client]);
        Node::start(config, services, key(client), move |event| events.borrow_mut().push(event)).await
    }

    /// Waits until a payment would leave at once from either side.
    async fn ready(&self) {
        for _ in 0..200 {
            let mut ready = 0;
            for node in &self.nodes {
                let view = node.channel(self.id).await;
                ready += usize::from(view.is_ok_and(|view| view.ready && view.pending_payments == 0));
            }
            if ready == 2 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        panic!("the channel does not come back: {:?}", self.events);
    }

    fn payment(&mut self, amount: u128) -> Command {
        self.payments += 1;
        let payment = PaymentId([self.payments; 16]);
        Command::Pay { channel: self.id, payment, amount: Amount::new(amount), memo: None }
    }

    async fn paid(&self, client: usize) -> u128 {
        self.nodes[client].channel(self.id).await.unwrap().ours.transferred.get()
    }

    fn told(&self, client: usize, is: impl Fn(&NodeEvent) -> bool) -> bool {
        self.events[client].borrow().iter().any(is)
    }
}

/// Runs a test on one thread with a clock that jumps.
fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, test);
}

#[test]
fn two_nodes_pay_each_other() {
    run(async {
        let mut pair = Pair::new().await;
        pair.ready().await;
        for client in [0, 1, 0] {
            let command = pair.payment(5);
            let Reply::Payment(view) = pair.nodes[client].command(command).await.unwrap() else { panic!("a payment") };
            assert_eq!(view.status, PaymentStatus::Settled);
        }
        assert_eq!((pair.paid(0).await, pair.paid(1).await), (10, 5));
    });
}

/// Pays both ways while the commit with this number fails; true when it came to that.
async fn pay_over_a_failure(client: usize, number: usize) -> bool {
    let mut pair = Pair::with_faults(|stores| {
        let faults = &stores[client].faults;
        *faults.fail.borrow_mut() = Some((number, StoreError::Lost("the browser closed it".into())));
        faults.closed_for.set(u32::try_from(number % 3).unwrap());
    })
    .await;
    let faults = Rc::clone(&pair.stores[client].faults);
    let mut settled = [0, 0];
    pair.ready().await;
    for payer in [0, 1, 0, 1] {
        let command = pair.payment(5);
        let answer = pair.nodes[payer].command(command).await;
        match answer {
            Ok(_) => settled[payer] += 5,
            Err(NodeError::Store(StoreError::Lost(_))) => assert_eq!(payer, client),
            Err(error) => panic!("{error}"),
        }
        pair.ready().await;
    }
    let failed = faults.commits.get() > number;
    let reopened = |event: &NodeEvent| matches!(event, NodeEvent::Warning { code: "STORAGE_REOPENED", .. });
    assert_eq!(pair.told(client, reopened), failed);
    for (payer, settled) in settled.into_iter().enumerate() {
        let paid = pair.paid(payer).await;
        assert!(paid >= settled && paid <= 10, "{paid} paid, {settled} settled");
        let seen = pair.nodes[1 - payer].channel(pair.id).await.unwrap().theirs.transferred.get();
        assert_eq!(seen, paid, "both sides agree");
    }
    failed
}

#[test]
fn a_payment_that_is_submitted_again_is_not_made_again() {
    run(async {
        let mut pair = Pair::new().await;
        let payment =
            |id: u8, amount| Payment { payee: Payee::Channel(pair.id), again: true, ..net::payment(id, 1, amount) };
        let (one, two) = (payment(1, 10), payment(2, 5));
        let node = pair.nodes[0].clone();
        pair.ready().await;
        node.pay(one.clone()).await.unwrap();
        let duplicate = Err(NodeError::Engine(EngineError::DuplicatePayment));
        assert_eq!(node.pay(one.clone()).await, duplicate, "it was settled");
        node.close();
        // After a restart only storage knows of it.
        pair.nodes[0] = pair.start(0).await.unwrap();
        pair.ready().await;
        let node = pair.nodes[0].clone();
        assert_eq!(node.pay(one).await, duplicate, "it is found in storage");
        node.pay(two.clone()).await.unwrap();
        assert_eq!(node.pay(two).await, duplicate, "what was made since is known too");
        assert_eq!(pair.paid(0).await, 15);
    });
}

#[test]
fn whichever_commit_fails_nothing_is_lost_and_the_client_goes_on() {
    for client in 0..2 {
        // The first commit is the challenge period's, before the client runs.
        let mut number = 1;
        while {
            let failed = std::cell::Cell::new(false);
            run(async { failed.set(pay_over_a_failure(client, number).await) });
            failed.get()
        } {
            number += 1;
        }
        println!("client {client}: {number} commits");
        assert!(number > 8, "the run has fewer commits than payments: {number}");
    }
}

#[test]
fn a_storage_that_does_not_come_back_ends_the_client_and_says_so() {
    let endings = [
        (StoreError::Full("quota".into()), 0, "STORAGE_FULL"),
        (StoreError::Fenced, 0, "STORAGE_FENCED"),
        (StoreError::Corrupt("bytes".into()), 0, "STORAGE_CORRUPT"),
        (StoreError::Lost("gone".into()), 100, "STORAGE_LOST"),
    ];
    for (error, closed_for, code) in endings {
        run(async {
            let mut pair = Pair::new().await;
            pair.ready().await;
            let faults = &pair.stores[0].faults;
            *faults.fail.borrow_mut() = Some((faults.commits.get(), error.clone()));
            faults.closed_for.set(closed_for);
            let (one, two) = (pair.payment(5), pair.payment(5));
            assert_eq!(pair.nodes[0].command(one).await.unwrap_err().code(), code);
            tokio::time::sleep(Duration::from_secs(20)).await;
            assert_eq!(pair.nodes[0].command(two.clone()).await.unwrap_err().code(), code);
            assert_eq!(pair.nodes[0].channels().await.unwrap_err().code(), code);
            assert!(pair.told(0, |event| matches!(event, NodeEvent::Fatal { code: told, .. } if *told == code)));
            // What is stored is whole: another client goes on with it.
            *pair.stores[0].faults.fail.borrow_mut() = None;
            let reopened = FaultStore::new(pair.stores[0].memory.reopen());
            pair.stores[0] = reopened;
            pair.nodes[0] = pair.start(0).await.unwrap();
            pair.ready().await;
            assert_eq!(pair.paid(0).await, 0);
            pair.nodes[0].command(two).await.unwrap();
        });
    }
}

#[test]
fn an_emptied_storage_is_not_gone_on_with() {
    run(async {
        let mut pair = Pair::new().await;
        pair.ready().await;
        let everything = Scan {
            from: std::ops::Bound::Unbounded,
            to: std::ops::Bound::Unbounded,
            backwards: false,
            limit: usize::MAX,
        };
        let keys = pair.stores[0].memory.scan(everything).await.unwrap().into_iter().map(|(key, _)| key);
        let batch = Batch { puts: Vec::new(), deletes: keys.collect() };
        pair.stores[0].memory.commit(batch).await.unwrap();
        let faults = &pair.stores[0].faults;
        *faults.fail.borrow_mut() = Some((faults.commits.get(), StoreError::Lost("deleted".into())));
        let command = pair.payment(5);
        assert_eq!(pair.nodes[0].command(command).await.unwrap_err().code(), "STORAGE_LOST");
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert!(pair.told(0, |event| matches!(event, NodeEvent::Fatal { code: "STORAGE_CORRUPT", .. })));
    });
}

#[test]
fn nothing_is_shown_before_it_is_stored() {
    run(async {
        let mut pair = Pair::new().await;
        pair.ready().await;
        pair.stores[1].faults.stuck.set(true);
        let command = pair.payment(5);
        let pays = pair.nodes[0].command(command);
        let looks = async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            let received = |event: &NodeEvent| matches!(event, NodeEvent::Engine(Event::Payment(_)));
            assert!(!pair.told(1, received));
            // The look waits for the commit.
            let mut look = Box::pin(pair.nodes[1].channel(pair.id));
            assert!(futures::poll!(look.as_mut()).is_pending());
            pair.stores[1].faults.stuck.set(false);
            assert_eq!(look.await.unwrap().theirs.transferred, Amount::new(5));
        };
        let (paid, ()) = futures::join!(pays, looks);
        assert!(paid.is_ok());
    });
}

#[test]
fn a_session_key_counts_only_when_its_delegation_is_confirmed() {
    run(async {
        let mut pair = Pair::new().await;
        pair.ready().await;
        let channel = pair.nodes[0].channels().await.unwrap()[0].key;
        // In the block of the opening are the delegations; four more blocks confirm them.
        pair.chain = chain(channel);
        pair.chain.set_head(4);
        pair.stores[0] = FaultStore::new(MemoryStore::new());
        let node = pair.start(0).await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(!node.status().authorized, "block 1 has four confirmations at block 4");
        pair.chain.set_head(5);
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(node.status().authorized);
    });
}

#[test]
fn a_client_that_was_replaced_does_not_come_back_by_itself() {
    run(async {
        let pair = Pair::new().await;
        pair.ready().await;
        let connections = pair.relay.connections.get();
        let message = ServerMessage::Error { code: ErrorCode::Replaced, detail: "newer".into() };
        pair.relay.say(key(0).public_key(), &message);
        tokio::time::sleep(Duration::from_secs(120)).await;
        assert_eq!(pair.relay.connections.get(), connections);
        assert!(!pair.nodes[0].status().online && pair.nodes[0].status().relay_reason.is_some());
        pair.nodes[0].set_offline(false);
        pair.ready().await;
    });
}
