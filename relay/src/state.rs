//! What all connections share: who is connected, the directory, the book of announcements, the seats, the counters.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use axum::body::Bytes;
use chit_client::protocol::{PublicKey, Timestamp};
use chit_client::transport::relay_protocol::{ErrorCode, UndeliverableReason};
use tokio::sync::{mpsc, watch};

use crate::config::Config;
use crate::directory::Directory;
use crate::gossip::{Book, Chapter, Place, Publication};
use crate::metrics::{Gauges, Metrics};
use crate::outbox::{Budget, Ending, Outbox, PushError};

/// The relay's shared state.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) config: Config,
    pub(crate) metrics: Metrics,
    next_connection: AtomicU64,
    clients: Mutex<HashMap<PublicKey, Arc<Outbox>>>,
    directory: Mutex<Directory>,
    book: Mutex<Book>,
    /// The number of the newest announcement.
    news: watch::Sender<u64>,
    seats: Mutex<Seats>,
    queued: Arc<Budget>,
    stopping: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Seats {
    taken: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// The right to hold a connection open, given back when dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    state: Arc<State>,
    address: IpAddr,
}

/// A client's place among the connected, given up when dropped.
#[derive(Debug)]
pub(crate) struct Membership {
    state: Arc<State>,
    key: PublicKey,
    pub(crate) outbox: Arc<Outbox>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing under these locks can panic half-way, so a poisoned one is whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    pub(crate) fn new(config: Config) -> Arc<Self> {
        Arc::new(Self {
            queued: Arc::new(Budget::new(config.total_queue_bytes)),
            book: Mutex::new(Book::new(config.gossip_entries, config.gossip_bytes)),
            news: watch::Sender::new(0),
            config,
            metrics: Metrics::default(),
            next_connection: AtomicU64::new(0),
            clients: Mutex::default(),
            directory: Mutex::default(),
            seats: Mutex::default(),
            stopping: watch::Sender::new(false),
        })
    }

    /// Takes a seat for a connection from `address`.
    pub(crate) fn seat(self: &Arc<Self>, address: IpAddr) -> Result<Seat, ErrorCode> {
        let address = network(address);
        let mut seats = lock(&self.seats);
        if seats.taken >= self.config.max_connections {
            return Err(ErrorCode::TooManyConnections);
        }
        let here = seats.by_address.entry(address).or_default();
        if *here >= self.config.max_connections_per_address {
            return Err(ErrorCode::TooManyFromAddress);
        }
        *here += 1;
        seats.taken += 1;
        Ok(Seat { state: self.clone(), address })
    }

    /// Makes a proven key reachable. A connection that it had before is ended: the newest wins, because the older one
    /// is most often the remains of a broken network. `welcome` is the first frame it gets: who is welcomed is reachable.
    pub(crate) fn join(self: &Arc<Self>, key: PublicKey, welcome: Bytes) -> (Membership, mpsc::Receiver<Bytes>) {
        let connection = self.next_connection.fetch_add(1, Ordering::Relaxed);
        let Config { queue_frames, queue_bytes, .. } = self.config;
        let (outbox, frames) = Outbox::new(connection, queue_frames, queue_bytes, self.queued.clone());
        // An outbox that cannot hold its first frame is of no use to anybody.
        if outbox.push(welcome).is_err() {
            outbox.end(Ending::Refused(ErrorCode::TooManyConnections, "the relay's queues are full".into()));
        }
        let older = lock(&self.clients).insert(key, outbox.clone());
        if let Some(older) = older {
            lock(&self.directory).forget(older.connection);
            older.end(Ending::Refused(ErrorCode::Replaced, "a newer connection proved the same key".into()));
        }
        // Whoever joins while the relay stops was not there to be told.
        if self.is_stopping() {
            outbox.end(Ending::Restarting);
        }
        self.metrics.authenticated.add(1);
        (Membership { state: self.clone(), key, outbox }, frames)
    }

    /// Lets a frame wait for `to`.
    pub(crate) fn forward(&self, to: &PublicKey, frame: Bytes, body_bytes: usize) -> Result<(), UndeliverableReason> {
        let outbox = lock(&self.clients).get(to).cloned().ok_or(UndeliverableReason::Offline)?;
        outbox.push(frame).map_err(|error| match error {
            PushError::Full => UndeliverableReason::QueueFull,
            PushError::Gone => UndeliverableReason::Offline,
        })?;
        self.metrics.forwarded_frames.add(1);
        self.metrics.forwarded_bytes.add(u64::try_from(body_bytes).unwrap_or(u64::MAX));
        Ok(())
    }

    /// The directory, for as long as the guard lives.
    pub(crate) fn directory(&self) -> MutexGuard<'_, Directory> {
        lock(&self.directory)
    }

    /// Takes an announcement of the signer on this connection, and wakes those who follow.
    pub(crate) fn publish(
        &self,
        connection: u64,
        place: Place,
        signer: PublicKey,
        bytes: Vec<u8>,
    ) -> Result<(), (ErrorCode, String)> {
        // Signatures are checked before the lock is taken: they take longer than everything under it.
        let publication = Publication::check(place, signer, bytes, now())
            .map_err(|error| (ErrorCode::BadAnnouncement, error.to_string()))?;
        let taken = lock(&self.book).publish(connection, publication, now());
        let taken = taken.map_err(|code| (code, format!("the announcement was not taken: {}", code.name())))?;
        if let Some(newest) = taken {
            // Two that publish at once may come here in either order.
            self.news.send_if_modified(|known| {
                let is_news = newest > *known;
                *known = newest.max(*known);
                is_news
            });
        }
        Ok(())
    }

    /// The next message for one who follows.
    pub(crate) fn chapter(&self, place: Place, after: u64) -> Chapter {
        let chapter = lock(&self.book).chapter(place, after, now());
        self.metrics.gossiped.add(u64::try_from(chapter.count).unwrap_or(u64::MAX));
        chapter
    }

    /// Tells of new announcements.
    pub(crate) fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// Tells every client that the relay stops.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
        for outbox in lock(&self.clients).values() {
            outbox.end(Ending::Restarting);
        }
    }

    fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Waits until the relay stops.
    pub(crate) async fn stopped(&self) {
        // The sender is `self`, which outlives this call, so waiting does not fail.
        let _ = self.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }

    /// How many connections are open.
    pub(crate) fn connections(&self) -> usize {
        lock(&self.seats).taken
    }

    /// What is measured now.
    pub(crate) fn gauges(&self) -> Gauges {
        let (book_entries, book_bytes) = lock(&self.book).size();
        Gauges {
            connections: self.connections(),
            clients: lock(&self.clients).len(),
            wallets: self.directory().wallets(),
            queued_bytes: self.queued.used(),
            book_entries,
            book_bytes,
        }
    }
}

/// This machine's time in seconds.
fn now() -> Timestamp {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Whoever has one IPv6 address usually has the 2^64 of its network.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & (u128::MAX << 64)).into()),
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = lock(&self.state.seats);
        seats.taken = seats.taken.saturating_sub(1);
        if let Some(here) = seats.by_address.get_mut(&self.address) {
            *here = here.saturating_sub(1);
            if *here == 0 {
                seats.by_address.remove(&self.address);
            }
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let connection = self.outbox.connection;
        lock(&self.state.directory).forget(connection);
        lock(&self.state.book).leave(connection);
        let mut clients = lock(&self.state.clients);
        if clients.get(&self.key).is_some_and(|current| current.connection == connection) {
            clients.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> Arc<State> {
        State::new(Config { max_connections: 3, max_connections_per_address: 2, ..Config::default() })
    }

    #[test]
    fn seats_are_counted_in_total_and_by_network() {
        let state = state();
        let home: IpAddr = "2001:db8:0:1::1".parse().unwrap();
        let same_network: IpAddr = "2001:db8:0:1:ffff::2".parse().unwrap();
        let elsewhere: IpAddr = "10.0.0.1".parse().unwrap();
        let first = state.seat(home).unwrap();
        let _second = state.seat(same_network).unwrap();
        assert_eq!(state.seat(home).unwrap_err(), ErrorCode::TooManyFromAddress);
        let _third = state.seat(elsewhere).unwrap();
        assert_eq!(state.seat("::ffff:10.0.0.1".parse().unwrap()).unwrap_err(), ErrorCode::TooManyConnections);
        drop(first);
        assert_eq!(state.connections(), 2);
        let _fourth = state.seat(home).unwrap();
        assert_eq!(lock(&state.seats).by_address.len(), 2);
    }

    #[tokio::test]
    async fn the_newest_connection_of_a_key_stays_when_the_older_one_leaves() {
        let state = state();
        let key = PublicKey([2; 33]);
        let (older, _older_frames) = state.join(key, Bytes::new());
        let (newer, mut frames) = state.join(key, Bytes::from_static(b"welcome"));
        assert!(matches!(older.outbox.ended().await, Ending::Refused(ErrorCode::Replaced, _)));
        drop(older);
        assert_eq!(state.forward(&key, Bytes::from_static(b"x"), 1), Ok(()));
        assert_eq!(frames.recv().await, Some(Bytes::from_static(b"welcome")));
        assert_eq!(frames.recv().await, Some(Bytes::from_static(b"x")));
        drop(newer);
        assert_eq!(state.forward(&key, Bytes::new(), 0), Err(UndeliverableReason::Offline));
    }

    #[tokio::test]
    async fn stopping_reaches_those_who_join_late() {
        let state = state();
        let (early, _early_frames) = state.join(PublicKey([2; 33]), Bytes::new());
        state.stop();
        state.stopped().await;
        let (late, _late_frames) = state.join(PublicKey([3; 33]), Bytes::new());
        assert_eq!((early.outbox.ended().await, late.outbox.ended().await), (Ending::Restarting, Ending::Restarting));
    }
}
