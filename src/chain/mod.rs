//! The chain service: what the Judge says and what it is told, through any EIP-1193 provider.
//!
//! [`Alarm`] follows the chain and tells confirmed events; [`submit`] asks the wallet for a transaction, exactly once, after
//! everything that can be known beforehand was checked. Nothing here has a timer, a task or a state of its own.

mod alarm;
mod alarm_error;
pub mod bindings;
mod error;
mod events;
#[cfg(test)]
mod mini_chain;
mod provider;
mod revert;
mod rpc;

pub use alarm::{Alarm, AlarmConfig, AlarmState, ChainUpdate, DEFAULT_CONFIRMATIONS};
pub use alarm_error::AlarmError;
pub use error::TransactionError;
pub use events::{LogError, decode_log, decode_logs};
pub use provider::{Provider, RpcError};
pub use revert::Revert;
pub use rpc::ReadError;
