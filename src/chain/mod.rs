//! The chain service: what the Judge says and what it is told, through any EIP-1193 provider.

mod provider;

pub use provider::{Provider, RpcError};
