//! The loop: take everything that waits, make one step of it, commit, then act.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use futures::channel::{mpsc, oneshot};
use futures::{FutureExt, StreamExt};

use crate::chain::{AlarmState, Provider};
use crate::engine::records::{ALARM, write};
use crate::engine::{
    ChannelView, Command, Config, Effect, Engine, EngineError, Input, LockPolicy, PaymentView, Reply, RequestId,
    SecretOnChain, Step,
};
use crate::protocol::{Address, Amount, ChannelId, Grant, Message, PublicKey, SessionKey, Timestamp};
use crate::store::{Store, StoreError};
use crate::transport::Dial;

use super::chain_task::{self, ChainReport, ChainTask};
use super::error::store_code;
use super::network::{Announcer, Network, NetworkView};
use super::payer::Payer;
use super::relay_task::{Incoming, Outgoing, RelayTask};
use super::services::Platform;
use super::{NodeConfig, NodeError, NodeEvent, NodeStatus, PaymentQuery, Runtime, Services, history, recovery};

/// How many frames of the relay may wait; more wait at the relay.
const INCOMING: usize = 1_024;
/// The most inputs of one step. It bounds the size of one commit.
const BATCH: usize = 8_192;
/// How often due work is looked for.
const TICK: Duration = Duration::from_secs(1);

type Waiting = BTreeMap<RequestId, oneshot::Sender<Result<Reply, NodeError>>>;
type Reader = Box<dyn FnOnce(&Engine<SessionKey>)>;

/// A running client. Clones speak to the same one.
pub struct Node<S, P, D, R>
where
    S: Store + 'static,
    P: Provider + Clone + 'static,
    D: Dial + 'static,
    R: Runtime,
{
    shared: Rc<Shared<Services<S, P, D, R>>>,
}

impl<S, P, D, R> Clone for Node<S, P, D, R>
where
    S: Store + 'static,
    P: Provider + Clone + 'static,
    D: Dial + 'static,
    R: Runtime,
{
    fn clone(&self) -> Self {
        Self { shared: Rc::clone(&self.shared) }
    }
}

impl<S, P, D, R> std::fmt::Debug for Node<S, P, D, R>
where
    S: Store + 'static,
    P: Provider + Clone + 'static,
    D: Dial + 'static,
    R: Runtime,
{
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Node({})", self.shared.config.wallet)
    }
}

pub(super) struct Shared<K: Platform> {
    pub(super) config: NodeConfig,
    pub(super) engine_config: Config,
    pub(super) key: SessionKey,
    pub(super) store: RefCell<Rc<K::Store>>,
    pub(super) provider: K::Provider,
    pub(super) runtime: K::Runtime,
    pub(super) engine: RefCell<Engine<SessionKey>>,
    /// True while the engine is ahead of its storage: what it says then is not durable, and so not shown.
    pub(super) ahead: Cell<bool>,
    /// Who waits for the commit to look at the engine.
    readers: RefCell<Vec<Reader>>,
    /// Counts the engines: a transaction's outcome is told only to the one that asked for it.
    pub(super) generation: Cell<u64>,
    inputs: mpsc::UnboundedSender<Input>,
    outgoing: mpsc::UnboundedSender<Outgoing>,
    pub(super) waiting: RefCell<Waiting>,
    /// What the wallet has granted to this client: a failed commit must not lose it, nobody would ask for it again.
    pub(super) granted: Cell<Option<Grant>>,
    pub(super) network: Network,
    pub(super) announcer: Announcer,
    next_request: Cell<RequestId>,
    pub(super) made: history::Made,
    pub(super) payer: Payer,
    listener: Box<dyn Fn(NodeEvent)>,
    /// Connected, or why not.
    pub(super) relay: RefCell<Result<(), Option<String>>>,
    chain_reason: RefCell<Option<String>>,
    /// Why nothing more is done.
    pub(super) ended: RefCell<Option<NodeError>>,
}

impl<S, P, D, R> Node<S, P, D, R>
where
    S: Store + 'static,
    P: Provider + Clone + 'static,
    D: Dial + 'static,
    R: Runtime,
{
    /// Loads what is stored and starts the tasks.
    ///
    /// # Errors
    /// [`NodeError::Store`] when storage cannot be read, [`NodeError::Chain`] when the Judge's challenge period was never
    /// read and cannot be read now.
    pub async fn start(
        config: NodeConfig,
        services: Services<S, P, D, R>,
        key: SessionKey,
        listener: impl Fn(NodeEvent) + 'static,
    ) -> Result<Self, NodeError> {
        let Services { store, provider, dial, runtime } = services;
        let challenge = chain_task::challenge(&provider, &store, &config.domain).await?;
        let engine_config = Config {
            domain: config.domain.clone(),
            wallet: config.wallet,
            confirmations: config.confirmations,
            challenge,
            window: config.window,
            queue: Config::QUEUE,
            locks: LockPolicy {
                mediates: config.mediate.is_some(),
                fee: config.mediate.unwrap_or_default(),
                ..LockPolicy::for_challenge(challenge)
            },
        };
        let (engine, alarm) = recovery::load(engine_config.clone(), key.clone(), &store).await?;

        let (inputs, commands) = mpsc::unbounded();
        let (outgoing, wanted) = mpsc::unbounded();
        let (incoming, received) = mpsc::channel(INCOMING);
        let relay = RelayTask {
            dial,
            runtime: runtime.clone(),
            url: config.relay_url.clone(),
            domain: config.domain.clone(),
            key: key.clone(),
            grant: engine.grant().copied(),
            published: None,
            follows: false,
            outgoing: wanted,
            incoming,
        };
        let service_at = alarm.as_ref().map_or(config.from_block.saturating_sub(1), |alarm| alarm.confirmed_to);
        let clock = runtime.clone();
        let clock = move || clock.now_ms() / 1_000;
        let (network, woken) = Network::new(config.domain.clone(), service_at, clock, outgoing.clone());
        let announcer = Announcer::new(config.wallet, config.mediate);
        let shared: Rc<Shared<Services<S, P, D, R>>> = Rc::new(Shared {
            config,
            engine_config,
            key,
            store: RefCell::new(Rc::new(store)),
            provider,
            runtime: runtime.clone(),
            engine: RefCell::new(engine),
            ahead: Cell::new(false),
            readers: RefCell::default(),
            generation: Cell::new(0),
            inputs,
            outgoing,
            waiting: RefCell::default(),
            granted: Cell::new(None),
            network,
            announcer,
            next_request: Cell::new(0),
            made: history::Made::default(),
            payer: Payer::default(),
            listener: Box::new(listener),
            relay: RefCell::new(Err(None)),
            chain_reason: RefCell::default(),
            ended: RefCell::default(),
        });
        shared.take_up_payments().await?;
        runtime.spawn(Box::pin(relay.run()));
        let chain = shared.follow_chain(alarm);
        runtime.spawn(Box::pin(Rc::clone(&shared).follow_network(woken)));
        runtime.spawn(Box::pin(Rc::clone(&shared).run(commands, received, chain)));
        Ok(Self { shared })
    }

    /// Asks the engine for something and waits for its answer.
    ///
    /// # Errors
    /// [`NodeError`] says why it was not done.
    pub async fn command(&self, command: Command) -> Result<Reply, NodeError> {
        self.shared.ask(command).await.unwrap_or(Err(NodeError::Closed))
    }

    /// What all clones of this node share.
    pub(super) const fn shared(&self) -> &Rc<Shared<Services<S, P, D, R>>> {
        &self.shared
    }

    /// Asks the wallet to name this client's session key, with a signature and without a transaction.
    ///
    /// # Errors
    /// [`NodeError::Chain`] when the wallet declines or cannot.
    pub async fn authorize(&self) -> Result<Grant, NodeError> {
        let shared = &self.shared;
        let key = shared.engine.borrow().session_key().address();
        let valid_until = shared.time().saturating_add(Config::SESSION_VALIDITY);
        let grant = chain_task::grant(&shared.provider, &shared.config, key, valid_until).await?;
        shared.granted.set(Some(grant));
        shared.input(Input::Granted(grant));
        shared.send(Outgoing::Announce(grant));
        Ok(grant)
    }

    /// All channels, as they are stored.
    ///
    /// # Errors
    /// [`NodeError`] when the client ended before it could tell.
    pub async fn channels(&self) -> Result<Vec<ChannelView>, NodeError> {
        self.shared.read(Engine::channels).await
    }

    /// One channel, as it is stored.
    ///
    /// # Errors
    /// [`EngineError::UnknownChannel`]; or as [`Node::channels`].
    pub async fn channel(&self, id: ChannelId) -> Result<ChannelView, NodeError> {
        let view = self.shared.read(move |engine| engine.channel(id)).await?;
        view.ok_or(NodeError::Engine(EngineError::UnknownChannel))
    }

    /// Past payments, newest first.
    ///
    /// # Errors
    /// [`NodeError::Store`] when storage cannot be read.
    pub async fn payments(&self, query: &PaymentQuery) -> Result<Vec<PaymentView>, NodeError> {
        let shared = &self.shared;
        let store = shared.store();
        Ok(history::payments(&*store, |visit| visit(&shared.engine.borrow()), query).await?)
    }

    /// How the client stands. Nothing of it is money, so it does not wait for storage.
    pub fn status(&self) -> NodeStatus {
        let engine = self.shared.engine.borrow();
        NodeStatus {
            wallet: engine.wallet(),
            session_key: engine.session_key().address(),
            online: self.shared.relay.borrow().is_ok(),
            relay_reason: self.shared.relay.borrow().clone().err().flatten(),
            chain_reason: self.shared.chain_reason.borrow().clone(),
            authorized: engine.is_authorized(self.shared.now()),
            authorized_until: engine.authorized_until(),
            block: engine.head().number,
            timestamp: engine.head().timestamp,
        }
    }

    /// Every wallet and channel of the Judge, of one token or of all. The first call reads the chain from the Judge's
    /// beginning.
    ///
    /// # Errors
    /// [`NodeError::Chain`] or [`NodeError::Store`] when the chain or the storage cannot be read.
    pub async fn network(&self, token: Option<Address>) -> Result<NetworkView, NodeError> {
        self.shared.network.ready().await?;
        Ok(self.shared.network.view(token))
    }

    /// The session key of a wallet, as a payment over the network finds it.
    #[cfg(all(test, not(target_arch = "wasm32")))]
    pub(super) async fn network_key(&self, wallet: Address) -> Option<PublicKey> {
        self.shared.network.session_key(wallet).await
    }

    /// What the wallet holds of a token.
    ///
    /// # Errors
    /// [`NodeError::Chain`] when the chain cannot be read.
    pub async fn balance(&self, token: Address) -> Result<Amount, NodeError> {
        chain_task::balance(&self.shared.provider, token, self.shared.config.wallet).await
    }

    /// Breaks the connection to the relay and stays away, or comes back.
    pub fn set_offline(&self, offline: bool) {
        self.shared.send(Outgoing::Offline(offline));
    }

    /// The partner's oldest stored proof, for showing what closing with an old proof does.
    ///
    /// # Errors
    /// [`NodeError`] when the channel is unknown or storage cannot be read.
    pub async fn close_with_old_proof(&self, id: ChannelId) -> Result<(), NodeError> {
        let (proof, grant) = history::oldest_received(&*self.shared.store(), id).await?;
        let key = self.channel(id).await?.key;
        let call = crate::protocol::JudgeCall::Close { key, proof, grant };
        let sent =
            chain_task::submit(&self.shared.provider, &self.shared.runtime, &self.shared.config, &call, &|| {}).await;
        sent.map(|_| ()).map_err(|error| chain_task::chain_error(&error))
    }

    /// Ends the client: its tasks stop, what waits is answered with [`NodeError::Closed`]. Everything is stored already.
    pub fn close(&self) {
        self.shared.end(NodeError::Closed);
    }
}

impl<K: Platform> Shared<K> {
    /// Asks the engine for something. Who drops the receiver is not told how it ended.
    pub(super) fn ask(&self, command: Command) -> oneshot::Receiver<Result<Reply, NodeError>> {
        let (sender, answer) = oneshot::channel();
        let request = self.next_request.get();
        self.next_request.set(request.wrapping_add(1));
        if let Some(error) = self.ended.borrow().as_ref() {
            let _ = sender.send(Err(error.clone()));
            return answer;
        }
        self.waiting.borrow_mut().insert(request, sender);
        self.input(Input::Command { request, command });
        answer
    }

    pub(super) fn now(&self) -> Timestamp {
        self.runtime.now_ms() / 1_000
    }

    /// The later of the two clocks: a deadline must hold by both.
    pub(super) fn time(&self) -> Timestamp {
        self.now().max(self.engine.borrow().head().timestamp)
    }

    pub(super) fn store(&self) -> Rc<K::Store> {
        Rc::clone(&self.store.borrow())
    }

    /// Looks at the engine, after the commit if one is under way.
    pub(super) async fn read<T: 'static>(
        &self,
        look: impl FnOnce(&Engine<SessionKey>) -> T + 'static,
    ) -> Result<T, NodeError> {
        if !self.ahead.get() {
            return Ok(look(&self.engine.borrow()));
        }
        if let Some(error) = self.ended.borrow().clone() {
            return Err(error);
        }
        let (sender, answer) = oneshot::channel();
        self.readers.borrow_mut().push(Box::new(move |engine| {
            let _ = sender.send(look(engine));
        }));
        answer.await.map_err(|_| self.ended.borrow().clone().unwrap_or(NodeError::Closed))
    }

    /// The engine and its storage agree: who waited to look at it may look.
    pub(super) fn agree(&self) {
        self.ahead.set(false);
        for reader in std::mem::take(&mut *self.readers.borrow_mut()) {
            reader(&self.engine.borrow());
        }
    }

    /// Follows the chain from where the storage says.
    pub(super) fn follow_chain(&self, alarm: Option<AlarmState>) -> mpsc::Receiver<ChainReport> {
        let (reports, chain) = mpsc::channel(1);
        let task = ChainTask::new(self.provider.clone(), self.runtime.clone(), &self.config, alarm, reports);
        self.runtime.spawn(Box::pin(task.run()));
        chain
    }

    /// Queues an input. A loop that has ended hears no more.
    pub(super) fn input(&self, input: Input) {
        let _ = self.inputs.unbounded_send(input);
    }

    pub(super) fn send(&self, outgoing: Outgoing) {
        let _ = self.outgoing.unbounded_send(outgoing);
    }

    pub(super) fn emit(&self, event: NodeEvent) {
        (self.listener)(event);
    }

    fn end(&self, error: NodeError) {
        if self.ended.borrow().is_some() {
            return;
        }
        *self.ended.borrow_mut() = Some(error.clone());
        self.inputs.close_channel();
        self.network.close();
        self.say_farewell();
        self.send(Outgoing::Close);
        self.outgoing.close_channel();
        self.readers.borrow_mut().clear();
        for (_, answer) in std::mem::take(&mut *self.waiting.borrow_mut()) {
            let _ = answer.send(Err(error.clone()));
        }
    }

    async fn run(
        self: Rc<Self>,
        mut commands: mpsc::UnboundedReceiver<Input>,
        mut relay: mpsc::Receiver<Incoming>,
        mut chain: mpsc::Receiver<ChainReport>,
    ) {
        let mut tick = Box::pin(self.runtime.sleep(TICK).fuse());
        loop {
            let mut batch = Batch::default();
            futures::select! {
                input = commands.next() => match input {
                    Some(input) => batch.inputs.push(input),
                    None => return,
                },
                incoming = relay.select_next_some() => self.sort(incoming, &mut batch),
                report = chain.select_next_some() => self.look(report, &mut batch),
                () = tick => {
                    tick.set(self.runtime.sleep(TICK).fuse());
                    batch.inputs.push(Input::Tick);
                    self.announce();
                    if self.network.tick(self.relay.borrow().is_ok()) {
                        batch.events.push(NodeEvent::Network);
                    }
                }
            }
            while batch.inputs.len() < BATCH {
                let Ok(input) = commands.try_recv() else { break };
                batch.inputs.push(input);
            }
            while batch.inputs.len() < BATCH {
                let Ok(incoming) = relay.try_recv() else { break };
                // Verifying what is announced takes time; what else has come is not to wait for more of it.
                let takes_time = matches!(incoming, Incoming::Gossip { .. });
                self.sort(incoming, &mut batch);
                if takes_time {
                    break;
                }
            }
            let Err(error) = self.step(batch).await else { continue };
            match self.recover(error, &mut commands).await {
                Ok(reports) => chain = reports,
                Err(error) => {
                    let (code, message) = (store_code(&error), error.to_string());
                    self.end(NodeError::Store(error));
                    return self.emit(NodeEvent::Fatal { code, message });
                }
            }
        }
    }

    fn sort(&self, incoming: Incoming, batch: &mut Batch) {
        match incoming {
            Incoming::Input(input) => {
                if let Input::Found { wallet, entries } = &input {
                    self.network.found(*wallet, entries);
                }
                batch.inputs.push(input);
            }
            Incoming::Gossip { announcements, more } => self.network.gossip(&announcements, more),
            Incoming::Unpublished => self.announcer.refused(),
            Incoming::Event(event) => {
                if let NodeEvent::Connection { online, reason } = &event {
                    *self.relay.borrow_mut() = if *online { Ok(()) } else { Err(reason.clone()) };
                }
                batch.events.push(event);
            }
        }
    }

    fn look(&self, report: ChainReport, batch: &mut Batch) {
        *self.chain_reason.borrow_mut() = report.as_ref().err().map(|(_, words)| words.clone());
        match report {
            Ok((update, state)) => {
                batch.events.push(NodeEvent::Chain {
                    block: update.head.number,
                    timestamp: update.head.timestamp,
                    reason: None,
                });
                self.network.chain(update.rollback, &update.confirmed, &state);
                batch.inputs.push(Input::Chain(update));
                batch.alarm = Some(state);
            }
            Err(reason) => {
                let head = self.engine.borrow().head();
                batch.events.push(NodeEvent::Chain {
                    block: head.number,
                    timestamp: head.timestamp,
                    reason: Some(reason),
                });
            }
        }
    }

    async fn step(self: &Rc<Self>, batch: Batch) -> Result<(), StoreError> {
        self.ahead.set(true);
        let mut step: Step = self.engine.borrow_mut().handle(batch.inputs, self.now());
        if let Some(alarm) = &batch.alarm {
            step.write(ALARM.to_vec(), write(alarm));
            step.add(self.network.writes());
        }
        let mut said = Vec::new();
        let effects = step.commit(&*self.store()).await?;
        self.agree();
        for effect in effects {
            self.carry_out(effect, &mut said);
        }
        for (to, messages) in said {
            self.send(Outgoing::Send { to, messages });
        }
        batch.events.into_iter().for_each(|event| self.emit(event));
        if batch.alarm.is_some() {
            self.look_for_transactions();
        }
        Ok(())
    }

    /// Acts on an effect. What is said to one peer in a step is collected in `said`: it travels in one frame.
    fn carry_out(self: &Rc<Self>, effect: Effect, said: &mut Vec<(PublicKey, Vec<Message>)>) {
        match effect {
            Effect::Send { to, message } => {
                // Signed is made, whether or not the partner ever acknowledges it.
                if let Message::Update(update) = &message {
                    self.made.note(update.channel, update.nonce, &update.ops);
                }
                match said.iter_mut().find(|(peer, _)| *peer == to) {
                    Some((_, messages)) => messages.push(message),
                    None => said.push((to, vec![message])),
                }
            }
            Effect::Lookup(wallet) => self.send(Outgoing::Lookup(wallet)),
            Effect::Emit(event) => self.emit(NodeEvent::Engine(event)),
            Effect::Reply { request, result } => {
                if let Some(answer) = self.waiting.borrow_mut().remove(&request) {
                    let _ = answer.send(result.map_err(NodeError::Engine));
                }
            }
            Effect::ReadSession { wallet, session_key } => {
                let shared = Rc::clone(self);
                self.runtime.spawn(Box::pin(async move {
                    let head = shared.engine.borrow().head();
                    // Unread it stays unknown, and the peer's next greeting or the next block asks again.
                    let read = chain_task::session(&shared.provider, &shared.config, wallet, session_key, head).await;
                    if let Ok((valid_until, revoked_from)) = read {
                        shared.input(Input::SessionRead { wallet, session_key, valid_until, revoked_from });
                    }
                }));
            }
            Effect::ReadSecrets { hashes, block } => {
                let shared = Rc::clone(self);
                self.runtime.spawn(Box::pin(async move {
                    // Unread they stay unknown, and the next block asks again.
                    let read = chain_task::secrets(&shared.provider, &shared.config, &hashes, block).await;
                    if let Ok(view) = read {
                        let found = view.found.into_iter();
                        let found =
                            found.map(|found| SecretOnChain { secret: found.secret, registered: found.registered });
                        shared.input(Input::SecretsRead { at: view.at, asked: hashes, found: found.collect() });
                    }
                }));
            }
            Effect::ReadGasPrice => {
                let shared = Rc::clone(self);
                self.runtime.spawn(Box::pin(async move {
                    shared.input(Input::GasPrice(chain_task::gas_price(&shared.provider).await));
                }));
            }
            Effect::Transact { id, call } => {
                let (shared, generation) = (Rc::clone(self), self.generation.get());
                self.runtime.spawn(Box::pin(async move {
                    let agreed = || shared.input(Input::Agreed(id));
                    let sent =
                        chain_task::submit(&shared.provider, &shared.runtime, &shared.config, &call, &agreed).await;
                    let outcome = sent.map_err(chain_task::failure);
                    if shared.generation.get() == generation {
                        shared.input(Input::Transaction { id, outcome });
                    }
                }));
            }
        }
    }

    /// Asks for the receipts of what is sent, so that a reverted transaction ends its operation.
    fn look_for_transactions(self: &Rc<Self>) {
        for hash in self.engine.borrow().sent_transactions() {
            let shared = Rc::clone(self);
            self.runtime.spawn(Box::pin(async move {
                if let Ok(Some(success)) = chain_task::receipt(&shared.provider, hash).await {
                    shared.input(Input::Mined { hash, success });
                }
            }));
        }
    }
}

/// What one step is made of.
#[derive(Default)]
struct Batch {
    inputs: Vec<Input>,
    events: Vec<NodeEvent>,
    /// The chain service's position after the report among the inputs.
    alarm: Option<AlarmState>,
}
