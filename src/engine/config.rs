//! What an engine is told once, at its start.

use crate::protocol::{Address, Amount, Domain, FeeSchedule, MAX_SHOWN_LOCKS, Timestamp};

/// The fixed facts of one client: whose it is, on which Judge, and its limits.
#[derive(Clone, Debug)]
pub struct Config {
    /// The chain and the Judge.
    pub domain: Domain,
    /// The wallet that owns the money.
    pub wallet: Address,
    /// How many blocks, its own included, an event needs before it counts.
    pub confirmations: u64,
    /// The Judge's challenge period in seconds. A partner's session key must outlive two of them.
    pub challenge: Timestamp,
    /// How many updates per channel may be unacknowledged before further payments wait and fold together.
    pub window: usize,
    /// How many payments per channel may wait. More are refused, so a silent partner costs bounded memory.
    pub queue: usize,
    /// By what rules locks are made, taken and passed on.
    pub locks: LockPolicy,
}

/// The limits on locks, and what passing payments on costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockPolicy {
    /// True when payments of others are passed on.
    pub mediates: bool,
    /// What that costs.
    pub fee: FeeSchedule,
    /// The most pending locks per channel and direction.
    pub count: usize,
    /// The most that the pending locks of a channel and direction may hold together, in base units of whatever token.
    pub sum: Amount,
    /// The least that a lock must hold to be made, taken or passed on, and for a token to be claimed unasked. What claiming
    /// the chain's own coin is worth is reckoned by the price of gas instead.
    pub dust: Amount,
    /// How long before its end a lock counts as ending, in seconds: the time it takes to see a secret or to register one.
    pub margin: Timestamp,
    /// How far off a lock's end may be, in seconds: for so long may money be held up by others.
    pub tail: Timestamp,
}

impl LockPolicy {
    /// The limits that fit a Judge with this challenge period: margins of half an hour where it is a day, and of seconds on
    /// a development chain.
    pub fn for_challenge(challenge: Timestamp) -> Self {
        let margin = (challenge / 48).max(5);
        Self {
            mediates: true,
            fee: FeeSchedule::default(),
            count: MAX_SHOWN_LOCKS,
            sum: Amount::MAX,
            dust: Amount::ZERO,
            margin,
            tail: margin.saturating_mul(96),
        }
    }
}

impl Config {
    /// The default for [`Config::confirmations`].
    pub const CONFIRMATIONS: u64 = 5;
    /// The default for [`Config::window`].
    pub const WINDOW: usize = 4;
    /// The default for [`Config::queue`].
    pub const QUEUE: usize = 100_000;
    /// For how long a newly delegated session key is valid, in seconds: 30 days.
    pub const SESSION_VALIDITY: Timestamp = 30 * 24 * 3_600;
    /// For how long a signed cooperative close or withdrawal may be brought to the Judge, in seconds.
    pub const COOPERATION_PERIOD: Timestamp = 600;
    /// How long an answer may take before the peer is asked again, in seconds.
    pub const ANSWER_TIMEOUT: Timestamp = 10;
}
