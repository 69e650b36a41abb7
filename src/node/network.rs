//! The network around this client: every channel of the Judge, what wallets announce, and how to reach any of them.
//!
//! Nothing is read or heard before somebody asks. From then on the graph follows along with the chain service, which reads
//! the whole Judge's events anyway; only what came before is read by an alarm of its own (`follow`).

mod announce;
mod follow;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use futures::channel::{mpsc, oneshot};
use minicbor::bytes::ByteVec;

use crate::protocol::{Address, Announcement, Domain, Grant, PublicKey, Timestamp};
use crate::routing::{AnnounceError, Graph, ListedChannel, ListedNode};

use super::NodeError;
use super::relay_task::Outgoing;

pub(super) use announce::Announcer;
use follow::Stored;

/// How long an answer of the relay is waited for, in seconds.
const ANSWER_WITHIN: Timestamp = 5;
/// How many announcements are kept of wallets whose channel is not confirmed yet.
const MAX_EARLY: usize = 256;

/// The network as the application sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkView {
    /// True when every channel up to `block` is here.
    pub complete: bool,
    /// The newest block whose events are here.
    pub block: u64,
    /// Every wallet that has a channel.
    pub nodes: Vec<ListedNode>,
    /// Every open channel.
    pub channels: Vec<ListedChannel>,
}

/// How the graph stands to the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Following {
    /// Nobody has asked yet, or reading the chain failed.
    Not,
    /// What the chain service has passed already is being read.
    Reading,
    /// Whatever the chain service confirms goes into the graph.
    Along,
}

/// A wallet that is looked up in the relay's directory.
struct Lookup {
    wallet: Address,
    until: Timestamp,
    answer: oneshot::Sender<Vec<(PublicKey, Grant)>>,
}

/// The graph, and who waits for it.
pub(super) struct Network {
    domain: Domain,
    clock: Box<dyn Fn() -> Timestamp>,
    graph: RefCell<Graph>,
    following: Cell<Following>,
    /// True once the graph held everything up to a confirmed block.
    complete: Cell<bool>,
    /// How far the graph has come, and what of it is not stored yet.
    stored: RefCell<Stored>,
    /// True when what is stored is of no use.
    anew: Cell<bool>,
    /// True once somebody has asked for the network.
    used: Cell<bool>,
    /// Where the chain service is, and how often it has gone back.
    service: Cell<(u64, u64)>,
    /// Wakes the task that reads the chain.
    wake: mpsc::UnboundedSender<()>,
    outgoing: mpsc::UnboundedSender<Outgoing>,
    waiting: RefCell<Vec<oneshot::Sender<Result<(), NodeError>>>>,
    lookups: RefCell<Vec<Lookup>>,
    /// Until when the relay's book is waited for; none before it is asked for.
    book_until: Cell<Option<Timestamp>>,
    early: RefCell<VecDeque<Announcement>>,
    changed: Cell<bool>,
}

impl Network {
    /// A network that nobody has asked for, and the receiver on which its task is woken.
    pub(super) fn new(
        domain: Domain,
        service_at: u64,
        clock: impl Fn() -> Timestamp + 'static,
        outgoing: mpsc::UnboundedSender<Outgoing>,
    ) -> (Self, mpsc::UnboundedReceiver<()>) {
        let (wake, woken) = mpsc::unbounded();
        let network = Self {
            graph: RefCell::new(Graph::new(domain.clone())),
            domain,
            clock: Box::new(clock),
            following: Cell::new(Following::Not),
            complete: Cell::new(false),
            stored: RefCell::default(),
            anew: Cell::new(false),
            used: Cell::new(false),
            service: Cell::new((service_at, 0)),
            wake,
            outgoing,
            waiting: RefCell::default(),
            lookups: RefCell::default(),
            book_until: Cell::new(None),
            early: RefCell::default(),
            changed: Cell::new(false),
        };
        (network, woken)
    }

    /// True once somebody has asked for the network.
    pub(super) fn is_used(&self) -> bool {
        self.used.get()
    }

    /// Waits until every channel up to a confirmed block is in the graph, and the relay has told what wallets announce, if
    /// it is there. The first call starts the following.
    ///
    /// # Errors
    /// [`NodeError::Chain`] or [`NodeError::Store`] when the chain or the storage could not be read; asking again tries again.
    pub(super) async fn ready(&self) -> Result<(), NodeError> {
        self.used.set(true);
        if self.is_ready() {
            return Ok(());
        }
        let (sender, answer) = oneshot::channel();
        self.waiting.borrow_mut().push(sender);
        if self.following.get() == Following::Not {
            let _ = self.wake.unbounded_send(());
        }
        answer.await.unwrap_or(Err(NodeError::Closed))
    }

    fn is_ready(&self) -> bool {
        let heard = self.book_until.get().is_some_and(|until| until <= (self.clock)());
        self.complete.get() && self.following.get() != Following::Not && heard
    }

    /// Looks at the graph, or teaches it.
    pub(super) fn with_graph<T>(&self, work: impl FnOnce(&mut Graph) -> T) -> T {
        work(&mut self.graph.borrow_mut())
    }

    /// The session key to seal to for a wallet: what it announced, else what the relay's directory says and the wallet has
    /// signed, provided that the Judge's record does not speak against it. To be asked for after [`Network::ready`].
    pub(super) async fn session_key(&self, wallet: Address) -> Option<PublicKey> {
        let announced = self.graph.borrow().session_key(wallet, (self.clock)());
        if announced.is_some() {
            return announced;
        }
        let (answer, entries) = oneshot::channel();
        let until = (self.clock)().saturating_add(ANSWER_WITHIN);
        self.lookups.borrow_mut().push(Lookup { wallet, until, answer });
        let _ = self.outgoing.unbounded_send(Outgoing::Lookup(wallet));
        let entries = entries.await.ok()?;
        let (graph, now) = (self.graph.borrow(), (self.clock)());
        let counts = |key: &PublicKey, grant: &Grant| {
            // The wallet's signature is verified by the relay's client; a tampered one would not be here.
            grant.wallet == wallet
                && grant.session_key == key.address()
                && graph.key_counts(wallet, key.address(), grant.valid_until, now)
        };
        entries.into_iter().find(|(key, grant)| counts(key, grant)).map(|(key, _)| key)
    }

    /// The directory's answer.
    pub(super) fn found(&self, wallet: Address, entries: &[(PublicKey, Grant)]) {
        let lookups = std::mem::take(&mut *self.lookups.borrow_mut()).into_iter();
        let (answered, rest) = lookups.partition::<Vec<_>, _>(|lookup| lookup.wallet == wallet);
        *self.lookups.borrow_mut() = rest;
        for Lookup { answer, .. } in answered {
            let _ = answer.send(entries.to_vec());
        }
    }

    /// What wallets announce; `more` when the rest of the relay's book is still to come.
    pub(super) fn gossip(&self, announcements: &[ByteVec], more: bool) {
        let now = (self.clock)();
        for bytes in announcements {
            // What is no announcement is nobody's.
            if let Ok(announcement) = Announcement::from_bytes(bytes) {
                self.hear(announcement, now);
            }
        }
        if let Some(until) = self.book_until.get().filter(|until| *until > now) {
            self.book_until.set(Some(if more { now.saturating_add(ANSWER_WITHIN) } else { until.min(now) }));
        }
        self.answer();
    }

    fn hear(&self, announcement: Announcement, now: Timestamp) {
        match self.graph.borrow_mut().announce(&announcement, now) {
            Ok(()) => self.changed.set(true),
            // Its channel may be younger than the newest confirmed block, and it is not announced again soon.
            Err(AnnounceError::NoChannel) => {
                let mut early = self.early.borrow_mut();
                early.retain(|known| known.body.wallet != announcement.body.wallet);
                early.push_back(announcement);
                if early.len() > MAX_EARLY {
                    early.pop_front();
                }
            }
            Err(
                AnnounceError::Announcement(_)
                | AnnounceError::Stale
                | AnnounceError::Expired
                | AnnounceError::Future
                | AnnounceError::NotDelegated
                | AnnounceError::Full,
            ) => {}
        }
    }

    /// Every second: drops what took too long, and tells whether the network has changed since.
    pub(super) fn tick(&self, online: bool) -> bool {
        let now = (self.clock)();
        self.lookups.borrow_mut().retain(|lookup| online && lookup.until > now);
        if !online {
            // The relay tells its book on the next connection; until then the graph answers with what it has.
            self.book_until.set(self.book_until.get().map(|until| until.min(now)));
        }
        self.answer();
        if self.following.get() == Following::Not {
            return false;
        }
        let ended = self.graph.borrow_mut().advance(now);
        self.changed.replace(false) || ended
    }

    /// Asks the relay for its book.
    fn ask_for_book(&self) {
        self.book_until.set(Some((self.clock)().saturating_add(ANSWER_WITHIN)));
        let _ = self.outgoing.unbounded_send(Outgoing::Follow);
    }

    /// Answers who waits, if it is time.
    fn answer(&self) {
        if self.is_ready() {
            self.tell(&Ok(()));
        }
    }

    fn tell(&self, result: &Result<(), NodeError>) {
        for waiting in std::mem::take(&mut *self.waiting.borrow_mut()) {
            let _ = waiting.send(result.clone());
        }
    }

    /// All wallets and channels of one token or of all.
    pub(super) fn view(&self, token: Option<Address>) -> NetworkView {
        let (nodes, channels) = self.graph.borrow().listing(token, (self.clock)());
        let block = self.stored.borrow().block();
        NetworkView { complete: self.complete.get(), block, nodes, channels }
    }

    /// The client ended.
    pub(super) fn close(&self) {
        self.wake.close_channel();
        self.waiting.borrow_mut().clear();
        self.lookups.borrow_mut().clear();
    }
}
