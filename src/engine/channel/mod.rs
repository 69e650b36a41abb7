//! One channel: what the chain says, what each side has signed, and what follows from both.
//!
//! Pause points (may it pay, may it receive, is it closing) are computed from this state whenever they are asked for;
//! only what cannot be recomputed is stored.

mod chain_view;
mod incoming;
mod locks;
mod outgoing;
mod queue;
mod resume;
mod view;

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

use alloy::primitives::U256;

use crate::protocol::{
    Address, Amount, B256, ChainEvent, ChannelId, ChannelKey, Direction, Grant, Head, JudgeEvent, LockId, LockTree,
    Nonce, PaymentId, Side, SignedProof, Timestamp,
};
use crate::store::StoreError;

use super::records::{
    ChannelRecord, CloseRecord, DirectionRecord, LockRecord, RefusedRecord, UpdateRecord, WithdrawRecord,
};
use super::table::Set;
use super::{Config, RequestId};

pub(crate) use chain_view::ChainView;
use chain_view::{Closing, SideOnChain};
pub(crate) use incoming::{Arrival, Authenticated};
use locks::Locks;
pub(crate) use locks::{Due, LockRules, Offer};
pub(crate) use outgoing::{payment_views, update_message};
pub(crate) use queue::Queued;

use queue::Queue;

/// A proof of the partner that must be brought to the Judge, and the close that makes it necessary, if one does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    nonce: Nonce,
    closing: Option<Closing>,
}

/// A channel in memory.
#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) key: ChannelKey,
    pub(crate) id: ChannelId,
    /// Our side.
    pub(crate) side: Side,
    /// Confirmed events, in order.
    events: Vec<ChainEvent>,
    /// Events that may still be undone.
    pending: Vec<ChainEvent>,
    /// What counts: the fold of the confirmed events.
    pub(crate) chain: ChainView,
    /// What may come: the fold of all events.
    pub(crate) tip: ChainView,
    /// Why the stored state and the chain contradict each other.
    conflict: Option<&'static str>,

    pub(crate) sent: Direction,
    pub(crate) sent_proof: Option<SignedProof>,
    pub(crate) acked: Nonce,
    pub(crate) refused: Option<RefusedRecord>,
    /// Signed and not acknowledged, oldest first; sent again byte for byte after every reconnection.
    pub(crate) unacked: VecDeque<UpdateRecord>,
    queue: Queue,
    /// The payments that wait or are not acknowledged, and the commands to answer at their end. After a reload nobody asks
    /// any more, but the same payment must not be made a second time.
    pub(crate) waiting: BTreeMap<PaymentId, Option<RequestId>>,

    pub(crate) received: Direction,
    pub(crate) received_proof: Option<SignedProof>,
    pub(crate) received_grant: Option<Grant>,
    /// Until when the signer of that proof is known to count: later the Judge would not take it.
    pub(crate) received_until: Timestamp,

    pub(crate) locks: Locks,

    pub(crate) close: Option<CloseRecord>,
    pub(crate) our_withdrawal: Option<WithdrawRecord>,
    pub(crate) their_withdrawal: Option<WithdrawRecord>,
    /// True once both peers have compared their states.
    pub(crate) compared: bool,
    pub(crate) stopped: Option<String>,
    pub(crate) opening: Option<B256>,

    /// True while the partner answers and both agree on the state.
    pub(crate) synced: bool,
    /// No new payment is signed: a close is being prepared.
    pub(crate) frozen: bool,
    /// The partner's next update was refused; those that follow it are out of order because of that, and asking for it again
    /// would only bring the same.
    pub(crate) refusing: bool,
    /// When something last moved on the wire.
    pub(crate) moved: Timestamp,
    /// What the wallet was asked to bring already; it is not asked twice by itself.
    pub(crate) asked: Option<Answer>,
    /// The wallet could not even be asked for that: at the next block it is.
    pub(crate) ask_again: bool,
    /// The wallet was asked to bring our own countersigned proof.
    pub(crate) freed: bool,
    /// A transaction would pay something out, once the challenge period is over.
    pub(crate) payout: bool,
    /// The user was told that the payout waits.
    pub(crate) told_settleable: bool,
}

impl Channel {
    /// A channel that nothing is known of but its key, seen from `wallet`.
    pub(crate) fn new(key: ChannelKey, wallet: Address) -> Option<Self> {
        Some(Self {
            key,
            id: key.id(),
            side: key.side_of(wallet)?,
            events: Vec::new(),
            pending: Vec::new(),
            chain: ChainView::default(),
            tip: ChainView::default(),
            conflict: None,
            sent: Direction::default(),
            sent_proof: None,
            acked: Nonce::ZERO,
            refused: None,
            unacked: VecDeque::new(),
            queue: Queue::default(),
            waiting: BTreeMap::new(),
            received: Direction::default(),
            received_proof: None,
            received_grant: None,
            received_until: 0,
            locks: Locks::default(),
            close: None,
            our_withdrawal: None,
            their_withdrawal: None,
            compared: false,
            stopped: None,
            opening: None,
            synced: false,
            frozen: false,
            refusing: false,
            moved: 0,
            asked: None,
            ask_again: false,
            freed: false,
            payout: true,
            told_settleable: false,
        })
    }

    /// The channel as it was stored.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the record contradicts itself or is not `wallet`'s.
    pub(crate) fn load(record: ChannelRecord<'_>, wallet: Address) -> Result<Self, StoreError> {
        let corrupt = |what: &str| StoreError::Corrupt(format!("channel {}: {what}", record.key.id()));
        let mut channel = Self::new(record.key, wallet).ok_or_else(|| corrupt("it belongs to another wallet"))?;
        channel.sent = direction(&record.sent).ok_or_else(|| corrupt("its own locks contradict each other"))?;
        channel.received = direction(&record.received).ok_or_else(|| corrupt("its locks contradict each other"))?;
        channel.sent_proof = record.sent.signed;
        channel.acked = record.sent.acked;
        channel.refused = record.sent.refused;
        channel.received_proof = record.received.signed;
        channel.received_grant = record.received.grant;
        channel.received_until = record.received.until;
        channel.locks = Locks::load(&record);
        channel.close = record.close;
        channel.our_withdrawal = record.our_withdrawal;
        channel.their_withdrawal = record.their_withdrawal;
        channel.compared = record.compared;
        channel.stopped = record.stopped;
        channel.opening = record.opening;
        channel.events = record.events.into_owned();
        channel.refold();
        Ok(channel)
    }

    /// What is stored of the channel.
    pub(crate) fn record(&self) -> ChannelRecord<'_> {
        ChannelRecord {
            key: self.key,
            events: Cow::Borrowed(&self.events),
            sent: DirectionRecord {
                signed: self.sent_proof,
                acked: self.acked,
                refused: self.refused,
                last_lock: self.locks.last_sent,
                ..direction_record(&self.sent)
            },
            received: DirectionRecord {
                signed: self.received_proof,
                grant: self.received_grant,
                until: self.received_until,
                last_lock: self.locks.last_received,
                ..direction_record(&self.received)
            },
            close: self.close,
            our_withdrawal: self.our_withdrawal,
            their_withdrawal: self.their_withdrawal,
            compared: self.compared,
            stopped: self.stopped.clone(),
            opening: self.opening,
            last_cancel: self.locks.last_cancel,
            refused: self.locks.refused_records(),
            cancelled: self.locks.cancelled.values().copied().collect(),
            accepted: self.locks.accepted,
        }
    }

    /// The other wallet.
    pub(crate) const fn partner(&self) -> Address {
        self.key.wallet(self.side.other())
    }

    /// Our wallet.
    pub(crate) const fn wallet(&self) -> Address {
        self.key.wallet(self.side)
    }

    /// Adds newly confirmed events.
    pub(crate) fn confirm(&mut self, events: impl IntoIterator<Item = ChainEvent>) {
        self.events.extend(events);
        ChainEvent::sort(&mut self.events);
        self.events.dedup_by_key(|event| event.position);
        self.refold();
    }

    /// Replaces the events that may still be undone. True when anything changed.
    pub(crate) fn set_pending(&mut self, events: Vec<ChainEvent>) -> bool {
        let changed = self.pending != events;
        if changed {
            self.pending = events;
            self.refold();
        }
        changed
    }

    /// Forgets confirmed events above `block`. True when there were any.
    pub(crate) fn roll_back(&mut self, block: u64) -> bool {
        let before = self.events.len();
        self.events.retain(|event| event.position.block <= block);
        self.refold();
        self.events.len() != before
    }

    /// The confirmed events, or all events up to the tip.
    pub(crate) fn events(&self, confirmed: bool) -> impl Iterator<Item = &ChainEvent> {
        let pending: &[ChainEvent] = if confirmed { &[] } else { &self.pending };
        self.events.iter().chain(pending)
    }

    fn refold(&mut self) {
        self.chain = ChainView::fold(&self.key, self.events.iter());
        self.tip = ChainView::fold(&self.key, self.events.iter().chain(&self.pending));
        if self.chain.opened.is_some() {
            self.opening = None;
        }
        let settled_withdrawal = |withdrawal: Option<WithdrawRecord>, withdrawn: Amount| {
            withdrawal.filter(|withdrawal| withdrawal.total > withdrawn)
        };
        self.our_withdrawal = settled_withdrawal(self.our_withdrawal, self.chain.side(self.side).withdrawn);
        self.their_withdrawal = settled_withdrawal(self.their_withdrawal, self.chain.side(self.side.other()).withdrawn);
        if self.tip.closing.is_none() {
            self.told_settleable = false;
        }
        if self.tip.closing.is_none() || self.proof_without_cancelled().is_none() {
            // A reorg may take what was brought away again.
            self.freed = false;
        }
        if self.is_on_chain() {
            // A reorg may take it away again, and then it must be brought again.
            self.asked = None;
        }
        self.adopt_from_chain();
        self.reconsider();
    }

    /// Drops terms whose deadline is past for good: seen past on the chain, and confirmed since. True when there were any.
    pub(crate) fn expire_terms(&mut self, head: &Head, confirmations: u64) -> bool {
        let is_over = |deadline: Timestamp, expired_at: &mut Option<u64>| {
            if head.timestamp <= deadline {
                *expired_at = None;
                return false;
            }
            let since = *expired_at.get_or_insert(head.number);
            head.number >= since.saturating_add(confirmations)
        };
        let before = (self.close.is_some(), self.our_withdrawal.is_some(), self.their_withdrawal.is_some());
        if self.close.as_mut().is_some_and(|close| is_over(close.deadline, &mut close.expired_at)) {
            self.close = None;
        }
        for withdrawal in [&mut self.our_withdrawal, &mut self.their_withdrawal] {
            if withdrawal.as_mut().is_some_and(|terms| is_over(terms.deadline, &mut terms.expired_at)) {
                *withdrawal = None;
            }
        }
        let changed = before != (self.close.is_some(), self.our_withdrawal.is_some(), self.their_withdrawal.is_some());
        if changed {
            self.reconsider();
        }
        changed
    }

    /// Compares anew what is signed with what the chain holds.
    fn reconsider(&mut self) {
        self.conflict = self.find_conflict();
    }

    /// A proof that the Judge holds counts whether or not it is stored here: what was paid before storage was lost must not
    /// be paid a second time under lower numbers, and an update below the Judge's number would be worth nothing.
    fn adopt_from_chain(&mut self) {
        let newer = |known: &SideOnChain, own: &Direction| {
            let missing = known.nonce > own.nonce && known.locked.is_zero() && own.locks.is_empty();
            missing.then(|| Direction { nonce: known.nonce, transferred: known.transferred, ..Direction::default() })
        };
        if let Some(received) = newer(self.chain.side(self.side.other()), &self.received) {
            self.received = received;
        }
        if let Some(sent) = newer(self.chain.side(self.side), &self.sent) {
            self.acked = self.acked.max(sent.nonce);
            self.sent = sent;
        }
    }

    /// True when nothing is lost by forgetting the channel: nobody has signed anything in it.
    pub(crate) fn is_blank(&self) -> bool {
        let signed = self.sent.nonce > Nonce::ZERO || self.received.nonce > Nonce::ZERO;
        let terms = self.close.is_some() || self.our_withdrawal.is_some() || self.their_withdrawal.is_some();
        !signed && !terms && self.stopped.is_none()
    }

    fn find_conflict(&self) -> Option<&'static str> {
        if self.chain.done.is_some() {
            return None;
        }
        let used = self.sent.nonce > Nonce::ZERO || self.received.nonce > Nonce::ZERO;
        if used && self.chain.opened.is_none() {
            return Some("the chain no longer knows the channel in which payments were made");
        }
        let (ours, theirs) = (self.chain.side(self.side).nonce, self.chain.side(self.side.other()).nonce);
        if ours > self.sent.nonce || theirs > self.received.nonce {
            return Some("the Judge holds a proof with locks that this client does not know");
        }
        if self.received.nonce > self.held_nonce().max(theirs) {
            return Some("the chain no longer holds the partner's proof that was counted");
        }
        if self.our_capacity().is_none() {
            return Some("the chain no longer holds the deposit that was spent");
        }
        if self.their_capacity(&self.received).is_none() {
            return Some("the chain no longer holds the deposit that the partner spent");
        }
        None
    }

    /// deposit − withdrawn + received − transferred − locked of our side; `None` when that is below zero. What the partner
    /// has not let go yet is still locked.
    fn our_capacity(&self) -> Option<Amount> {
        let withdrawn = self.withdrawn(self.side, self.our_withdrawal.as_ref());
        let deposited = self.chain.side(self.side).deposited;
        let rest = distributable(deposited, withdrawn, self.received.transferred, &self.sent)?;
        rest.checked_sub(self.locks.unaccepted()?).ok()
    }

    /// The same of the partner's side, had it signed `received`. Everything that we have signed counts as received by it.
    fn their_capacity(&self, received: &Direction) -> Option<Amount> {
        let side = self.side.other();
        let withdrawn = self.withdrawn(side, self.their_withdrawal.as_ref());
        distributable(self.chain.side(side).deposited, withdrawn, self.sent.transferred, received)
    }

    /// What a side has taken out: a deposit counts when it is confirmed, a withdrawal from its first signature.
    fn withdrawn(&self, side: Side, signed: Option<&WithdrawRecord>) -> Amount {
        let seen = self.chain.side(side).withdrawn.max(self.tip.side(side).withdrawn);
        signed.map_or(seen, |terms| seen.max(terms.total))
    }

    /// The number of the newest proof of the partner that this side can show.
    fn held_nonce(&self) -> Nonce {
        self.received_proof.map_or(Nonce::ZERO, |held| held.proof.nonce)
    }

    /// What this side can still promise: its capacity less the payments and locks that wait.
    pub(crate) fn available(&self) -> Amount {
        let waiting = self.queue.total().checked_add(self.locks.offered()).unwrap_or(Amount::MAX);
        self.our_capacity().unwrap_or_default().saturating_sub(waiting)
    }

    /// True when the partner can afford to have withdrawn this much, and it is more than it has.
    pub(crate) fn may_withdraw(&self, total: Amount) -> bool {
        let side = self.chain.side(self.side.other());
        let affordable = distributable(side.deposited, total, self.sent.transferred, &self.received).is_some();
        affordable && total > side.withdrawn && self.tip.side(self.side.other()) == side
    }

    /// What each side is owed now, (A, B), when nothing is locked or under way that would change it.
    pub(crate) fn balances(&self) -> Option<(Amount, Amount)> {
        let unlocked = self.sent.locks.is_empty() && self.received.locks.is_empty();
        let quiet = unlocked && self.locks.unaccepted() == Some(Amount::ZERO) && self.tip == self.chain;
        let (ours, theirs) = (self.our_capacity()?, self.their_capacity(&self.received)?);
        let pending = self.our_withdrawal.is_some() || self.their_withdrawal.is_some();
        match (quiet && !pending, self.side) {
            (false, _) => None,
            (true, Side::A) => Some((ours, theirs)),
            (true, Side::B) => Some((theirs, ours)),
        }
    }

    /// Why no payment goes either way, if so.
    pub(crate) fn stop_reason(&self) -> Option<&str> {
        self.stopped.as_deref().or(self.conflict)
    }

    /// True while proofs may be signed and accepted: open, not closing in any way, not stopped.
    pub(crate) fn is_live(&self) -> bool {
        self.chain.opened.is_some() && !self.is_closing() && self.stop_reason().is_none()
    }

    /// True from the first sign of a close, signed by us or on-chain, confirmed or not.
    pub(crate) fn is_closing(&self) -> bool {
        self.close.is_some() || self.is_closed()
    }

    /// True when a close of either kind is in the chain, confirmed or not.
    pub(crate) const fn is_closed(&self) -> bool {
        self.tip.closing.is_some() || self.tip.done.is_some()
    }

    /// True when nothing is left to do.
    pub(crate) const fn is_settled(&self) -> bool {
        self.chain.done.is_some()
    }

    /// Until when the newest proof that we hold must be brought to the Judge, which does not know it yet: the channel is
    /// being closed without it, or its signer's key ends soon.
    pub(crate) fn answer_until(&self, head: &Head, config: &Config) -> Option<Timestamp> {
        if self.tip.opened.is_none() || self.tip.done.is_some() || self.is_on_chain() {
            return None;
        }
        let ends_soon = self.received_until <= head.timestamp.saturating_add(config.challenge);
        let until = match self.tip.closing {
            Some(closing) => Some(closing.challenge_end),
            None => Some(self.received_until).filter(|_| ends_soon),
        };
        until.filter(|until| head.timestamp < *until)
    }

    /// What bringing the newest proof now would answer.
    pub(crate) fn answer(&self) -> Answer {
        Answer { nonce: self.held_nonce(), closing: self.tip.closing }
    }

    /// True when the Judge knows the newest proof that we hold.
    fn is_on_chain(&self) -> bool {
        self.held_nonce() <= self.tip.side(self.side.other()).nonce
    }

    /// True when the newest proof that we hold lost its worth, because its signer's key ended before it was brought.
    /// What it paid must not be spent.
    pub(crate) fn is_worthless(&self, time: Timestamp) -> bool {
        self.tip.closing.is_none() && self.received_until <= time && !self.is_on_chain()
    }

    /// The partner's locks that the Judge has paid out to us.
    pub(crate) fn claimed(&self) -> Set<LockId> {
        let claims = self.events(false).filter_map(|event| match &event.event {
            JudgeEvent::LockClaimed { sender, lock, .. } if *sender == self.partner() => Some(*lock),
            _ => None,
        });
        claims.collect()
    }

    /// True when the challenge period is over and not everything is paid out.
    pub(crate) fn is_decided(&self, head: &Head) -> bool {
        self.tip.done.is_none() && self.tip.closing.is_some_and(|closing| head.timestamp >= closing.challenge_end)
    }

    /// True when the Judge has paid out already, and locks are left.
    pub(crate) fn was_paid(&self) -> bool {
        let paid = |side: &SideOnChain| !side.paid.is_zero();
        paid(&self.tip.a) || paid(&self.tip.b)
    }

    /// True when the challenge period is over and a payout waits.
    pub(crate) fn is_settleable(&self, head: &Head) -> bool {
        self.is_decided(head) && self.payout
    }
}

/// deposit − withdrawn + received − transferred − locked; `None` below zero. In 256 bits, so no intermediate sum overflows.
fn distributable(deposited: Amount, withdrawn: Amount, received: Amount, sent: &Direction) -> Option<Amount> {
    let plus = wide(deposited) + wide(received);
    let minus = wide(withdrawn) + wide(sent.transferred) + wide(sent.locks.total());
    plus.checked_sub(minus).map(|rest| Amount::new(u128::try_from(rest).unwrap_or(u128::MAX)))
}

fn wide(amount: Amount) -> U256 {
    U256::from(amount.get())
}

fn direction(record: &DirectionRecord) -> Option<Direction> {
    let slots = record.locks.iter().map(|lock| (lock.slot as usize, lock.lock));
    let locks = LockTree::from_slots(slots).ok()?;
    Some(Direction { nonce: record.nonce, transferred: record.transferred, locks })
}

fn direction_record(direction: &Direction) -> DirectionRecord {
    let slot = |(slot, lock): (usize, &crate::protocol::Lock)| {
        Some(LockRecord { slot: u32::try_from(slot).ok()?, lock: *lock })
    };
    DirectionRecord {
        nonce: direction.nonce,
        transferred: direction.transferred,
        locks: direction.locks.slots().filter_map(slot).collect(),
        ..DirectionRecord::default()
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod capacity_tests;
