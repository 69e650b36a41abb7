//! Clients in memory: one payer and its partners, engines on memory stores, messages as bytes, a chain that says yes.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use futures::FutureExt;

use chit_client::engine::{ChainInput, Command, Config, Effect, Engine, Input, LockPolicy, Part};
use chit_client::protocol::{
    Address, Amount, B256, ChainEvent, ChannelId, ChannelKey, Delivery, Domain, Grant, Head, Hop, JudgeEvent,
    LogPosition, Message, PaymentId, PublicKey, Route, SessionKey, Timestamp, part_secret, sol_types,
};
use chit_client::store::{Key, MemoryStore, Scan, Store};

use crate::{Failure, failed};

/// The most inputs of one step, as the node takes them.
const BATCH: usize = 8_192;
const NOW: Timestamp = 1_800_000_000;
const FOREVER: Timestamp = NOW + 365 * 24 * 3_600;
const CHALLENGE: Timestamp = 1_000;
const DEPOSIT: u128 = 1 << 100;

/// One engine with its store and what waits for it.
#[derive(Debug)]
struct Client {
    engine: Engine<SessionKey>,
    store: MemoryStore,
    wallet: Address,
    key: PublicKey,
    grant: Option<Grant>,
    inbox: VecDeque<Input>,
    settled: u64,
}

impl Client {
    fn new(domain: &Domain, wallet: Address, session: SessionKey, grant: Option<Grant>) -> Self {
        let config = Config {
            domain: domain.clone(),
            wallet,
            confirmations: Config::CONFIRMATIONS,
            challenge: CHALLENGE,
            window: Config::WINDOW,
            queue: Config::QUEUE,
            locks: LockPolicy::for_challenge(CHALLENGE),
        };
        let key = session.public_key();
        let (store, inbox) = (MemoryStore::new(), VecDeque::new());
        Self { engine: Engine::new(config, session), store, wallet, key, grant, inbox, settled: 0 }
    }
}

/// The first client pays; the others are its partners, or stand in a row behind it.
#[derive(Debug)]
pub struct World {
    clients: Vec<Client>,
    by_wallet: BTreeMap<Address, usize>,
    by_key: BTreeMap<PublicKey, usize>,
    channels: Vec<ChannelId>,
    payments: u64,
}

impl World {
    /// Opens `channels` channels of `wallet`, spread evenly over `partners` partners, all online and ready to pay.
    ///
    /// # Errors
    /// When the client does not open them.
    pub fn new(
        domain: &Domain,
        wallet: Address,
        session: SessionKey,
        partners: u32,
        channels: u32,
    ) -> Result<Self, Failure> {
        let mut clients = vec![Client::new(domain, wallet, session, None)];
        for index in 1..=partners {
            clients.push(partner(domain, index)?);
        }
        let by_wallet = clients.iter().enumerate().map(|(index, client)| (client.wallet, index)).collect();
        let by_key = clients.iter().enumerate().map(|(index, client)| (client.key, index)).collect();
        let ends = (0..channels).map(|number| (0, (number % partners) as usize + 1)).collect();
        Self { clients, by_wallet, by_key, channels: Vec::new(), payments: 0 }.start(ends)
    }

    /// A payer, a mediator and a payee.
    ///
    /// # Errors
    /// When their channels do not open.
    pub fn line() -> Result<Self, Failure> {
        let domain = Domain::new(31_337, Address::repeat_byte(0x77));
        let clients = (1..=3).map(|index| partner(&domain, index)).collect::<Result<Vec<_>, _>>()?;
        let by_wallet = clients.iter().enumerate().map(|(index, client)| (client.wallet, index)).collect();
        let by_key = clients.iter().enumerate().map(|(index, client)| (client.key, index)).collect();
        Self { clients, by_wallet, by_key, channels: Vec::new(), payments: 0 }.start(vec![(0, 1), (1, 2)])
    }

    fn start(mut self, ends: Vec<(usize, usize)>) -> Result<Self, Failure> {
        self.open(&ends)?;
        for client in &mut self.clients {
            let granted = client.grant.map(Input::Granted);
            client.inbox.extend(granted.into_iter().chain([Input::Online]));
        }
        self.run()?;
        let ready = |client: &Client| client.engine.channels().iter().filter(|channel| channel.ready).count();
        let ready: usize = self.clients.iter().map(ready).sum();
        let wanted = 2 * ends.len();
        if ready == wanted { Ok(self) } else { Err(format!("{ready} of {wanted} ends of channels are ready")) }
    }

    /// Pays `count` times over the mediator, so many `at_once`; each payment is taken before the next ones are submitted.
    ///
    /// # Errors
    /// When a payment is not taken.
    pub fn pay_routed(&mut self, count: u32, at_once: u32) -> Result<(), Failure> {
        let mut left = count;
        while left > 0 {
            let together = left.min(at_once);
            (0..together).try_for_each(|_| self.submit_routed())?;
            self.settle(u64::from(together))?;
            left -= together;
        }
        Ok(())
    }

    /// What a payer does: a fresh secret, a layer of the route for each account on the way, and a lock.
    fn submit_routed(&mut self) -> Result<(), Failure> {
        self.payments += 1;
        let mut once = [5; 32];
        once[..8].copy_from_slice(&self.payments.to_be_bytes());
        let mut payment = PaymentId([0; 16]);
        payment.0[..8].copy_from_slice(&self.payments.to_be_bytes());
        let [payer, mediator, payee] = self.clients.as_slice() else { return Err("not a line".into()) };
        let (amount, expiry) = (Amount::new(1), NOW + CHALLENGE);
        let delivery = Delivery {
            payment,
            total: amount,
            amount,
            part: 0,
            share: Some(once),
            reply_to: payer.key,
            from: payer.wallet,
            memo: None,
            request: None,
        };
        let ephemeral = SessionKey::from_bytes(&once).map_err(failed("a key"))?;
        let seal = |hop: &Hop, to: PublicKey| Route::seal(hop, to, &ephemeral, [0; 24]).map_err(failed("a route"));
        let route = seal(&Hop::Deliver(delivery), payee.key)?;
        let route = seal(&Hop::Forward { next: payee.wallet, amount, expiry, route }, mediator.key)?;
        let part = Part { payment, number: 0, target: payee.key, amount, fee: Amount::ZERO, secret: None };
        let (channel, hash) = (*self.channels.first().ok_or("there is no channel")?, part_secret(&once, 0).hash());
        let command = Command::Lock { channel, hash, amount, expiry, route, part };
        self.clients[0].inbox.push_back(Input::Command { request: self.payments, command });
        Ok(())
    }

    /// Two clients with one channel.
    ///
    /// # Errors
    /// When it does not open.
    pub fn pair() -> Result<Self, Failure> {
        let key = |byte: u8| SessionKey::from_bytes(&[byte; 32]).map_err(failed("a key"));
        let domain = Domain::new(31_337, Address::repeat_byte(0x77));
        Self::new(&domain, key(1)?.public_key().address(), key(2)?, 1, 1)
    }

    /// Pays `count` times over the first channel; each payment is settled before the next is submitted.
    ///
    /// # Errors
    /// When a payment is not settled.
    pub fn pay_one_at_a_time(&mut self, count: u32) -> Result<(), Failure> {
        let channel = *self.channels.first().ok_or("there is no channel")?;
        (0..count).try_for_each(|_| {
            self.submit(0, channel);
            self.settle(1)
        })
    }

    /// Submits `count` payments over the first channel at once and settles all of them.
    ///
    /// # Errors
    /// When a payment is not settled.
    pub fn pay_at_once(&mut self, count: u32) -> Result<(), Failure> {
        let channel = *self.channels.first().ok_or("there is no channel")?;
        (0..count).for_each(|_| self.submit(0, channel));
        self.settle(u64::from(count))
    }

    /// Pays once in each direction of every channel.
    ///
    /// # Errors
    /// When a payment is not settled.
    pub fn use_every_channel(&mut self) -> Result<(), Failure> {
        let channels = self.channels.clone();
        for id in &channels {
            let view = self.payer().engine.channel(*id).ok_or("a channel vanished")?;
            let partner = *self.by_wallet.get(&view.partner).ok_or("a partner vanished")?;
            self.submit(0, *id);
            self.submit(partner, *id);
        }
        self.settle(channels.len() as u64 * 2)
    }

    /// How many proofs the payer has signed in the first channel.
    pub fn signatures(&self) -> u64 {
        let view = self.channels.first().and_then(|id| self.payer().engine.channel(*id));
        view.map_or(0, |view| view.ours.nonce.get())
    }

    /// Everything that the payer has stored.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn records(&self) -> Result<Vec<(Key, Vec<u8>)>, Failure> {
        let all = Scan { from: Bound::Unbounded, to: Bound::Unbounded, backwards: false, limit: usize::MAX };
        let read = self.payer().store.scan(all).now_or_never().ok_or("the memory store waited")?;
        read.map_err(failed("reading"))
    }

    fn payer(&self) -> &Client {
        &self.clients[0]
    }

    fn open(&mut self, ends: &[(usize, usize)]) -> Result<(), Failure> {
        let mut events = vec![Vec::new(); self.clients.len()];
        for (number, (opener, partner)) in (0_u64..).zip(ends.iter().copied()) {
            let (payer, wallet) = (self.clients[opener].wallet, self.clients[partner].wallet);
            let key = ChannelKey::new(Address::ZERO, payer, wallet, number).map_err(failed("a channel's key"))?;
            self.channels.push(key.id());
            let total = Amount::new(DEPOSIT);
            let told = [
                JudgeEvent::Opened { key },
                JudgeEvent::Deposited { channel: key.id(), wallet: payer, total },
                JudgeEvent::Deposited { channel: key.id(), wallet, total },
            ];
            for (index, event) in (0..).zip(told) {
                let position = LogPosition {
                    block: 1 + number,
                    index,
                    block_hash: B256::from(key.id().0),
                    transaction: B256::from(key.id().0),
                };
                events[opener].push(ChainEvent { position, event: event.clone() });
                events[partner].push(ChainEvent { position, event });
            }
        }
        let head = Head { number: ends.len() as u64 + 100, timestamp: NOW, ..Head::default() };
        for (client, confirmed) in self.clients.iter_mut().zip(events) {
            let input = ChainInput { head, confirmed, complete: true, ..ChainInput::default() };
            client.inbox.push_back(Input::Chain(input));
        }
        self.run()
    }

    fn submit(&mut self, client: usize, channel: ChannelId) {
        self.payments += 1;
        let mut payment = PaymentId([0; 16]);
        payment.0[..8].copy_from_slice(&self.payments.to_be_bytes());
        let command = Command::Pay { channel, payment, amount: Amount::new(1), memo: None };
        self.clients[client].inbox.push_back(Input::Command { request: self.payments, command });
    }

    fn settle(&mut self, count: u64) -> Result<(), Failure> {
        let settled = |world: &Self| world.clients.iter().map(|client| client.settled).sum::<u64>();
        let before = settled(self);
        self.run()?;
        let done = settled(self) - before;
        if done == count { Ok(()) } else { Err(format!("{done} of {count} payments were settled")) }
    }

    /// Lets everything happen that follows at once.
    fn run(&mut self) -> Result<(), Failure> {
        while let Some(next) = self.clients.iter().position(|client| !client.inbox.is_empty()) {
            for index in next..self.clients.len() {
                if !self.clients[index].inbox.is_empty() {
                    self.step(index)?;
                }
            }
        }
        Ok(())
    }

    fn step(&mut self, index: usize) -> Result<(), Failure> {
        let client = &mut self.clients[index];
        let inputs: Vec<Input> = client.inbox.drain(..client.inbox.len().min(BATCH)).collect();
        let step = client.engine.handle(inputs, NOW);
        let effects = step.commit(&client.store).now_or_never().ok_or("the memory store waited")?;
        for effect in effects.map_err(failed("storing"))? {
            self.carry_out(index, effect)?;
        }
        Ok(())
    }

    fn carry_out(&mut self, index: usize, effect: Effect) -> Result<(), Failure> {
        match effect {
            Effect::Send { to, message } => {
                let to = *self.by_key.get(&to).ok_or("a message to nobody")?;
                let message = Message::from_bytes(&message.to_bytes()).map_err(failed("decoding"))?;
                let from = self.clients[index].key;
                self.clients[to].inbox.push_back(Input::Message { from, message });
            }
            Effect::Lookup(wallet) => {
                let found = self.by_wallet.get(&wallet).map(|found| &self.clients[*found]);
                let entries = found.and_then(|client| Some((client.key, client.grant?))).into_iter().collect();
                self.clients[index].inbox.push_back(Input::Found { wallet, entries });
            }
            Effect::ReadSession { wallet, session_key } => {
                let input = Input::SessionRead { wallet, session_key, valid_until: FOREVER, revoked_from: 0 };
                self.clients[index].inbox.push_back(input);
            }
            Effect::Reply { result, .. } => {
                result.map_err(failed("a payment"))?;
                self.clients[index].settled += 1;
            }
            Effect::Emit(_) => {}
            Effect::ReadSecrets { .. } | Effect::ReadGasPrice => return Err("the chain was asked".into()),
            Effect::Transact { .. } => return Err("the wallet was asked".into()),
        }
        Ok(())
    }
}

/// A partner with keys of its own and its wallet's grant.
fn partner(domain: &Domain, index: u32) -> Result<Client, Failure> {
    let key = |kind: u8| {
        let mut secret = [kind; 32];
        secret[28..].copy_from_slice(&index.to_be_bytes());
        SessionKey::from_bytes(&secret).map_err(failed("a key"))
    };
    let (owner, session) = (key(3)?, key(4)?);
    let (wallet, session_key) = (owner.public_key().address(), session.public_key().address());
    let words = sol_types::Delegate { wallet, sessionKey: session_key, validUntil: FOREVER };
    let signature = owner.sign(domain.digest(&words)).map_err(failed("a grant"))?;
    let grant = Grant { wallet, session_key, valid_until: FOREVER, signature };
    Ok(Client::new(domain, wallet, session, Some(grant)))
}
