//! Chit: a payment-channel light client that lives in a browser tab.
//!
//! Two accounts lock deposits with an on-chain Judge and then pay each other with signed, cumulative
//! balance proofs. The modules point one way: `protocol` says what peers and the Judge must agree on to
//! the byte, `engine` is the state machine without any I/O, `routing` finds paths through the channels of others,
//! `store`, `chain` and `transport` are the three services that the engine needs, `node` joins them in one loop and
//! `browser` binds that loop to JavaScript.

#[cfg(target_arch = "wasm32")]
pub mod browser;
pub mod chain;
pub mod engine;
#[cfg(any(feature = "fuzzing", all(test, not(target_arch = "wasm32"))))]
#[doc(hidden)]
pub mod fuzzing;
pub mod node;
pub mod protocol;
pub mod routing;
pub mod store;
pub mod transport;
