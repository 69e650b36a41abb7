//! What payments taught about one direction of a channel. Everything learned fades: it halves every [`HALF_LIFE`].

use super::cost::{Rate, WHOLE};
use crate::protocol::{Amount, LockRefusal, Timestamp};

/// After so many seconds half of what was learned is left.
pub(super) const HALF_LIFE: Timestamp = 600;
/// What one failure adds to the penalty of a direction, and the most that failures add up to.
const FAILURE: Rate = WHOLE / 5;
const MOST: Rate = 2 * WHOLE;

/// Why a hop did not carry a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It cannot carry this much at present.
    Capacity,
    /// The mediator refused for another reason: it takes more than it announced, say.
    Refused,
    /// Nobody answered in time.
    Silent,
}

impl From<LockRefusal> for Failure {
    fn from(refusal: LockRefusal) -> Self {
        match refusal {
            LockRefusal::NoCapacity | LockRefusal::TooMuch => Self::Capacity,
            LockRefusal::Expired | LockRefusal::Incomplete => Self::Silent,
            LockRefusal::BadRoute
            | LockRefusal::NoRoute
            | LockRefusal::FeeTooLow
            | LockRefusal::BadExpiry
            | LockRefusal::Unexpected
            | LockRefusal::HashUsed
            | LockRefusal::TooSmall
            | LockRefusal::RequestPaid
            | LockRefusal::RequestExpired => Self::Refused,
        }
    }
}

/// What is known of one direction, as of `at`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lesson {
    at: Timestamp,
    penalty: Rate,
    /// By how much the direction's capacity is below the channel's total, at least.
    missing: Amount,
    /// So much the direction can surely carry.
    proven: Amount,
}

impl Lesson {
    /// The most that the direction can carry.
    pub(super) fn upper(&self, total: Amount, now: Timestamp) -> Amount {
        total.saturating_sub(Amount::new(faded(self.missing.get(), self.age(now))))
    }

    /// The penalty for sending this much.
    pub(super) fn penalty(&self, amount: Amount, now: Timestamp) -> Rate {
        let age = self.age(now);
        if amount.get() <= faded(self.proven.get(), age) {
            return 0;
        }
        u64::try_from(faded(u128::from(self.penalty), age)).unwrap_or(MOST)
    }

    const fn age(&self, now: Timestamp) -> Timestamp {
        now.saturating_sub(self.at)
    }

    fn fade(&mut self, now: Timestamp) {
        let age = self.age(now);
        self.penalty = u64::try_from(faded(u128::from(self.penalty), age)).unwrap_or(MOST);
        self.missing = Amount::new(faded(self.missing.get(), age));
        self.proven = Amount::new(faded(self.proven.get(), age));
        self.at = self.at.max(now);
    }

    pub(super) fn failed(&mut self, amount: Amount, total: Amount, reason: Failure, now: Timestamp) {
        self.fade(now);
        match reason {
            Failure::Capacity => {
                let below = amount.saturating_sub(Amount::new(1));
                self.missing = self.missing.max(total.saturating_sub(below));
                self.proven = self.proven.min(below);
            }
            Failure::Refused | Failure::Silent => {
                self.penalty = self.penalty.saturating_add(FAILURE).min(MOST);
                self.proven = Amount::ZERO;
            }
        }
    }

    /// The direction carried this much, and can carry so much less now.
    pub(super) fn sent(&mut self, amount: Amount, total: Amount, now: Timestamp) {
        self.fade(now);
        self.penalty = 0;
        self.missing = self.missing.checked_add(amount).unwrap_or(Amount::MAX).min(total);
        self.proven = self.proven.saturating_sub(amount);
    }

    /// The other direction carried this much, which this one can carry back.
    pub(super) fn received(&mut self, amount: Amount, total: Amount, now: Timestamp) {
        self.fade(now);
        self.missing = self.missing.saturating_sub(amount);
        self.proven = self.proven.checked_add(amount).unwrap_or(Amount::MAX).min(total);
    }

    /// The sender announced its capacity anew: older bounds no longer count.
    pub(super) const fn announced(&mut self) {
        self.missing = Amount::ZERO;
        self.proven = Amount::ZERO;
    }
}

/// What is left of `value` after `age` seconds: halved per half-life, in a straight line in between.
fn faded(value: u128, age: Timestamp) -> u128 {
    let halvings = u32::try_from(age / HALF_LIFE).unwrap_or(u32::MAX);
    let value = value.checked_shr(halvings).unwrap_or_default();
    let part = u128::from(age % HALF_LIFE);
    let (span, half) = (u128::from(HALF_LIFE), value / 2);
    // half · part / span without leaving the range.
    let lost = (half / span).saturating_mul(part).saturating_add((half % span).saturating_mul(part) / span);
    value.saturating_sub(lost)
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TOTAL: Amount = Amount::new(1_000);

    #[test]
    fn a_failure_fades_by_half() {
        let mut lesson = Lesson::default();
        lesson.failed(Amount::new(10), TOTAL, Failure::Silent, 100);
        assert_eq!(lesson.penalty(Amount::new(10), 100), FAILURE);
        assert_eq!(lesson.penalty(Amount::new(10), 100 + HALF_LIFE), FAILURE / 2);
        assert_eq!(lesson.penalty(Amount::new(10), 100 + 64 * HALF_LIFE), 0);
        for _ in 0..100 {
            lesson.failed(Amount::new(10), TOTAL, Failure::Refused, 100);
        }
        assert_eq!(lesson.penalty(Amount::new(10), 100), MOST);
    }

    #[test]
    fn capacity_is_learned_and_forgotten() {
        let mut lesson = Lesson::default();
        lesson.failed(Amount::new(301), TOTAL, Failure::Capacity, 0);
        assert_eq!(lesson.upper(TOTAL, 0), Amount::new(300));
        assert_eq!(lesson.upper(TOTAL, HALF_LIFE), Amount::new(650));
        assert_eq!(lesson.penalty(Amount::new(5), 0), 0);
        lesson.received(Amount::new(100), TOTAL, 0);
        assert_eq!(lesson.upper(TOTAL, 0), Amount::new(400));
        lesson.sent(Amount::new(50), TOTAL, 0);
        assert_eq!(lesson.upper(TOTAL, 0), Amount::new(350));
    }

    #[test]
    fn what_is_proven_costs_no_penalty() {
        let mut lesson = Lesson::default();
        lesson.failed(Amount::new(10), TOTAL, Failure::Silent, 0);
        lesson.received(Amount::new(40), TOTAL, 0);
        assert_eq!(lesson.penalty(Amount::new(40), 0), 0);
        assert_eq!(lesson.penalty(Amount::new(41), 0), FAILURE);
        lesson.sent(Amount::new(1), TOTAL, 0);
        assert_eq!(lesson.penalty(Amount::new(41), 0), 0);
    }

    proptest! {
        #[test]
        fn fading_never_grows_and_ends(value: u128, age in 0_u64..200_000, more in 0_u64..200_000) {
            prop_assert!(faded(value, age + more) <= faded(value, age));
            prop_assert_eq!(faded(value, 0), value);
            prop_assert_eq!(faded(value, HALF_LIFE * 128), 0);
        }
    }
}
