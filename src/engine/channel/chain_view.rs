//! What the chain says of one channel: a fold over its events, recomputed whenever they change.
//!
//! Nothing here is stored as a second truth. Totals are cumulative, so an event counts once however often it is told, and
//! a reorg that takes an event away takes its effect away too.

use crate::protocol::{Address, Amount, ChainEvent, ChannelKey, JudgeEvent, Nonce, Side, Timestamp};

/// One side as the Judge knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SideOnChain {
    pub(crate) deposited: Amount,
    pub(crate) withdrawn: Amount,
    /// The newest proof of this side that the Judge holds.
    pub(crate) nonce: Nonce,
    /// What that proof pays.
    pub(crate) transferred: Amount,
    /// What it locks.
    pub(crate) locked: Amount,
    pub(crate) paid: Amount,
    /// How much of what it locked was claimed.
    pub(crate) claimed: Amount,
}

/// A channel as the Judge knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ChainView {
    /// The block of the opening.
    pub(crate) opened: Option<u64>,
    pub(crate) closing: Option<Closing>,
    /// The block in which everything was paid out.
    pub(crate) done: Option<u64>,
    pub(crate) a: SideOnChain,
    pub(crate) b: SideOnChain,
}

/// A unilateral close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closing {
    pub(crate) block: u64,
    pub(crate) closer: Address,
    pub(crate) challenge_end: Timestamp,
}

impl ChainView {
    /// The state after `events`, which must be in order.
    pub(crate) fn fold<'e>(key: &ChannelKey, events: impl Iterator<Item = &'e ChainEvent>) -> Self {
        let mut view = Self::default();
        for event in events {
            view.apply(key, event);
        }
        view
    }

    pub(crate) const fn side(&self, side: Side) -> &SideOnChain {
        match side {
            Side::A => &self.a,
            Side::B => &self.b,
        }
    }

    fn apply(&mut self, key: &ChannelKey, event: &ChainEvent) {
        let block = event.position.block;
        match &event.event {
            JudgeEvent::Opened { .. } => self.opened = Some(block),
            JudgeEvent::Deposited { wallet, total, .. } => {
                self.with_side(key, *wallet, |side| side.deposited = side.deposited.max(*total));
            }
            JudgeEvent::Withdrawn { wallet, total, .. } => {
                self.with_side(key, *wallet, |side| side.withdrawn = side.withdrawn.max(*total));
            }
            JudgeEvent::Closing { closer, challenge_end, .. } => {
                self.closing = Some(Closing { block, closer: *closer, challenge_end: *challenge_end });
            }
            JudgeEvent::ProofAccepted { sender, nonce, transferred, locked, .. } => {
                self.with_side(key, *sender, |side| {
                    if *nonce > side.nonce {
                        (side.nonce, side.transferred, side.locked) = (*nonce, *transferred, *locked);
                    }
                });
            }
            JudgeEvent::Paid { wallet, amount, .. } => {
                // A sum above the range cannot be paid by the Judge; showing the last value is all that is lost.
                self.with_side(key, *wallet, |side| side.paid = side.paid.checked_add(*amount).unwrap_or(side.paid));
            }
            JudgeEvent::Done { .. } => self.done = Some(block),
            JudgeEvent::LockClaimed { sender, amount, .. } => self.with_side(key, *sender, |side| {
                side.claimed = side.claimed.checked_add(*amount).unwrap_or(side.claimed);
            }),
            JudgeEvent::SessionKeySet { .. } => {}
        }
    }

    fn with_side(&mut self, key: &ChannelKey, wallet: Address, change: impl FnOnce(&mut SideOnChain)) {
        match key.side_of(wallet) {
            Some(Side::A) => change(&mut self.a),
            Some(Side::B) => change(&mut self.b),
            None => {}
        }
    }
}
