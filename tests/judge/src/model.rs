//! The payout rule of the specification in Rust, and Raiden's, which must be found wanting.

/// What the rule knows of one side, base units; `claimed` is at most `locked`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// D
    pub deposited: u128,
    /// W
    pub withdrawn: u128,
    /// T
    pub transferred: u128,
    /// L
    pub locked: u128,
    /// c
    pub claimed: u128,
    /// Nothing more can be claimed.
    pub is_final: bool,
}

/// Wide enough for any sum of amounts.
type Wide = alloy::primitives::I256;

fn wide(amount: u128) -> Wide {
    Wide::from_raw(alloy::primitives::U256::from(amount))
}

/// All that the channel holds; may be negative for figures that the Judge never lets arise.
pub fn held(x: &Figures, y: &Figures) -> Wide {
    wide(x.deposited) + wide(y.deposited) - wide(x.withdrawn) - wide(y.withdrawn)
}

/// What the channel owes to `own` in all.
pub fn owed(own: &Figures, other: &Figures) -> Wide {
    let reserve = if own.is_final { own.claimed } else { own.locked };
    let share = wide(own.deposited) - wide(own.withdrawn) + wide(other.transferred) + wide(other.claimed)
        - wide(own.transferred)
        - wide(reserve);
    share.min(held(own, other)).max(Wide::ZERO)
}

/// What Raiden's settlement and unlocking together pay to `own`, both sides decided. Kept to show that the tests would catch it.
pub fn raiden_owed(own: &Figures, other: &Figures) -> Wide {
    let total = held(own, other);
    let spent = |f: &Figures| wide(f.transferred) + wide(f.locked);
    let capacity = |f: &Figures| wide(f.deposited) - wide(f.withdrawn);
    let own_share = if spent(other) >= spent(own) {
        (spent(other) - spent(own) + capacity(own)).min(total)
    } else {
        total - (spent(own) - spent(other) + capacity(other)).min(total)
    };
    let other_share = total - own_share;
    let kept_for_other = own_share.min(wide(other.locked));
    let kept_for_own = other_share.min(wide(own.locked));
    own_share - kept_for_other + wide(other.claimed).min(kept_for_other) + kept_for_own
        - wide(own.claimed).min(kept_for_own)
}
