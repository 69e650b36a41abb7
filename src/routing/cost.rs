//! What a hop costs in the eyes of the search: its fee, and penalties that grow with the amount and are no money.

use crate::protocol::{Amount, FeeSchedule};

/// A rate in millionths of the amount.
pub(super) type Rate = u64;

/// All of it.
pub(super) const WHOLE: Rate = 1_000_000;
/// For every hop, so that of two equally cheap paths the shorter wins.
pub(super) const HOP: Rate = 10;
/// For a channel that its sender announces as empty; in proportion for others. It brings traffic to where money is, and so
/// back into balance.
pub(super) const DRAINED: Rate = 2_000;

/// Costs above this are alike; so many hops cannot overflow a sum of them.
const LIMIT: u128 = 1 << 100;

/// An amount, divided once so that taking millionths of it is cheap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    millions: u128,
    rest: u64,
}

impl Scale {
    pub(super) const fn new(amount: Amount) -> Self {
        Self { millions: amount.get() / WHOLE as u128, rest: (amount.get() % WHOLE as u128) as u64 }
    }

    /// The cost of one hop for this amount. Never nothing: a circle must cost something.
    pub(super) fn cost(&self, fee: FeeSchedule, penalties: Rate) -> u128 {
        let rate = u64::from(fee.proportional).saturating_add(penalties);
        let whole = self.millions.saturating_mul(u128::from(rate));
        let rest = u128::from(self.rest.saturating_mul(rate).div_ceil(WHOLE));
        whole.saturating_add(rest).saturating_add(fee.flat.get()).saturating_add(1).min(LIMIT)
    }
}

/// How much of `total` is not there when `left` is, as a rate.
pub(super) fn drained(left: Amount, total: Amount) -> Rate {
    // Down to a width at which the product below cannot overflow.
    let shift = 100_u32.saturating_sub(total.get().leading_zeros());
    let shift = shift.saturating_sub(72);
    let (left, total) = (left.get() >> shift, total.get() >> shift);
    let part = left.min(total).saturating_mul(u128::from(WHOLE)).checked_div(total).unwrap_or_default();
    WHOLE.saturating_sub(u64::try_from(part).unwrap_or(WHOLE))
}

/// The penalty for a channel that is drained so far.
pub(super) const fn drained_penalty(drained: Rate) -> Rate {
    drained.saturating_mul(DRAINED) / WHOLE
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_cost_without_penalties_is_the_fee_and_one(flat in 0_u128..1 << 90, rate: u32, amount in 0_u128..1 << 60) {
            let fee = FeeSchedule { flat: Amount::new(flat), proportional: rate };
            let cost = Scale::new(Amount::new(amount)).cost(fee, 0);
            prop_assert_eq!(Some(Amount::new(cost - 1)), fee.fee(Amount::new(amount)));
        }

        #[test]
        fn a_larger_amount_never_costs_less(a: u128, b: u128, flat: u128, rate: u32, penalties in 0_u64..4_000_000) {
            let fee = FeeSchedule { flat: Amount::new(flat), proportional: rate };
            let cost = |amount| Scale::new(Amount::new(amount)).cost(fee, penalties);
            prop_assert!(cost(a.min(b)) <= cost(a.max(b)));
        }

        #[test]
        fn drained_is_a_share(left: u128, total: u128) {
            let rate = drained(Amount::new(left), Amount::new(total));
            prop_assert!(rate <= WHOLE);
            if total > 0 && left >= total {
                prop_assert_eq!(rate, 0);
            }
            if left == 0 {
                prop_assert_eq!(rate, WHOLE);
            }
        }
    }

    #[test]
    fn drained_in_numbers() {
        let of = |left, total| drained(Amount::new(left), Amount::new(total));
        assert_eq!(of(25, 100), 750_000);
        assert_eq!(of(u128::MAX / 4, u128::MAX), 750_001);
        assert_eq!(of(0, 0), WHOLE);
    }
}
