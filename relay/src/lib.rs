//! The relay between Chit clients.
//!
//! It proves by challenge which session key a connection speaks for, forwards sealed frames between those keys, and
//! tells connected clients which keys a wallet has announced and what wallets announce to everyone. It can neither read nor
//! forge what it forwards, stores nothing, and holds no money: losing it costs its clients a reconnection.
//!
//! Everything is bounded (see [`Config`]), and every refusal names its reason in the protocol of
//! [`chit_client::transport::relay_protocol`] before the connection closes.

mod bucket;
mod config;
mod connection;
mod directory;
mod feed;
mod gossip;
mod listener;
mod metrics;
pub mod native_link;
mod outbox;
mod server;
mod state;

pub use config::{Config, ConfigError, usage};
pub use server::Relay;
