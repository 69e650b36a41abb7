//! A relay, a storage that fails on demand, and a clock, all in memory.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use futures::StreamExt;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::future::LocalBoxFuture;
use futures::lock::Mutex;
use minicbor::bytes::ByteVec;

use crate::node::Runtime;
use crate::protocol::Seal;
use crate::protocol::{Address, Message, PublicKey, SessionKey};
use crate::store::{Batch, Key, MemoryStore, Scan, Store, StoreError};
use crate::transport::relay_protocol::{
    ClientMessage, DirectoryEntry, RelayLimits, ServerMessage, UndeliverableReason,
};
use crate::transport::{Dial, Link, LinkError};

/// Seconds since the epoch at a test's start.
pub(super) const NOW: u64 = 1_700_000_000;

/// Tokio's paused clock: it jumps to the next timer when all tasks wait.
#[derive(Clone, Debug)]
pub(super) struct TestRuntime(pub(super) tokio::time::Instant);

impl Runtime for TestRuntime {
    fn now_ms(&self) -> u64 {
        NOW * 1_000 + u64::try_from(self.0.elapsed().as_millis()).unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
        tokio::task::spawn_local(task);
    }

    fn random(&self, buffer: &mut [u8]) -> bool {
        getrandom::getrandom(buffer).is_ok()
    }
}

/// When and how a storage fails.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) commits: Cell<usize>,
    /// The commit that fails, and with what.
    pub(super) fail: RefCell<Option<(usize, StoreError)>>,
    /// How many times opening it again fails before it succeeds.
    pub(super) closed_for: Cell<u32>,
    /// Let commits wait until this is false.
    pub(super) stuck: Cell<bool>,
}

/// A storage in memory. Once it failed, its handle fails until it is opened again.
#[derive(Clone, Debug)]
pub(super) struct FaultStore {
    pub(super) memory: MemoryStore,
    pub(super) faults: Rc<Faults>,
    dead: Rc<RefCell<Option<StoreError>>>,
}

impl FaultStore {
    pub(super) fn new(memory: MemoryStore) -> Self {
        Self { memory, faults: Rc::default(), dead: Rc::default() }
    }

    fn check(&self) -> Result<(), StoreError> {
        self.dead.borrow().clone().map_or(Ok(()), Err)
    }
}

impl Store for FaultStore {
    async fn reopen(&self) -> Result<Self, StoreError> {
        if let Some(left) = self.faults.closed_for.get().checked_sub(1) {
            self.faults.closed_for.set(left);
            return Err(StoreError::Lost("it does not open".into()));
        }
        Ok(Self { memory: self.memory.reopen(), faults: Rc::clone(&self.faults), dead: Rc::default() })
    }

    async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        self.check()?;
        // As a database, it answers later.
        tokio::task::yield_now().await;
        while self.faults.stuck.get() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let number = self.faults.commits.get();
        self.faults.commits.set(number + 1);
        if let Some((_, error)) = self.faults.fail.borrow().as_ref().filter(|(at, _)| *at == number) {
            *self.dead.borrow_mut() = Some(error.clone());
            return Err(error.clone());
        }
        self.memory.commit(batch).await
    }

    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.check()?;
        self.memory.get(key).await
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<(Key, Vec<u8>)>, StoreError> {
        self.check()?;
        self.memory.scan(scan).await
    }
}

/// What is done with every message that passes the relay: from whom, to whom, and what, opened with the keys of both.
type Witness = Box<dyn Fn(PublicKey, PublicKey, &Message)>;

/// Sends gossip to one client; false when it is gone.
type Follower = Box<dyn Fn(Vec<ByteVec>) -> bool>;

/// A relay for clients whose keys it knows, so that a test can read along.
#[derive(Default)]
pub(super) struct Relay {
    clients: RefCell<BTreeMap<PublicKey, UnboundedSender<Vec<u8>>>>,
    keys: RefCell<Vec<SessionKey>>,
    directory: RefCell<BTreeMap<Address, DirectoryEntry>>,
    /// The newest announcement of each signer, and how to tell those who follow.
    pub(super) book: RefCell<BTreeMap<PublicKey, Vec<u8>>>,
    pub(super) followers: RefCell<Vec<Follower>>,
    pub(super) witness: RefCell<Option<Witness>>,
    pub(super) connections: Cell<usize>,
}

impl Relay {
    pub(super) fn know(&self, key: &SessionKey) {
        self.keys.borrow_mut().push(key.clone());
    }

    /// Tells a client why it is put out, or anything else.
    pub(super) fn say(&self, to: PublicKey, message: &ServerMessage) {
        let _ = self.clients.borrow()[&to].unbounded_send(message.to_bytes());
    }

    fn look(&self, from: PublicKey, to: PublicKey, body: &[u8]) {
        let keys = self.keys.borrow();
        let Some(receiver) = keys.iter().find(|key| key.public_key() == to) else { return };
        let bytes = Seal::new(from, receiver).unwrap().open(body).unwrap();
        if let Some(witness) = self.witness.borrow().as_ref() {
            witness(from, to, &Message::from_bytes(&bytes).unwrap());
        }
    }

    async fn serve(self: Rc<Self>, out: UnboundedSender<Vec<u8>>, mut incoming: UnboundedReceiver<Vec<u8>>) {
        let limits =
            RelayLimits { body_bytes: 65_536, frames_per_second: 1_000, bytes_per_second: 1 << 30, idle_ms: 60_000 };
        let say = |message: ServerMessage| drop(out.unbounded_send(message.to_bytes()));
        say(ServerMessage::Challenge { nonce: [9; 32], limits });
        let mut own = None;
        while let Some(frame) = incoming.next().await {
            match ClientMessage::from_bytes(&frame).unwrap() {
                ClientMessage::Authenticate { key, .. } => {
                    own = Some(key);
                    self.clients.borrow_mut().insert(key, out.clone());
                    say(ServerMessage::Welcome {});
                }
                ClientMessage::Send { to, body } => {
                    let from = own.expect("it has authenticated");
                    self.look(from, to, &body);
                    let deliver = ServerMessage::Deliver { from, body }.to_bytes();
                    let sent = self.clients.borrow().get(&to).is_some_and(|to| to.unbounded_send(deliver).is_ok());
                    if !sent {
                        say(ServerMessage::Undeliverable { to, reason: UndeliverableReason::Offline });
                    }
                }
                ClientMessage::Lookup { chain_id, judge, wallet } => {
                    let entries = self.directory.borrow().get(&wallet).cloned().into_iter().collect();
                    say(ServerMessage::Found { chain_id, judge, wallet, entries });
                }
                ClientMessage::Announce { grant, .. } => {
                    let entry = DirectoryEntry { key: own.expect("it has authenticated"), grant };
                    self.directory.borrow_mut().insert(grant.wallet, entry);
                }
                ClientMessage::Ping {} => say(ServerMessage::Pong {}),
                ClientMessage::Publish { announcement, .. } => {
                    let mut followers = self.followers.borrow_mut();
                    followers.retain(|tell| tell(vec![announcement.clone().into()]));
                    self.book.borrow_mut().insert(own.expect("it has authenticated"), announcement);
                }
                ClientMessage::Follow { chain_id, judge } => {
                    let out = out.clone();
                    let tell = move |announcements| {
                        let gossip = ServerMessage::Gossip { chain_id, judge, announcements, more: false };
                        out.unbounded_send(gossip.to_bytes()).is_ok()
                    };
                    tell(self.book.borrow().values().cloned().map(Into::into).collect());
                    self.followers.borrow_mut().push(Box::new(tell));
                }
            }
        }
    }
}

/// One end of a connection to the relay.
#[derive(Debug)]
pub(super) struct Pipe {
    out: UnboundedSender<Vec<u8>>,
    incoming: Mutex<UnboundedReceiver<Vec<u8>>>,
}

impl Link for Pipe {
    async fn send(&self, frame: Vec<u8>) -> Result<(), LinkError> {
        self.out.unbounded_send(frame).map_err(|_| LinkError::Closed("dropped".into()))
    }

    async fn receive(&self) -> Result<Vec<u8>, LinkError> {
        self.incoming.lock().await.next().await.ok_or_else(|| LinkError::Closed("dropped".into()))
    }
}

#[derive(Clone)]
pub(super) struct RelayDial(pub(super) Rc<Relay>);

impl Dial for RelayDial {
    type Link = Pipe;

    async fn dial(&self, _url: &str) -> Result<Pipe, LinkError> {
        let ((out, theirs), (answers, incoming)) = (unbounded(), unbounded());
        self.0.connections.set(self.0.connections.get() + 1);
        tokio::task::spawn_local(Rc::clone(&self.0).serve(answers, theirs));
        Ok(Pipe { out, incoming: Mutex::new(incoming) })
    }
}
