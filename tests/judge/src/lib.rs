//! The Judge's real bytecode under test in an in-process EVM.
//!
//! The library is the workbench: a chain with a clock ([`Chain`]), the contracts' interfaces ([`abi`]), typed messages hashed
//! by `alloy` and not by the contract ([`signed`]), a tree of locks ([`LockTree`]), the payout rule once more in Rust
//! ([`model`]), and a [`World`] with a deployed Judge and people to play it. Transactions are real ones: intrinsic gas, calldata
//! floor, refunds, cold and warm slots are charged as a node would.

// A workbench may give up loudly: whatever goes wrong here is a failed test.
#![allow(clippy::missing_panics_doc)]

pub mod abi;
mod actor;
mod chain;
mod locks;
pub mod model;
pub mod signed;
mod world;

pub use actor::Actor;
pub use chain::{Chain, Failure, Outcome, Receipt};
pub use locks::LockTree;
pub use world::{COIN, Draft, World, refused};
