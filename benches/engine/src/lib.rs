//! The client's own code as the benchmarks call it: engines wired in memory, bare signatures, one signed update.
//!
//! Everything here goes through the client's public interface; nothing of it ships. Times are taken by the caller.

mod bare;
#[cfg(target_arch = "wasm32")]
pub mod exports;
mod locks;
mod network;
mod world;

pub use bare::{Bare, Path};
pub use locks::Pending;
pub use network::Network;
pub use world::World;

/// Why a benchmark could not be carried out: the bench is wrong then, or the client is.
pub type Failure = String;

/// Turns an error of the client into a [`Failure`] that says where it came from.
fn failed<E: std::fmt::Debug>(what: &str) -> impl FnOnce(E) -> Failure {
    move |error| format!("{what}: {error:?}")
}
