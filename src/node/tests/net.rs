//! Several nodes with channels between them, and a network that the payer knows.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use super::fakes::{FaultStore, NOW, Relay, RelayDial, TestRuntime};
use super::{DEPOSIT, TestNode};
use crate::chain::still_chain::{CHAIN, JUDGE, StillChain};
use crate::engine::{ChannelView, Config, Event, PaymentView};
use crate::node::{Limits, Node, NodeConfig, NodeEvent, Payee, Payment, Services, Way};
use crate::protocol::{
    Address, Amount, Announcement, AnnouncementBody, ChannelKey, Domain, FeeSchedule, PaymentId, SessionKey, Side,
    TokenFee,
};
use crate::store::MemoryStore;

fn session(client: u8) -> SessionKey {
    SessionKey::from_bytes(&[client + 1; 32]).unwrap()
}

pub(super) fn wallet(client: u8) -> Address {
    SessionKey::from_bytes(&[0xa0 + client; 32]).unwrap().public_key().address()
}

pub(super) struct Net {
    pub(super) relay: Rc<Relay>,
    chain: StillChain,
    runtime: TestRuntime,
    pub(super) stores: Vec<FaultStore>,
    pub(super) nodes: Vec<TestNode>,
    events: Vec<Rc<RefCell<Vec<NodeEvent>>>>,
    pub(super) channels: Vec<ChannelKey>,
    ends: Vec<(u8, u8)>,
    /// What each mediator announces to take.
    fee: u128,
}

impl Net {
    /// As many clients as are named, with a channel for each pair.
    pub(super) async fn new(ends: &[(u8, u8)], fee: u128) -> Self {
        let clients = ends.iter().map(|(a, b)| *a.max(b)).max().unwrap() + 1;
        let salted = ends.iter().zip(0..);
        let channels: Vec<ChannelKey> = salted
            .map(|((a, b), salt)| ChannelKey::new(Address::ZERO, wallet(*a), wallet(*b), salt).unwrap())
            .collect();
        let delegated = (0..clients).map(|client| (wallet(client), session(client).public_key().address())).collect();
        let mut net = Self {
            relay: Rc::default(),
            chain: StillChain::with(channels.clone(), delegated, DEPOSIT, NOW),
            runtime: TestRuntime(tokio::time::Instant::now()),
            stores: (0..clients).map(|_| FaultStore::new(MemoryStore::new())).collect(),
            nodes: Vec::new(),
            events: (0..clients).map(|_| Rc::default()).collect(),
            channels,
            ends: ends.to_vec(),
            fee,
        };
        for client in 0..clients {
            net.relay.know(&session(client));
            net.announce(client);
            let node = net.start(client).await;
            net.nodes.push(node);
        }
        net
    }

    /// Puts the wallet's grant where it is found.
    fn announce(&self, client: u8) {
        let (wallet, key) = (SessionKey::from_bytes(&[0xa0 + client; 32]).unwrap(), session(client));
        super::grant(&self.stores[usize::from(client)].memory, &wallet, &key);
    }

    async fn start(&self, client: u8) -> TestNode {
        let config = NodeConfig {
            domain: Domain::new(CHAIN, JUDGE),
            wallet: wallet(client),
            confirmations: Config::CONFIRMATIONS,
            from_block: 0,
            polling_interval: Duration::from_millis(500),
            relay_url: "ws://relay".into(),
            window: 2,
            mediate: Some(FeeSchedule { flat: Amount::new(self.fee), proportional: 0 }),
        };
        let services = Services {
            store: self.stores[usize::from(client)].clone(),
            provider: self.chain.clone(),
            dial: RelayDial(Rc::clone(&self.relay)),
            runtime: self.runtime.clone(),
        };
        let events = Rc::clone(&self.events[usize::from(client)]);
        let listener = move |event| events.borrow_mut().push(event);
        let node = Node::start(config, services, session(client), listener).await.unwrap();
        node.network(None).await.unwrap();
        self.teach(&node);
        node
    }

    /// Tells a node of every mediator, without waiting for all of them to announce themselves.
    fn teach(&self, node: &TestNode) {
        for client in 0..u8::try_from(self.stores.len()).unwrap() {
            let (wallet, key) = (wallet(client), session(client));
            let fee = FeeSchedule { flat: Amount::new(self.fee), proportional: 0 };
            let body = AnnouncementBody {
                wallet,
                reachable: true,
                issued: NOW - 1,
                expiry: NOW + 80_000,
                fees: vec![TokenFee { token: Address::ZERO, fee }],
                channels: vec![],
            };
            let signature = key.sign(body.digest(&Domain::new(CHAIN, JUDGE))).unwrap();
            let announcement = Announcement { body, signer: key.public_key(), grant: None, signature };
            // What the client announced itself meanwhile is newer.
            let _ = node.shared().network.with_graph(|graph| graph.announce(&announcement, NOW));
        }
    }

    /// The client's tab dies and another is opened.
    pub(super) async fn restart(&mut self, client: u8) {
        let at = usize::from(client);
        self.nodes[at].close();
        self.stores[at] = FaultStore::new(self.stores[at].memory.reopen());
        self.nodes[at] = self.start(client).await;
    }

    /// What a client sees of the channel with this number.
    pub(super) async fn view(&self, client: u8, channel: usize) -> ChannelView {
        self.nodes[usize::from(client)].channel(self.channels[channel].id()).await.unwrap()
    }

    /// Waits until every channel would pay at once, and nothing is locked.
    pub(super) async fn quiet(&self) {
        for _ in 0..400 {
            let mut quiet = 0;
            for (channel, ends) in self.ends.iter().enumerate() {
                for client in [ends.0, ends.1] {
                    let view = self.nodes[usize::from(client)].channel(self.channels[channel].id()).await;
                    let rests =
                        |view: ChannelView| view.ready && view.pending_payments == 0 && view.ours.locked.is_zero();
                    quiet += usize::from(view.is_ok_and(rests));
                }
            }
            if quiet == self.ends.len() * 2 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        for (channel, ends) in self.ends.iter().enumerate() {
            for client in [ends.0, ends.1] {
                println!("{client}: {:?}", self.view(client, channel).await);
            }
        }
        panic!("the channels do not come to rest");
    }

    /// What a client has gained over all of its channels, by its own books.
    pub(super) async fn gain(&self, client: u8) -> i128 {
        let mut gain = 0;
        for (channel, key) in self.channels.iter().enumerate() {
            if key.side_of(wallet(client)).is_some() {
                let view = self.view(client, channel).await;
                gain += i128::try_from(view.theirs.transferred.get()).unwrap();
                gain -= i128::try_from(view.ours.transferred.get()).unwrap();
                assert!(matches!(key.side_of(wallet(client)), Some(Side::A | Side::B)));
            }
        }
        gain
    }

    pub(super) async fn gains(&self) -> Vec<i128> {
        let mut gains = Vec::new();
        for client in 0..u8::try_from(self.nodes.len()).unwrap() {
            gains.push(self.gain(client).await);
        }
        gains
    }

    pub(super) fn told<T>(&self, client: u8, pick: impl Fn(&NodeEvent) -> Option<T>) -> Vec<T> {
        self.events[usize::from(client)].borrow().iter().filter_map(pick).collect()
    }

    /// The payments over locks that a client was told of.
    pub(super) fn payments(&self, client: u8) -> Vec<PaymentView> {
        self.told(client, |event| match event {
            NodeEvent::Engine(Event::Payment(view)) if view.channel.is_none() => Some(view.clone()),
            _ => None,
        })
    }

    /// The ways that were chosen, by the clients on them.
    pub(super) fn ways(&self, client: u8) -> Vec<Vec<Address>> {
        self.told(client, |event| match event {
            NodeEvent::Way { way: Way::Part { path, .. }, .. } => Some(path.hops.iter().map(|hop| hop.to).collect()),
            NodeEvent::Way { way: Way::Direct, .. } => Some(Vec::new()),
            _ => None,
        })
    }
}

pub(super) fn payment(id: u8, to: u8, amount: u128) -> Payment {
    Payment {
        id: PaymentId([id; 16]),
        payee: Payee::Wallet { to: wallet(to), token: Address::ZERO },
        amount: Amount::new(amount),
        memo: None,
        request: None,
        target: None,
        over_locks: false,
        again: false,
        limits: Limits::default(),
    }
}
