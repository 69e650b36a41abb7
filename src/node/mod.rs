//! The driver: one async loop that joins engine, store, chain and transport.
//!
//! Three tasks feed the loop: the relay's (frames in, frames out, reconnection), the chain's (the alarm), and the clock's.
//! The loop takes everything that is waiting, lets the engine make one step of it, commits the step, and only then acts on
//! the effects. It is generic over the four services, so the same loop runs in a tab and in a native process.

mod chain_task;
mod driver;
mod error;
mod history;
mod network;
mod payer;
mod recovery;
mod relay_task;
mod requests;
mod runtime;
mod services;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;

use std::time::Duration;

use crate::protocol::{Address, ChannelId, Domain, FeeSchedule, PaymentId, Timestamp};

pub use driver::Node;
pub use error::NodeError;
pub use network::NetworkView;
pub use payer::{Limits, Payee, Payment, Quote, Way};
pub use requests::RequestPayment;
pub use runtime::Runtime;
pub use services::Services;

use crate::engine::Event;

/// What a node is told at its start.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// The chain and the Judge.
    pub domain: Domain,
    /// The wallet that owns the money.
    pub wallet: Address,
    /// How many blocks an event needs before it counts.
    pub confirmations: u64,
    /// The first block that can hold an event of the Judge.
    pub from_block: u64,
    /// The pause between looks at the chain.
    pub polling_interval: Duration,
    /// The relay's WebSocket address.
    pub relay_url: String,
    /// How many updates per channel may be unacknowledged.
    pub window: usize,
    /// What passing on payments of others costs; none when none are passed on.
    pub mediate: Option<FeeSchedule>,
}

/// What a node tells the application.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeEvent {
    /// Something happened in a channel.
    Engine(Event),
    /// The link to the relay changed.
    Connection {
        /// True while it is up.
        online: bool,
        /// Why it is down.
        reason: Option<String>,
    },
    /// The chain was looked at.
    Chain {
        /// The newest block's number.
        block: u64,
        /// The newest block's time.
        timestamp: u64,
        /// Why it could not be looked at; the last known block is told with it.
        reason: Option<(String, String)>,
    },
    /// It was decided which way a payment, or a part of it, goes.
    Way {
        /// The payment.
        payment: PaymentId,
        /// The way.
        way: Way,
    },
    /// The network changed: channels, or what wallets announce. Told at most once a second, and only once it was asked for.
    Network,
    /// Something that needs attention but stops nothing.
    Warning {
        /// A stable code.
        code: &'static str,
        /// In words.
        message: String,
    },
    /// The node stopped: storage failed for good or was taken over. Nothing was sent that is not stored.
    Fatal {
        /// A stable code.
        code: &'static str,
        /// In words.
        message: String,
    },
}

/// How a node stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeStatus {
    /// The wallet.
    pub wallet: Address,
    /// The session key's Ethereum address.
    pub session_key: Address,
    /// True while the relay is connected.
    pub online: bool,
    /// Why the relay is not connected.
    pub relay_reason: Option<String>,
    /// Why the chain could not be looked at the last time.
    pub chain_reason: Option<String>,
    /// True when payments signed by this client are sure to count.
    pub authorized: bool,
    /// Until when the session key is named by the wallet, on-chain or by its grant.
    pub authorized_until: Option<Timestamp>,
    /// The newest known block.
    pub block: u64,
    /// Its time.
    pub timestamp: u64,
}

/// Which payments to list.
#[derive(Clone, Copy, Debug)]
pub struct PaymentQuery {
    /// Only of this channel.
    pub channel: Option<ChannelId>,
    /// At most this many, newest first.
    pub limit: usize,
    /// Only payments older than this one.
    pub before: Option<PaymentId>,
}
