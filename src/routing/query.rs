//! What is asked of the graph, and what it answers.

use crate::protocol::{Address, Amount, ChannelId, FeeSchedule, Timestamp};

/// The most channels in a path.
pub const MAX_HOPS: usize = 8;

/// A channel that the graph does not know: one that a payee tells of in its request, or an own one not yet confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtraChannel {
    /// The channel.
    pub channel: ChannelId,
    /// Who sends over it.
    pub from: Address,
    /// Who receives.
    pub to: Address,
    /// The most that it carries.
    pub capacity: Amount,
    /// What the sender takes for passing on over it.
    pub fee: FeeSchedule,
}

/// A question for paths.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// Who pays: this client, as a rule.
    pub from: Address,
    /// Who is paid.
    pub to: Address,
    /// The token.
    pub token: Address,
    /// What is to arrive.
    pub amount: Amount,
    /// The time.
    pub now: Timestamp,
    /// How many paths.
    pub count: usize,
    /// The most that all mediators together may take.
    pub max_fee: Amount,
    /// The most channels in a path; above [`MAX_HOPS`] it is that.
    pub max_hops: usize,
    /// Wallets that must not pass the payment on.
    pub excluded_wallets: &'a [Address],
    /// Channels that must not be used.
    pub excluded_channels: &'a [ChannelId],
    /// What the payer knows of its own channels: how much it can send over each.
    pub known: &'a [(ChannelId, Amount)],
    /// The payer's channels that may be used; none for all.
    pub first_hops: &'a [ChannelId],
    /// Channels that the graph does not know.
    pub extra: &'a [ExtraChannel],
}

impl Query<'_> {
    /// Asks for the five cheapest paths without conditions.
    pub const fn new(from: Address, to: Address, token: Address, amount: Amount, now: Timestamp) -> Self {
        Self {
            from,
            to,
            token,
            amount,
            now,
            count: 5,
            max_fee: Amount::MAX,
            max_hops: MAX_HOPS,
            excluded_wallets: &[],
            excluded_channels: &[],
            known: &[],
            first_hops: &[],
            extra: &[],
        }
    }
}

/// One channel of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathHop {
    /// The channel.
    pub channel: ChannelId,
    /// Who receives over it.
    pub to: Address,
    /// What is locked in it.
    pub amount: Amount,
}

/// A way for an amount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The channels, from the payer to the payee.
    pub hops: Vec<PathHop>,
    /// What arrives.
    pub amount: Amount,
    /// What the mediators take.
    pub fee: Amount,
    /// What paths are ordered by: fees on the amount and penalties.
    pub cost: Amount,
}
