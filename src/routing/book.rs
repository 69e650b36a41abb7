//! What the Judge's events say: every open channel and every session key, with a way back.
//!
//! Each event changes one record. The record as it was before goes into a journal, and a rollback puts the records back,
//! newest first. The journal reaches [`KEPT_BLOCKS`] blocks back; whoever must go further reads the chain anew.

use std::collections::{HashMap, VecDeque};

use crate::protocol::{Address, Amount, ChainEvent, ChannelId, ChannelKey, JudgeEvent, Side, Timestamp};

/// How many blocks before the newest event a rollback can reach.
pub const KEPT_BLOCKS: u64 = 1_024;

/// A rollback to before what the journal holds: the graph must be built anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the graph cannot be rolled back below block {0}")]
pub struct RollbackTooDeep(pub u64);

/// An open channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OpenChannel {
    pub(super) key: ChannelKey,
    pub(super) deposited: [Amount; 2],
    pub(super) withdrawn: [Amount; 2],
}

impl OpenChannel {
    /// What both sides together can hold.
    pub(super) fn total(&self) -> Amount {
        let [a, b] = self.deposited;
        let [out_a, out_b] = self.withdrawn;
        let left = a.checked_add(b).and_then(|sum| sum.checked_sub(out_a)).and_then(|sum| sum.checked_sub(out_b));
        left.unwrap_or(Amount::ZERO)
    }
}

/// The Judge's record of a session key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Session {
    pub(super) valid_until: Timestamp,
    pub(super) revoked_from: Timestamp,
}

#[derive(Clone, Debug)]
enum Before {
    Channel(ChannelId, Option<OpenChannel>),
    Session((Address, Address), Option<Session>),
}

/// What an event or its undoing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Changed {
    /// A channel opened, ended, or holds more or less.
    Channel(ChannelId),
    /// A wallet's session key: the wallet and the key.
    Session(Address, Address),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Book {
    channels: HashMap<ChannelId, OpenChannel>,
    sessions: HashMap<(Address, Address), Session>,
    /// How many open channels a wallet has.
    members: HashMap<Address, usize>,
    journal: VecDeque<(u64, Before)>,
    /// The block and log index of the newest event.
    newest: Option<(u64, u64)>,
    /// The journal is whole above this block.
    floor: u64,
}

impl Book {
    /// Applies an event that comes after all before; an older one is a repetition and changes nothing.
    pub(super) fn apply(&mut self, event: &ChainEvent) -> Option<Changed> {
        let at = (event.position.block, event.position.index);
        if self.newest.is_some_and(|newest| at <= newest) {
            return None;
        }
        self.newest = Some(at);
        self.forget(at.0.saturating_sub(KEPT_BLOCKS));
        let before = self.change(&event.event)?;
        let changed = before.changed();
        self.journal.push_back((at.0, before));
        Some(changed)
    }

    fn change(&mut self, event: &JudgeEvent) -> Option<Before> {
        match event {
            JudgeEvent::Opened { key } => {
                let channel = OpenChannel { key: *key, deposited: Default::default(), withdrawn: Default::default() };
                Some(self.set_channel(key.id(), Some(channel)))
            }
            JudgeEvent::Deposited { channel, wallet, total } => {
                self.set_sum(*channel, *wallet, |open| &mut open.deposited, *total)
            }
            JudgeEvent::Withdrawn { channel, wallet, total } => {
                self.set_sum(*channel, *wallet, |open| &mut open.withdrawn, *total)
            }
            JudgeEvent::Closing { channel, .. } | JudgeEvent::Done { channel, .. } => {
                self.channels.contains_key(channel).then(|| self.set_channel(*channel, None))
            }
            JudgeEvent::SessionKeySet { wallet, session_key, valid_until, revoked_from } => {
                let session = Session { valid_until: *valid_until, revoked_from: *revoked_from };
                Some(self.set_session((*wallet, *session_key), Some(session)))
            }
            JudgeEvent::ProofAccepted { .. } | JudgeEvent::LockClaimed { .. } | JudgeEvent::Paid { .. } => None,
        }
    }

    fn set_sum(
        &mut self,
        channel: ChannelId,
        wallet: Address,
        sums: fn(&mut OpenChannel) -> &mut [Amount; 2],
        total: Amount,
    ) -> Option<Before> {
        let mut open = self.channels.get(&channel)?.clone();
        let side = open.key.side_of(wallet)?;
        let [a, b] = sums(&mut open);
        match side {
            Side::A => *a = total,
            Side::B => *b = total,
        }
        Some(self.set_channel(channel, Some(open)))
    }

    fn set_channel(&mut self, id: ChannelId, after: Option<OpenChannel>) -> Before {
        for wallet in after.iter().flat_map(|open| [open.key.a, open.key.b]) {
            let count = self.members.entry(wallet).or_default();
            *count = count.saturating_add(1);
        }
        let before = match after {
            Some(open) => self.channels.insert(id, open),
            None => self.channels.remove(&id),
        };
        for wallet in before.iter().flat_map(|open| [open.key.a, open.key.b]) {
            let count = self.members.entry(wallet).or_default();
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.members.remove(&wallet);
            }
        }
        Before::Channel(id, before)
    }

    fn set_session(&mut self, of: (Address, Address), after: Option<Session>) -> Before {
        let before = match after {
            Some(session) => self.sessions.insert(of, session),
            None => self.sessions.remove(&of),
        };
        Before::Session(of, before)
    }

    /// Takes back everything above `block`; tells what was changed.
    pub(super) fn rollback(&mut self, block: u64) -> Result<Vec<Changed>, RollbackTooDeep> {
        if block < self.floor {
            return Err(RollbackTooDeep(self.floor));
        }
        let mut changed = Vec::new();
        while let Some((_, before)) = self.journal.pop_back_if(|(at, _)| *at > block) {
            changed.push(before.changed());
            match before {
                Before::Channel(id, was) => drop(self.set_channel(id, was)),
                Before::Session(of, was) => drop(self.set_session(of, was)),
            }
        }
        if self.newest.is_some_and(|(at, _)| at > block) {
            self.newest = Some((block, u64::MAX));
        }
        Ok(changed)
    }

    fn forget(&mut self, below: u64) {
        self.floor = self.floor.max(below);
        while self.journal.pop_front_if(|(at, _)| *at <= below).is_some() {}
    }

    /// Puts back a channel as it was stored.
    pub(super) fn restore_channel(&mut self, open: OpenChannel) {
        let _ = self.set_channel(open.key.id(), Some(open));
    }

    /// Puts back a session key as it was stored.
    pub(super) fn restore_session(&mut self, wallet: Address, key: Address, session: Session) {
        let _ = self.set_session((wallet, key), Some(session));
    }

    /// What was put back is everything up to this block.
    pub(super) fn restored_to(&mut self, block: u64) {
        self.newest = Some((block, u64::MAX));
        self.forget(block);
    }

    pub(super) fn channels(&self) -> impl Iterator<Item = (&ChannelId, &OpenChannel)> {
        self.channels.iter()
    }

    pub(super) fn session(&self, wallet: Address, key: Address) -> Option<Session> {
        self.sessions.get(&(wallet, key)).copied()
    }

    pub(super) fn channel(&self, id: ChannelId) -> Option<&OpenChannel> {
        self.channels.get(&id)
    }

    /// True when the wallet has a channel.
    pub(super) fn is_member(&self, wallet: Address) -> bool {
        self.members.contains_key(&wallet)
    }

    /// Until when a key acts for a wallet, by the Judge's record and by a grant until `granted` (0 for none).
    pub(super) fn key_counts_until(&self, wallet: Address, key: Address, granted: Timestamp) -> Timestamp {
        let session = self.sessions.get(&(wallet, key)).copied().unwrap_or_default();
        if session.revoked_from == 0 { session.valid_until.max(granted) } else { 0 }
    }
}

impl Before {
    const fn changed(&self) -> Changed {
        match self {
            Self::Channel(id, _) => Changed::Channel(*id),
            Self::Session((wallet, key), _) => Changed::Session(*wallet, *key),
        }
    }
}
