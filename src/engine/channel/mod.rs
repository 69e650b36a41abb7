//! One channel: what the chain says, what each side has signed, and what follows from both.
//!
//! Pause points (may it pay, may it receive, is it closing) are computed from this state whenever they are asked for;
//! only what cannot be recomputed is stored.

mod chain_view;
mod incoming;
mod outgoing;
mod resume;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use alloy::primitives::U256;

use crate::protocol::{
    Address, Amount, B256, ChainEvent, ChannelId, ChannelKey, Direction, Grant, Head, LockTree, Nonce, PaymentId, Side,
    SignedProof, Timestamp,
};
use crate::store::StoreError;

use super::records::{
    ChannelRecord, CloseRecord, DirectionRecord, LockRecord, RefusedRecord, UpdateRecord, WithdrawRecord,
};
use super::{Action, ChannelView, RequestId, SideView, Status};

pub(crate) use chain_view::ChainView;
pub(crate) use incoming::{Arrival, Authenticated};
pub(crate) use outgoing::{Queued, payment_views, update_message};

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
    queue: VecDeque<Queued>,
    queued: Amount,
    /// The commands that wait for a payment's end.
    pub(crate) waiting: BTreeMap<PaymentId, RequestId>,

    pub(crate) received: Direction,
    pub(crate) received_proof: Option<SignedProof>,
    pub(crate) received_grant: Option<Grant>,

    pub(crate) close: Option<CloseRecord>,
    pub(crate) our_withdrawal: Option<WithdrawRecord>,
    pub(crate) their_withdrawal: Option<WithdrawRecord>,
    /// True once both peers have compared their states.
    pub(crate) compared: bool,
    pub(crate) stopped: Option<String>,
    pub(crate) opening: Option<B256>,

    /// True while the partner answers and both agree on the state.
    pub(crate) synced: bool,
    /// No new payment is signed: a cooperative close is being prepared.
    pub(crate) frozen: bool,
    /// When something last moved on the wire.
    pub(crate) moved: Timestamp,
    /// An answer to the partner's close was asked of the wallet already; it is not asked twice by itself.
    pub(crate) answered: bool,
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
            queue: VecDeque::new(),
            queued: Amount::ZERO,
            waiting: BTreeMap::new(),
            received: Direction::default(),
            received_proof: None,
            received_grant: None,
            close: None,
            our_withdrawal: None,
            their_withdrawal: None,
            compared: false,
            stopped: None,
            opening: None,
            synced: false,
            frozen: false,
            moved: 0,
            answered: false,
            told_settleable: false,
        })
    }

    /// The channel as it was stored.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the record contradicts itself or is not `wallet`'s.
    pub(crate) fn load(record: ChannelRecord, wallet: Address) -> Result<Self, StoreError> {
        let corrupt = |what: &str| StoreError::Corrupt(format!("channel {}: {what}", record.key.id()));
        let mut channel = Self::new(record.key, wallet).ok_or_else(|| corrupt("it belongs to another wallet"))?;
        channel.sent = direction(&record.sent).ok_or_else(|| corrupt("its own locks contradict each other"))?;
        channel.received = direction(&record.received).ok_or_else(|| corrupt("its locks contradict each other"))?;
        channel.sent_proof = record.sent.signed;
        channel.acked = record.sent.acked;
        channel.refused = record.sent.refused;
        channel.received_proof = record.received.signed;
        channel.received_grant = record.received.grant;
        channel.close = record.close;
        channel.our_withdrawal = record.our_withdrawal;
        channel.their_withdrawal = record.their_withdrawal;
        channel.compared = record.compared;
        channel.stopped = record.stopped;
        channel.opening = record.opening;
        channel.events = record.events;
        channel.refold();
        Ok(channel)
    }

    /// What is stored of the channel.
    pub(crate) fn record(&self) -> ChannelRecord {
        ChannelRecord {
            key: self.key,
            events: self.events.clone(),
            sent: DirectionRecord {
                signed: self.sent_proof,
                acked: self.acked,
                refused: self.refused,
                ..direction_record(&self.sent)
            },
            received: DirectionRecord {
                signed: self.received_proof,
                grant: self.received_grant,
                ..direction_record(&self.received)
            },
            close: self.close,
            our_withdrawal: self.our_withdrawal,
            their_withdrawal: self.their_withdrawal,
            compared: self.compared,
            stopped: self.stopped.clone(),
            opening: self.opening,
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
        for event in events {
            if !self.events.iter().any(|known| known.position == event.position) {
                self.events.push(event);
            }
        }
        self.events.sort_by_key(|event| event.position);
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
        self.conflict = self.find_conflict();
    }

    fn find_conflict(&self) -> Option<&'static str> {
        if self.chain.done.is_some() {
            return None;
        }
        let used = self.sent.nonce > Nonce::ZERO || self.received.nonce > Nonce::ZERO;
        if used && self.chain.opened.is_none() {
            return Some("the chain no longer knows the channel in which payments were made");
        }
        if self.our_capacity().is_none() {
            return Some("the chain no longer holds the deposit that was spent");
        }
        if self.their_capacity(&self.received).is_none() {
            return Some("the chain no longer holds the deposit that the partner spent");
        }
        None
    }

    /// deposit − withdrawn + received − transferred − locked of our side; `None` when that is below zero.
    fn our_capacity(&self) -> Option<Amount> {
        let side = self.chain.side(self.side);
        let withdrawn = effective(side.withdrawn, self.our_withdrawal.as_ref());
        distributable(side.deposited, withdrawn, self.received.transferred, &self.sent)
    }

    /// The same of the partner's side, had it signed `received`. Everything that we have signed counts as received by it.
    fn their_capacity(&self, received: &Direction) -> Option<Amount> {
        let side = self.chain.side(self.side.other());
        let withdrawn = effective(side.withdrawn, self.their_withdrawal.as_ref());
        distributable(side.deposited, withdrawn, self.sent.transferred, received)
    }

    /// What this side can still promise: its capacity less the payments that wait.
    pub(crate) fn available(&self) -> Amount {
        self.our_capacity().unwrap_or_default().saturating_sub(self.queued)
    }

    /// True when the partner can afford to have withdrawn this much, and it is more than it has.
    pub(crate) fn may_withdraw(&self, total: Amount) -> bool {
        let side = self.chain.side(self.side.other());
        let affordable = distributable(side.deposited, total, self.sent.transferred, &self.received).is_some();
        affordable && total > side.withdrawn && self.tip.side(self.side.other()) == side
    }

    /// What each side is owed now, (A, B), when nothing is locked or under way that would change it.
    pub(crate) fn balances(&self) -> Option<(Amount, Amount)> {
        let quiet = self.sent.locks.is_empty() && self.received.locks.is_empty() && self.tip == self.chain;
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

    /// True from the first sign of a close, signed or on-chain, confirmed or not.
    pub(crate) fn is_closing(&self) -> bool {
        self.close.is_some() || self.tip.closing.is_some() || self.tip.done.is_some()
    }

    /// True when nothing is left to do.
    pub(crate) const fn is_settled(&self) -> bool {
        self.chain.done.is_some()
    }

    /// True when the partner closed and the Judge does not know the newest proof that we hold.
    pub(crate) fn needs_answer(&self, head: &Head) -> bool {
        let Some(closing) = self.tip.closing else { return false };
        let known = self.tip.side(self.side.other()).nonce;
        self.tip.done.is_none()
            && head.timestamp < closing.challenge_end
            && self.received_proof.is_some_and(|held| held.proof.nonce > known)
    }

    /// True when the challenge period is over and the payouts wait.
    pub(crate) fn is_settleable(&self, head: &Head) -> bool {
        self.tip.done.is_none() && self.tip.closing.is_some_and(|closing| head.timestamp >= closing.challenge_end)
    }

    /// Where the channel is in its life.
    pub(crate) fn status(&self, head: &Head) -> Status {
        if self.is_settled() {
            Status::Settled
        } else if self.is_settleable(head) {
            Status::Settleable
        } else if self.tip.closing.is_some() {
            Status::Closing
        } else if self.stop_reason().is_some() {
            Status::Stopped
        } else if self.is_closing() {
            Status::Closing
        } else if self.chain.opened.is_some() {
            Status::Open
        } else {
            Status::Opening
        }
    }

    /// What the user should do.
    pub(crate) fn action(&self, head: &Head) -> Option<Action> {
        if self.needs_answer(head) {
            Some(Action::Respond)
        } else if self.is_settleable(head) && !self.is_settled() {
            Some(Action::Settle)
        } else {
            None
        }
    }

    /// The channel as the application sees it.
    pub(crate) fn view(&self, head: &Head, required: u64) -> ChannelView {
        let side =
            |side: Side, direction: &Direction, withdrawal: Option<&WithdrawRecord>, capacity: Option<Amount>| {
                let on_chain = self.chain.side(side);
                SideView {
                    deposited: on_chain.deposited,
                    withdrawn: effective(on_chain.withdrawn, withdrawal),
                    transferred: direction.transferred,
                    locked: direction.locks.total(),
                    nonce: direction.nonce,
                    balance: capacity.unwrap_or_default(),
                }
            };
        let confirmations =
            self.tip.opened.map_or(0, |block| head.number.saturating_add(1).saturating_sub(block).min(required));
        ChannelView {
            id: self.id,
            key: self.key,
            partner: self.partner(),
            status: self.status(head),
            confirmations,
            required,
            partner_online: self.synced,
            ready: self.synced && self.is_live(),
            ours: side(self.side, &self.sent, self.our_withdrawal.as_ref(), self.our_capacity()),
            theirs: side(
                self.side.other(),
                &self.received,
                self.their_withdrawal.as_ref(),
                self.their_capacity(&self.received),
            ),
            capacity: if self.is_live() { self.available() } else { Amount::ZERO },
            pending_payments: self.waiting.len(),
            challenge_end: self.tip.closing.map(|closing| closing.challenge_end),
            closer: self.tip.closing.map(|closing| closing.closer),
            action: self.action(head),
            paid: self.tip.side(self.side).paid,
            error: self.stop_reason().map(str::to_owned),
        }
    }
}

/// What was withdrawn, a signed withdrawal counted as done.
fn effective(withdrawn: Amount, pending: Option<&WithdrawRecord>) -> Amount {
    pending.map_or(withdrawn, |pending| withdrawn.max(pending.total))
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
    Some(Direction { nonce: record.nonce, transferred: record.transferred, locks: Arc::new(locks) })
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
