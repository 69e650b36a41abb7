//! One client of a test: an engine on a memory store that can crash at any point and be loaded again.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use futures::FutureExt;

use crate::engine::records::{self, ChannelRecord, UpdateRecord};
use crate::engine::{
    Config, Effect, Engine, EngineError, Event, Flow, Input, LockPolicy, PaymentStatus, Reply, RequestId, Step,
    TransactionId,
};
use crate::protocol::{Address, B256, ChannelId, Domain, Grant, JudgeCall, Nonce, SessionKey, Timestamp, sol_types};
use crate::store::{Key, MemoryStore, Scan, Store, StoreError};

/// What the wallet does with a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wallet {
    Approves,
    Rejects,
    /// Its endpoint does not answer.
    Fails,
    /// Leaves the prompt open.
    Waits,
}

/// Where a step is cut short by a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Crash {
    BeforeCommit,
    /// After the commit and this many effects.
    After(usize),
}

pub(super) struct Client {
    pub(super) wallet_key: SessionKey,
    pub(super) session: SessionKey,
    pub(super) config: Config,
    pub(super) store: MemoryStore,
    pub(super) engine: Engine<SessionKey>,
    pub(super) online: bool,
    pub(super) wallet: Wallet,
    /// Inputs that wait for the next step.
    pub(super) inputs: VecDeque<Input>,
    pub(super) replies: BTreeMap<RequestId, Result<Reply, EngineError>>,
    pub(super) events: Vec<Event>,
    pub(super) asked: Vec<JudgeCall>,
    pub(super) held: Vec<(TransactionId, JudgeCall)>,
    pub(super) steps: usize,
    /// The confirmed blocks after the chain's report that waits, stored together with what it causes.
    pub(super) reported: Option<Vec<B256>>,
    next_request: RequestId,
}

impl Client {
    pub(super) fn new(domain: &Domain, seed: u8, challenge: Timestamp, window: usize) -> Self {
        let wallet_key = SessionKey::from_bytes(&[seed; 32]).unwrap();
        let session = SessionKey::from_bytes(&[seed + 100; 32]).unwrap();
        let config = Config {
            domain: domain.clone(),
            wallet: wallet_key.public_key().address(),
            confirmations: 5,
            challenge,
            window,
            queue: Config::QUEUE,
            locks: LockPolicy::for_challenge(challenge),
        };
        Self {
            engine: Engine::new(config.clone(), session.clone()),
            wallet_key,
            session,
            config,
            store: MemoryStore::new(),
            online: true,
            wallet: Wallet::Approves,
            inputs: VecDeque::new(),
            replies: BTreeMap::new(),
            events: Vec::new(),
            asked: Vec::new(),
            held: Vec::new(),
            steps: 0,
            reported: None,
            next_request: 0,
        }
    }

    pub(super) fn address(&self) -> Address {
        self.config.wallet
    }

    pub(super) fn request(&mut self) -> RequestId {
        self.next_request += 1;
        self.next_request
    }

    /// The wallet's signed word for a session key.
    pub(super) fn grant(&self, valid_until: Timestamp) -> Grant {
        let (wallet, session_key) = (self.address(), self.session.public_key().address());
        let words = sol_types::Delegate { wallet, sessionKey: session_key, validUntil: valid_until };
        let signature = self.wallet_key.sign(self.config.domain.digest(&words)).unwrap();
        Grant { wallet, session_key, valid_until, signature }
    }

    /// Throws the engine away and loads what was committed.
    pub(super) fn reload(&mut self) {
        self.store = self.store.reopen();
        self.inputs.clear();
        self.reported = None;
        self.held.clear();
        let mut stored = Vec::new();
        for prefix in records::LOADED {
            stored.extend(self.scan(vec![prefix], vec![prefix + 1]));
        }
        stored.extend(self.get(records::OWN).map(|own| (records::OWN.to_vec(), own)));
        self.engine = Engine::load(self.config.clone(), self.session.clone(), &stored).unwrap();
        for key in self.engine.missing_updates() {
            let update = self.get(&key).expect("every update that was sent is stored");
            self.engine.load_update(&update).unwrap();
        }
    }

    /// The user clears the browser's data: everything is gone and the next session key is another one.
    pub(super) fn wipe(&mut self, seed: u8) {
        self.store = MemoryStore::new();
        self.session = SessionKey::from_bytes(&[seed; 32]).unwrap();
        self.events.clear();
        self.reload();
    }

    pub(super) fn commit(&mut self, step: Step) -> Result<Vec<Effect>, StoreError> {
        step.commit(&self.store).now_or_never().unwrap()
    }

    pub(super) fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.store.get(key).now_or_never().unwrap().unwrap()
    }

    pub(super) fn scan(&self, from: Key, to: Key) -> Vec<(Key, Vec<u8>)> {
        let scan = Scan { from: Bound::Included(from), to: Bound::Excluded(to), backwards: false, limit: usize::MAX };
        self.store.scan(scan).now_or_never().unwrap().unwrap()
    }

    /// Every record, for comparing.
    pub(super) fn everything(&self) -> Vec<(Key, Vec<u8>)> {
        self.scan(Vec::new(), vec![255])
    }

    pub(super) fn stored_channel(&self, id: ChannelId) -> Option<ChannelRecord<'static>> {
        self.get(&records::channel_key(id)).map(|bytes| records::read(&bytes).unwrap())
    }

    /// All stored updates of one direction.
    pub(super) fn stored_updates(&self, id: ChannelId, flow: Flow) -> Vec<UpdateRecord> {
        let from = records::update_key(id, flow, Nonce::ZERO);
        let to = records::update_key(id, flow, Nonce::MAX);
        self.scan(from, to).iter().map(|(_, bytes)| records::read(bytes).unwrap()).collect()
    }

    /// The blocks that the chain service has told of as confirmed.
    pub(super) fn known_blocks(&self) -> Vec<B256> {
        let bytes = self.get(records::ALARM).unwrap_or_default();
        bytes.chunks(32).map(B256::from_slice).collect()
    }

    pub(super) fn settled_payments(&self) -> impl Iterator<Item = &crate::engine::PaymentView> {
        self.events.iter().filter_map(|event| match event {
            Event::Payment(view) if view.flow == Flow::Sent && view.status == PaymentStatus::Settled => Some(view),
            _ => None,
        })
    }

    pub(super) fn error(&self, request: RequestId) -> &EngineError {
        self.replies.get(&request).expect("answered").as_ref().expect_err("declined")
    }

    pub(super) fn is_ok(&self, request: RequestId) -> bool {
        self.replies.get(&request).is_some_and(Result::is_ok)
    }
}
