//! What an engine is told once, at its start.

use crate::protocol::{Address, Domain, Timestamp};

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
