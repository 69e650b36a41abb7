//! Clients, the network between them, the chain and the clock of a test.

use std::collections::{BTreeMap, VecDeque};

use super::client::{Client, Crash, Wallet};
use super::judge::{Call, Judge};
use crate::engine::{
    ChainInput, ChannelView, CloseMode, Command, Effect, Flow, Input, RequestId, TransactionFailure, records,
};
use crate::protocol::{
    Address, Amount, B256, BalanceProof, ChannelId, Domain, JudgeCall, JudgeEvent, Message, PaymentId, PublicKey,
    Timestamp, Update,
};

pub(super) const CHALLENGE: Timestamp = 1_000;
pub(super) const CONFIRMATIONS: u64 = 5;
/// More deliveries than this without an input from outside are a storm.
const STORM: usize = 20_000;

/// A message on its way: from which client, the key that sealed it, its bytes.
type Frame = (usize, PublicKey, Vec<u8>);

pub(super) struct World {
    pub(super) clients: Vec<Client>,
    pub(super) judge: Judge,
    pub(super) now: Timestamp,
    /// Frames by (from, to), in order.
    pub(super) wire: BTreeMap<(usize, usize), VecDeque<Frame>>,
    /// Every message that was ever handed to the network.
    pub(super) sent: Vec<(usize, Message)>,
    /// For each of them, in which step it was said and to whom: what one step says to one peer is one frame.
    frames: Vec<(usize, usize, PublicKey)>,
    /// What was signed under each (channel, sender, nonce).
    signed: BTreeMap<(ChannelId, Address, u64), BalanceProof>,
    updates: BTreeMap<(ChannelId, PublicKey, u64), Update>,
    payments: u64,
    operations: u64,
    /// In what channels are opened.
    pub(super) token: Address,
    /// What a unit of gas costs, if anybody says.
    pub(super) gas_price: Option<u128>,
}

impl World {
    pub(super) fn new(clients: u8) -> Self {
        Self::with_window(clients, 4)
    }

    pub(super) fn with_window(clients: u8, window: usize) -> Self {
        let domain = Domain::new(31_337, Address::repeat_byte(0x77));
        let now = 1_700_000_000;
        let mut world = Self {
            clients: (1..=clients).map(|seed| Client::new(&domain, seed, CHALLENGE, window)).collect(),
            judge: Judge::new(domain, CHALLENGE, now),
            now,
            wire: BTreeMap::new(),
            sent: Vec::new(),
            frames: Vec::new(),
            signed: BTreeMap::new(),
            updates: BTreeMap::new(),
            payments: 0,
            operations: 0,
            token: Address::ZERO,
            gas_price: Some(0),
        };
        for index in 0..world.clients.len() {
            world.clients[index].inputs.push_back(Input::Online);
        }
        world.run();
        world
    }

    /// Two clients with an open, confirmed channel in which each has deposited, both authorized and connected.
    pub(super) fn open(deposits: [u128; 2]) -> (Self, ChannelId) {
        Self::open_in(Self::new(2), deposits)
    }

    pub(super) fn open_in(mut world: Self, deposits: [u128; 2]) -> (Self, ChannelId) {
        let id = world.open_channel(0, 1, deposits[0]);
        if deposits[1] > 0 {
            let operation = world.operation();
            let amount = Amount::new(deposits[1]);
            let request = world.command(1, Command::Deposit { operation, channel: id, amount });
            world.mine(CONFIRMATIONS);
            assert!(world.clients[1].is_ok(request));
        }
        world.authorize(1);
        // The opener asks the directory anew after at most half a minute.
        world.wait(31);
        assert!(world.view(0, id).ready && world.view(1, id).ready, "the channel is ready");
        (world, id)
    }

    pub(super) fn open_channel(&mut self, from: usize, to: usize, deposit: u128) -> ChannelId {
        let operation = self.operation();
        let partner = self.clients[to].address();
        let (deposit, salt, token) = (Amount::new(deposit), self.operations, self.token);
        let command = Command::Open { operation, partner, token, deposit, salt };
        let request = self.command(from, command);
        self.mine(CONFIRMATIONS);
        assert!(self.clients[from].is_ok(request), "{:?}", self.clients[from].replies.get(&request));
        let own = self.clients[from].address();
        crate::protocol::ChannelKey::new(token, own, partner, salt).unwrap().id()
    }

    /// The wallet signs a grant for the client's session key.
    pub(super) fn authorize(&mut self, client: usize) {
        let grant = self.clients[client].grant(self.now + 30 * 24 * 3_600);
        self.clients[client].inputs.push_back(Input::Granted(grant));
        self.run();
    }

    pub(super) fn operation(&mut self) -> String {
        self.operations += 1;
        format!("operation {}", self.operations)
    }

    /// Gives a command and lets everything happen that follows at once.
    pub(super) fn command(&mut self, client: usize, command: Command) -> RequestId {
        let request = self.submit(client, command);
        self.run();
        request
    }

    /// Gives a command; nothing is delivered.
    pub(super) fn submit(&mut self, client: usize, command: Command) -> RequestId {
        let request = self.clients[client].request();
        self.clients[client].inputs.push_back(Input::Command { request, command });
        request
    }

    pub(super) fn payment(&mut self, channel: ChannelId, amount: u128) -> Command {
        self.payments += 1;
        let mut payment = PaymentId([0; 16]);
        payment.0[..8].copy_from_slice(&self.payments.to_be_bytes());
        Command::Pay { channel, payment, amount: Amount::new(amount), memo: None }
    }

    pub(super) fn pay(&mut self, client: usize, channel: ChannelId, amount: u128) -> RequestId {
        let command = self.payment(channel, amount);
        self.command(client, command)
    }

    pub(super) fn close(&mut self, client: usize, channel: ChannelId, mode: CloseMode) -> RequestId {
        let operation = self.operation();
        self.command(client, Command::Close { operation, channel, mode, timeout: 20, force: false })
    }

    pub(super) fn withdraw(&mut self, client: usize, channel: ChannelId, amount: u128) -> RequestId {
        let operation = self.operation();
        self.command(client, Command::Withdraw { operation, channel, amount: Amount::new(amount), timeout: 20 })
    }

    pub(super) fn view(&self, client: usize, id: ChannelId) -> ChannelView {
        self.clients[client].engine.channel(id).expect("the channel is known")
    }

    /// What a side can still pay, as its own client sees it.
    pub(super) fn balance(&self, client: usize, id: ChannelId) -> u128 {
        self.view(client, id).ours.balance.get()
    }

    /// Handles everything that waits at a client as one step.
    pub(super) fn step(&mut self, index: usize, crash: Option<Crash>) {
        let inputs: Vec<Input> = self.clients[index].inputs.drain(..).collect();
        let reported = self.clients[index].reported.take();
        let mut step = self.clients[index].engine.handle(inputs, self.now);
        if let Some(blocks) = reported {
            step.write(records::ALARM.to_vec(), blocks.iter().flat_map(|hash| hash.0).collect());
        }
        self.clients[index].steps += 1;
        if crash == Some(Crash::BeforeCommit) {
            return self.restart(index);
        }
        let effects = self.clients[index].commit(step).unwrap();
        let visible = match crash {
            Some(Crash::After(effects)) => effects,
            _ => usize::MAX,
        };
        for effect in effects.into_iter().take(visible) {
            self.carry_out(index, effect);
        }
        if crash.is_some() {
            self.restart(index);
        }
    }

    /// The tab dies and comes back: what was on its way to it is lost.
    pub(super) fn restart(&mut self, index: usize) {
        self.wire.retain(|(_, to), _| *to != index);
        self.clients[index].reload();
        self.come_back(index);
    }

    /// The user clears the browser's data.
    pub(super) fn wipe(&mut self, index: usize, seed: u8) {
        self.wire.retain(|(from, to), _| *to != index && *from != index);
        self.clients[index].wipe(seed);
        self.come_back(index);
    }

    fn come_back(&mut self, index: usize) {
        if self.clients[index].online {
            self.clients[index].inputs.push_back(Input::Online);
        }
        self.report(index);
    }

    fn carry_out(&mut self, index: usize, effect: Effect) {
        match effect {
            Effect::Send { to, message } => self.send(index, to, message),
            Effect::Lookup(wallet) => {
                let found = |client: &&Client| client.online && client.address() == wallet;
                let client = self.clients.iter().find(found);
                let grant = client.and_then(|client| client.engine.grant().copied());
                let entries = grant.into_iter().map(|grant| (client.unwrap().session.public_key(), grant)).collect();
                self.clients[index].inputs.push_back(Input::Found { wallet, entries });
            }
            Effect::ReadSession { wallet, session_key } => {
                let (valid_until, revoked_from) = self.judge.session(wallet, session_key, CONFIRMATIONS);
                let input = Input::SessionRead { wallet, session_key, valid_until, revoked_from };
                self.clients[index].inputs.push_back(input);
            }
            Effect::ReadSecrets { hashes, block } => {
                let (at, found) = self.judge.secrets(&hashes, block);
                self.clients[index].inputs.push_back(Input::SecretsRead { at, asked: hashes, found });
            }
            Effect::ReadGasPrice => {
                let price = self.gas_price;
                self.clients[index].inputs.push_back(Input::GasPrice(price));
            }
            Effect::Transact { id, call } => self.transact(index, id, call),
            Effect::Reply { request, result } => {
                let before = self.clients[index].replies.insert(request, result);
                assert!(before.is_none(), "request {request} was answered twice");
            }
            Effect::Emit(event) => self.clients[index].events.push(event),
        }
    }

    fn transact(&mut self, index: usize, id: u64, mut call: JudgeCall) {
        // As the chain service does it.
        if let JudgeCall::Settle { key, finalize, .. } = &mut call {
            finalize.retain(|wallet| self.judge.channel(key.id()).is_some_and(|known| !known.side(*wallet).is_final()));
        }
        let client = &mut self.clients[index];
        client.asked.push(call.clone());
        let outcome = match client.wallet {
            Wallet::Approves => {
                let sent = self.judge.submit(client.address(), Call::Judge(call));
                sent.map_err(|reason| TransactionFailure { code: "REVERTED", message: reason.into() })
            }
            Wallet::Rejects => Err(TransactionFailure { code: "USER_REJECTED", message: "no".into() }),
            Wallet::Fails => Err(TransactionFailure { code: "PROVIDER_ERROR", message: "no answer".into() }),
            Wallet::Waits => return client.held.push((id, call)),
        };
        client.inputs.push_back(Input::Transaction { id, outcome });
    }

    /// A message leaves: nothing under one number may ever differ.
    fn send(&mut self, from: usize, to: PublicKey, message: Message) {
        let key = self.clients[from].session.public_key();
        if let Message::Update(update) = &message {
            let place = (update.channel, key, update.nonce.get());
            let first = self.updates.entry(place).or_insert_with(|| update.clone());
            assert_eq!(first, update, "an update was sent again with other bytes");
        }
        self.sent.push((from, message.clone()));
        self.frames.push((from, self.clients[from].steps, to));
        if !self.clients[from].online {
            return;
        }
        let target = self.clients.iter().position(|client| client.session.public_key() == to && client.online);
        match target {
            Some(target) => {
                let bytes = message.to_bytes();
                self.wire.entry((from, target)).or_default().push_back((from, key, bytes));
            }
            None => self.clients[from].inputs.push_back(Input::Unreachable(to)),
        }
    }

    /// Delivers the oldest frame of one direction.
    pub(super) fn deliver(&mut self, from: usize, to: usize) -> bool {
        let Some((_, key, bytes)) = self.wire.get_mut(&(from, to)).and_then(VecDeque::pop_front) else { return false };
        let message = Message::from_bytes(&bytes).expect("what was sent can be read");
        self.clients[to].inputs.push_back(Input::Message { from: key, message });
        true
    }

    /// Hands a client a message that nobody sent in the ordinary way.
    pub(super) fn inject(&mut self, from: usize, to: usize, message: Message) {
        let key = self.clients[from].session.public_key();
        self.clients[to].inputs.push_back(Input::Message { from: key, message });
    }

    /// Loses the messages of one direction of which this is true; tells how many.
    pub(super) fn lose(&mut self, from: usize, to: usize, is: impl Fn(&Message) -> bool) -> usize {
        let Some(frames) = self.wire.get_mut(&(from, to)) else { return 0 };
        let before = frames.len();
        frames.retain(|(_, _, bytes)| !is(&Message::from_bytes(bytes).expect("what was sent can be read")));
        before - frames.len()
    }

    pub(super) fn drop_all(&mut self) {
        self.wire.clear();
    }

    pub(super) fn set_online(&mut self, index: usize, online: bool) {
        self.clients[index].online = online;
        self.clients[index].inputs.push_back(if online { Input::Online } else { Input::Offline });
        if !online {
            self.wire.retain(|(from, to), _| *from != index && *to != index);
        }
    }

    /// Delivers and handles until nothing waits; one message per step.
    pub(super) fn run(&mut self) {
        for _ in 0..STORM {
            let mut idle = true;
            for index in 0..self.clients.len() {
                if !self.clients[index].inputs.is_empty() {
                    self.step(index, None);
                    idle = false;
                }
            }
            for (from, to) in self.wire.keys().copied().collect::<Vec<_>>() {
                idle &= !self.deliver(from, to);
            }
            if idle {
                return self.check_signatures();
            }
        }
        panic!("a message storm");
    }

    /// Lets time pass, a tick each second.
    pub(super) fn wait(&mut self, seconds: Timestamp) {
        for _ in 0..seconds {
            self.now += 1;
            for client in &mut self.clients {
                client.inputs.push_back(Input::Tick);
            }
            self.run();
        }
    }

    /// Mines blocks, a second apart, and tells everyone of each.
    pub(super) fn mine(&mut self, blocks: u64) {
        for _ in 0..blocks {
            self.now += 1;
            self.judge.mine(self.now);
            self.report_all();
        }
    }

    /// Lets chain time pass in one block, and confirms it.
    pub(super) fn mine_after(&mut self, seconds: Timestamp) {
        self.now += seconds;
        self.mine(CONFIRMATIONS);
    }

    pub(super) fn report_all(&mut self) {
        (0..self.clients.len()).for_each(|index| self.report(index));
        self.run();
    }

    /// What the chain service tells a client: confirmed events once, the others each time, and of deep reorgs.
    pub(super) fn report(&mut self, index: usize) {
        let unhandled = self.clients[index].inputs.iter().any(|input| matches!(input, Input::Chain(_)));
        if unhandled {
            self.step(index, None);
        }
        let known = self.clients[index].known_blocks();
        let stands = |(number, hash): &(usize, &B256)| self.judge.hash(*number as u64).as_ref() == Some(*hash);
        let common = known.iter().enumerate().take_while(stands).count() as u64;
        let head = self.judge.head();
        let rollback = (common < known.len() as u64).then(|| common.saturating_sub(1));
        // A head that went back below what was confirmed, on the same chain, takes nothing away.
        let last = (head.number + 1).saturating_sub(CONFIRMATIONS).max(common.saturating_sub(1));
        self.clients[index].reported = Some((0..=last).filter_map(|number| self.judge.hash(number)).collect());
        let ours = |address: Address| {
            move |event: &crate::protocol::ChainEvent| match &event.event {
                JudgeEvent::Opened { key } => key.side_of(address).is_some(),
                _ => true,
            }
        };
        let ours = ours(self.clients[index].address());
        let confirmed = self.judge.events(common, last).into_iter().filter(ours).collect();
        let pending = self.judge.events(last + 1, head.number).into_iter().filter(ours).collect();
        let input = ChainInput { head, rollback, confirmed, pending, complete: true };
        self.clients[index].inputs.push_back(Input::Chain(input));
        for hash in self.clients[index].engine.sent_transactions() {
            if let Some(success) = self.judge.receipt(hash) {
                self.clients[index].inputs.push_back(Input::Mined { hash, success });
            }
        }
    }

    /// No number is ever signed with two contents, by what the stores hold.
    pub(super) fn check_signatures(&mut self) {
        for client in &self.clients {
            for view in client.engine.channels() {
                for flow in [Flow::Sent, Flow::Received] {
                    for record in client.stored_updates(view.id, flow) {
                        let proof = record.signed.proof;
                        let place = (proof.channel, proof.sender, proof.nonce.get());
                        let first = *self.signed.entry(place).or_insert(proof);
                        assert_eq!(first, proof, "one number was signed with two contents");
                    }
                }
            }
        }
    }

    /// How many frames carried the messages from the given one on.
    pub(super) fn frames_since(&self, message: usize) -> usize {
        self.frames[message..].iter().collect::<std::collections::BTreeSet<_>>().len()
    }

    /// A client was wiped whose newest updates nobody has: it cannot know their numbers and may use them again.
    pub(super) fn forget_signatures(&mut self, id: ChannelId, sender: Address, above: u64) {
        self.signed.retain(|(channel, from, nonce), _| (*channel, *from) != (id, sender) || *nonce <= above);
    }

    pub(super) fn count(&self, is: impl Fn(&Message) -> bool) -> usize {
        self.sent.iter().filter(|(_, message)| is(message)).count()
    }
}
