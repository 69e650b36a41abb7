//! What wallets announce to everyone: the newest of each signer, until it ends.
//!
//! Every announcement that is taken gets the next number. A follower is a number too: it was sent everything up to there.
//! So the whole book and its changes are the same thing to it, a slow follower is sent only what is newest when its turn
//! comes, and what it costs to follow does not grow with how slow it is.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chit_client::protocol::{Address, Announcement, AnnouncementError, Domain, PublicKey, SignatureError, Timestamp};
use chit_client::transport::relay_protocol::{ErrorCode, ServerMessage, fits_gossip};

/// The most Judges and chains at which one connection announces.
const MAX_PLACES: usize = 16;
/// How far ahead of this clock an announcement may be signed, in seconds.
const CLOCK_SKEW: Timestamp = 300;

/// A Judge on a chain.
pub(crate) type Place = (u64, Address);

/// An announcement that was found to count.
#[derive(Clone, Debug)]
pub(crate) struct Publication {
    place: Place,
    signer: PublicKey,
    issued: Timestamp,
    ends: Timestamp,
    bytes: Vec<u8>,
}

impl Publication {
    /// Checks what `signer` publishes. Whether the Judge knows the key is for the receivers to check: they read the chain.
    pub(crate) fn check(
        place: Place,
        signer: PublicKey,
        bytes: Vec<u8>,
        now: Timestamp,
    ) -> Result<Self, AnnouncementError> {
        let announcement = Announcement::from_bytes(&bytes)?;
        let (issued, ends) = (announcement.body.issued, announcement.body.expiry);
        if ends <= now || issued > now.saturating_add(CLOCK_SKEW) {
            return Err(AnnouncementError::Times);
        }
        if announcement.signer != signer {
            return Err(SignatureError::WrongSigner.into());
        }
        announcement.verify(&Domain::new(place.0, place.1))?;
        Ok(Self { place, signer, issued, ends, bytes })
    }
}

#[derive(Debug)]
struct Entry {
    publication: Publication,
    connection: u64,
}

/// The announcements of all signers.
#[derive(Debug)]
pub(crate) struct Book {
    entries: HashMap<u64, Entry>,
    places: HashMap<Place, BTreeMap<u64, usize>>,
    signers: HashMap<(Place, PublicKey), u64>,
    ends: BTreeSet<(Timestamp, u64)>,
    connections: HashMap<u64, BTreeSet<u64>>,
    /// Whose signer has left: they make room when there is none.
    orphans: BTreeSet<u64>,
    newest: u64,
    bytes: usize,
    max_entries: usize,
    max_bytes: usize,
}

/// What is to be sent next to a follower.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Chapter {
    pub(crate) message: ServerMessage,
    /// Up to where the follower was then sent everything.
    pub(crate) until: u64,
    pub(crate) count: usize,
    pub(crate) more: bool,
}

impl Book {
    pub(crate) fn new(max_entries: usize, max_bytes: usize) -> Self {
        Self {
            entries: HashMap::new(),
            places: HashMap::new(),
            signers: HashMap::new(),
            ends: BTreeSet::new(),
            connections: HashMap::new(),
            orphans: BTreeSet::new(),
            newest: 0,
            bytes: 0,
            max_entries,
            max_bytes,
        }
    }

    /// Takes what a signer announces over this connection; answers its number when it is news.
    pub(crate) fn publish(
        &mut self,
        connection: u64,
        publication: Publication,
        now: Timestamp,
    ) -> Result<Option<u64>, ErrorCode> {
        self.forget_ended(now);
        let (place, signer, length) = (publication.place, publication.signer, publication.bytes.len());
        let known = self.signers.get(&(place, signer)).copied();
        if let Some((number, entry)) = known.and_then(|number| Some((number, self.entries.get_mut(&number)?)))
            && publication.issued <= entry.publication.issued
        {
            if entry.publication.bytes != publication.bytes {
                return Err(ErrorCode::StaleAnnouncement);
            }
            // A signer that comes back says the same again.
            let left = std::mem::replace(&mut entry.connection, connection);
            self.orphans.remove(&number);
            if let Some(numbers) = self.connections.get_mut(&left) {
                numbers.remove(&number);
            }
            self.connections.entry(connection).or_default().insert(number);
            return Ok(None);
        }
        let own = self.connections.get(&connection);
        if known.is_none() && own.is_some_and(|numbers| numbers.len() >= MAX_PLACES) {
            return Err(ErrorCode::TooManyAnnouncements);
        }
        if let Some(number) = known {
            self.remove(number);
        }
        while self.entries.len() >= self.max_entries || self.bytes.saturating_add(length) > self.max_bytes {
            let orphan = self.orphans.first().copied().ok_or(ErrorCode::GossipFull)?;
            self.remove(orphan);
        }
        self.newest += 1;
        let number = self.newest;
        self.bytes += length;
        self.places.entry(place).or_default().insert(number, length);
        self.signers.insert((place, signer), number);
        self.ends.insert((publication.ends, number));
        self.connections.entry(connection).or_default().insert(number);
        self.entries.insert(number, Entry { publication, connection });
        Ok(Some(number))
    }

    fn remove(&mut self, number: u64) {
        let Some(Entry { publication, connection }) = self.entries.remove(&number) else { return };
        let Publication { place, signer, ends, bytes, .. } = publication;
        self.bytes -= bytes.len();
        self.ends.remove(&(ends, number));
        self.orphans.remove(&number);
        self.signers.remove(&(place, signer));
        if let Some(numbers) = self.places.get_mut(&place) {
            numbers.remove(&number);
            if numbers.is_empty() {
                self.places.remove(&place);
            }
        }
        if let Some(own) = self.connections.get_mut(&connection) {
            own.remove(&number);
            if own.is_empty() {
                self.connections.remove(&connection);
            }
        }
    }

    fn forget_ended(&mut self, now: Timestamp) {
        while let Some((ends, number)) = self.ends.first().copied()
            && ends <= now
        {
            self.remove(number);
        }
    }

    /// A connection has ended: what it announced stays until it ends, unless its room is needed.
    pub(crate) fn leave(&mut self, connection: u64) {
        self.orphans.extend(self.connections.remove(&connection).unwrap_or_default());
    }

    /// The next message for one who follows this place and was sent everything up to `after`.
    pub(crate) fn chapter(&mut self, place: Place, after: u64, now: Timestamp) -> Chapter {
        self.forget_ended(now);
        let (mut announcements, mut bytes) = (Vec::new(), 0);
        let (mut until, mut more) = (self.newest, false);
        let numbers = self.places.get(&place).into_iter().flat_map(|numbers| numbers.range(after.saturating_add(1)..));
        for (number, length) in numbers {
            if !fits_gossip(announcements.len(), &mut bytes, *length) {
                more = true;
                break;
            }
            announcements.extend(self.entries.get(number).map(|entry| entry.publication.bytes.clone().into()));
            until = *number;
        }
        if !more {
            until = self.newest;
        }
        let (chain_id, judge) = place;
        let count = announcements.len();
        Chapter { message: ServerMessage::Gossip { chain_id, judge, announcements, more }, until, count, more }
    }

    /// How many announcements there are, and their bytes.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.entries.len(), self.bytes)
    }
}

#[cfg(test)]
#[path = "gossip_tests.rs"]
mod tests;
