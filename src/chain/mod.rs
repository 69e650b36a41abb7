//! The chain service: what the Judge says and what it is told, through any EIP-1193 provider.
//!
//! [`Alarm`] follows the chain and tells confirmed events; [`submit`] asks the wallet for a transaction, exactly once, after
//! everything that can be known beforehand was checked; [`request_grant`] asks it to authorize a session key. Nothing here
//! has a timer, a task or storage of its own.

mod alarm;
mod alarm_error;
pub mod bindings;
mod call;
mod error;
mod events;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod fake_wallet;
mod fund;
mod grant;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod mini_chain;
mod permit;
mod provider;
mod revert;
mod rpc;
mod secrets;
#[cfg(all(test, not(target_arch = "wasm32")))]
pub(crate) mod still_chain;
mod transaction;
mod typed_data;
mod views;
mod words;

pub use alarm::{Alarm, AlarmConfig, AlarmState, ChainUpdate, DEFAULT_CONFIRMATIONS};
pub use alarm_error::AlarmError;
pub use call::{TransactionPlan, prepare};
pub use error::TransactionError;
pub use events::{LogError, decode_log, decode_logs};
pub use grant::request_grant;
pub use provider::{Provider, RpcError};
pub use revert::Revert;
pub use rpc::ReadError;
pub use secrets::{RegisteredSecret, RegistryView, registered_secrets};
pub use transaction::{
    ChainConfig, Receipt, Stage, Submitted, check_chain, gas_price, receipt, submit, submit_with_progress,
};
pub use views::{ChannelState, ChannelStatus, SessionSlot, SideState, balance, challenge, channel, session};
