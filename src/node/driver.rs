//! The loop: take everything that waits, make one step of it, commit, then act.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::rc::Rc;
use std::time::Duration;

use futures::channel::{mpsc, oneshot};
use futures::{FutureExt, StreamExt};

use crate::chain::{AlarmState, Provider};
use crate::engine::records::{ALARM, CHANNELS, OWN, PEERS, RECEIVED, TRANSFERS, read, write};
use crate::engine::{
    ChannelView, Command, Config, Effect, Engine, EngineError, Input, LockPolicy, PaymentView, Reply, RequestId,
    SecretOnChain, Step,
};
use crate::protocol::{Address, Amount, ChannelId, Grant, Message, PublicKey, SessionKey};
use crate::store::{Key, Scan, Store, StoreError};
use crate::transport::Dial;

use super::chain_task::{self, ChainReport, ChainTask};
use super::error::store_code;
use super::relay_task::{Incoming, Outgoing, RelayTask};
use super::services::Platform;
use super::{NodeConfig, NodeError, NodeEvent, NodeStatus, PaymentQuery, Runtime, Services, history};

/// How many frames of the relay may wait; more wait at the relay.
const INCOMING: usize = 1_024;
/// The most inputs of one step. It bounds the size of one commit.
const BATCH: usize = 8_192;
/// How often due work is looked for.
const TICK: Duration = Duration::from_secs(1);

type Waiting = BTreeMap<RequestId, oneshot::Sender<Result<Reply, NodeError>>>;

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

struct Shared<K: Platform> {
    config: NodeConfig,
    store: K::Store,
    provider: K::Provider,
    runtime: K::Runtime,
    engine: RefCell<Engine<SessionKey>>,
    inputs: mpsc::UnboundedSender<Input>,
    outgoing: mpsc::UnboundedSender<Outgoing>,
    waiting: RefCell<Waiting>,
    next_request: Cell<RequestId>,
    listener: Box<dyn Fn(NodeEvent)>,
    /// Connected, or why not.
    relay: RefCell<Result<(), Option<String>>>,
    chain_reason: RefCell<Option<String>>,
    /// Why nothing more is done.
    ended: RefCell<Option<NodeError>>,
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
        let challenge = chain_task::challenge(&provider, &store, config.domain.judge()).await?;
        let engine_config = Config {
            domain: config.domain.clone(),
            wallet: config.wallet,
            confirmations: config.confirmations,
            challenge,
            window: config.window,
            queue: Config::QUEUE,
            locks: LockPolicy::for_challenge(challenge),
        };
        let engine = load(engine_config, key.clone(), &store).await?;
        let alarm = store.get(ALARM).await?.map(|bytes| read::<AlarmState>(&bytes)).transpose()?;

        let (inputs, commands) = mpsc::unbounded();
        let (outgoing, wanted) = mpsc::unbounded();
        let (incoming, received) = mpsc::channel(INCOMING);
        let (reports, chain) = mpsc::channel(1);
        let relay = RelayTask {
            dial,
            runtime: runtime.clone(),
            url: config.relay_url.clone(),
            domain: config.domain.clone(),
            key,
            grant: engine.grant().copied(),
            outgoing: wanted,
            incoming,
        };
        let chain_task = ChainTask::new(provider.clone(), runtime.clone(), &config, alarm, reports);
        let shared: Rc<Shared<Services<S, P, D, R>>> = Rc::new(Shared {
            config,
            store,
            provider,
            runtime: runtime.clone(),
            engine: RefCell::new(engine),
            inputs,
            outgoing,
            waiting: RefCell::default(),
            next_request: Cell::new(0),
            listener: Box::new(listener),
            relay: RefCell::new(Err(None)),
            chain_reason: RefCell::default(),
            ended: RefCell::default(),
        });
        runtime.spawn(Box::pin(relay.run()));
        runtime.spawn(Box::pin(chain_task.run()));
        runtime.spawn(Box::pin(Rc::clone(&shared).run(commands, received, chain)));
        Ok(Self { shared })
    }

    /// Asks the engine for something and waits for its answer.
    ///
    /// # Errors
    /// [`NodeError`] says why it was not done.
    pub async fn command(&self, command: Command) -> Result<Reply, NodeError> {
        let (sender, answer) = oneshot::channel();
        let request = self.shared.next_request.get();
        self.shared.next_request.set(request.wrapping_add(1));
        if let Some(error) = self.shared.ended.borrow().as_ref() {
            return Err(error.clone());
        }
        self.shared.waiting.borrow_mut().insert(request, sender);
        self.shared.input(Input::Command { request, command });
        answer.await.unwrap_or(Err(NodeError::Closed))
    }

    /// Asks the wallet to name this client's session key, with a signature and without a transaction.
    ///
    /// # Errors
    /// [`NodeError::Chain`] when the wallet declines or cannot.
    pub async fn authorize(&self) -> Result<Grant, NodeError> {
        let shared = &self.shared;
        let key = shared.engine.borrow().session_key().address();
        let time = shared.now().max(shared.engine.borrow().head().timestamp);
        let valid_until = time.saturating_add(Config::SESSION_VALIDITY);
        let grant = chain_task::grant(&shared.provider, &shared.config, key, valid_until).await?;
        shared.input(Input::Granted(grant));
        shared.send(Outgoing::Announce(grant));
        Ok(grant)
    }

    /// All channels.
    pub fn channels(&self) -> Vec<ChannelView> {
        self.shared.engine.borrow().channels()
    }

    /// One channel.
    ///
    /// # Errors
    /// [`EngineError::UnknownChannel`].
    pub fn channel(&self, id: ChannelId) -> Result<ChannelView, NodeError> {
        self.shared.engine.borrow().channel(id).ok_or(NodeError::Engine(EngineError::UnknownChannel))
    }

    /// Past payments, newest first.
    ///
    /// # Errors
    /// [`NodeError::Store`] when storage cannot be read.
    pub async fn payments(&self, query: &PaymentQuery) -> Result<Vec<PaymentView>, NodeError> {
        let shared = &self.shared;
        Ok(history::payments(&shared.store, |visit| visit(&shared.engine.borrow()), query).await?)
    }

    /// How the client stands.
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
        let (proof, grant) = history::oldest_received(&self.shared.store, id).await?;
        let key = self.channel(id)?.key;
        let call = crate::protocol::JudgeCall::Close { key, proof, grant };
        let sent = chain_task::submit(&self.shared.provider, &self.shared.runtime, &self.shared.config, &call).await;
        sent.map(|_| ()).map_err(|error| chain_task::chain_error(&error))
    }

    /// Ends the client: its tasks stop, what waits is answered with [`NodeError::Closed`]. Everything is stored already.
    pub fn close(&self) {
        self.shared.end(NodeError::Closed);
    }
}

/// Reads the engine's records.
async fn load<S: Store>(config: Config, key: SessionKey, store: &S) -> Result<Engine<SessionKey>, StoreError> {
    let mut records = Vec::new();
    for prefix in [CHANNELS, PEERS, TRANSFERS, RECEIVED] {
        records.extend(store.scan(everything_under(prefix)).await?);
    }
    if let Some(own) = store.get(OWN).await? {
        records.push((OWN.to_vec(), own));
    }
    let mut engine = Engine::load(config, key, &records)?;
    for key in engine.missing_updates() {
        let update = store.get(&key).await?.ok_or_else(|| StoreError::Corrupt("a sent update is missing".into()))?;
        engine.load_update(&update)?;
    }
    Ok(engine)
}

fn everything_under(prefix: u8) -> Scan {
    let end: Key = vec![prefix.saturating_add(1)];
    Scan { from: Bound::Included(vec![prefix]), to: Bound::Excluded(end), backwards: false, limit: usize::MAX }
}

impl<K: Platform> Shared<K> {
    fn now(&self) -> u64 {
        self.runtime.now_ms() / 1_000
    }

    /// Queues an input. A loop that has ended hears no more.
    fn input(&self, input: Input) {
        let _ = self.inputs.unbounded_send(input);
    }

    fn send(&self, outgoing: Outgoing) {
        let _ = self.outgoing.unbounded_send(outgoing);
    }

    fn emit(&self, event: NodeEvent) {
        (self.listener)(event);
    }

    fn end(&self, error: NodeError) {
        if self.ended.borrow().is_some() {
            return;
        }
        *self.ended.borrow_mut() = Some(error.clone());
        self.inputs.close_channel();
        self.send(Outgoing::Close);
        self.outgoing.close_channel();
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
                }
            }
            while batch.inputs.len() < BATCH {
                let Ok(input) = commands.try_recv() else { break };
                batch.inputs.push(input);
            }
            while batch.inputs.len() < BATCH {
                let Ok(incoming) = relay.try_recv() else { break };
                self.sort(incoming, &mut batch);
            }
            if let Err(error) = self.step(batch).await {
                let (code, message) = (store_code(&error), error.to_string());
                self.end(NodeError::Store(error));
                self.emit(NodeEvent::Fatal { code, message });
                return;
            }
        }
    }

    fn sort(&self, incoming: Incoming, batch: &mut Batch) {
        match incoming {
            Incoming::Input(input) => batch.inputs.push(input),
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
        let mut step: Step = self.engine.borrow_mut().handle(batch.inputs, self.now());
        if let Some(alarm) = &batch.alarm {
            step.write(ALARM.to_vec(), write(alarm));
        }
        let mut said: BTreeMap<PublicKey, Vec<Message>> = BTreeMap::new();
        for effect in step.commit(&self.store).await? {
            match effect {
                Effect::Send { to, message } => said.entry(to).or_default().push(message),
                other => self.carry_out(other),
            }
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

    fn carry_out(self: &Rc<Self>, effect: Effect) {
        match effect {
            Effect::Send { to, message } => self.send(Outgoing::Send { to, messages: vec![message] }),
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
                    // Unread it stays unknown, and the peer's next greeting asks again.
                    let read = chain_task::session(&shared.provider, &shared.config, wallet, session_key).await;
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
            Effect::Transact { id, call } => {
                let shared = Rc::clone(self);
                self.runtime.spawn(Box::pin(async move {
                    let sent = chain_task::submit(&shared.provider, &shared.runtime, &shared.config, &call).await;
                    let outcome = sent.map_err(chain_task::failure);
                    shared.input(Input::Transaction { id, outcome });
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
