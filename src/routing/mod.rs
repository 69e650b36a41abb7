//! The network of one Judge's channels, and the ways of a payment through it.
//!
//! [`Graph`] is fed with the Judge's confirmed events and with wallets' signed announcements, and answers with the
//! cheapest [`Path`]s that can carry an amount, or with the parts of a payment that no single path carries. Nothing here
//! does I/O, reads a clock or draws randomness: the time is passed in, and the same graph gives the same answer.
//!
//! What a path costs is what its mediators take for the amount delivered, plus penalties that are no money: for each hop,
//! for drained channels and for recent failures. This sum is additive, so the search is exact for it; what must be locked on
//! each hop, fees on fees included, is then computed backwards from the target, and capacities and the cap on fees are held
//! against that.
//!
//! The search is Yen's, with an A* of the `pathfinding` crate for each spur. The crate's own Yen is a Dijkstra per spur
//! over nodes: it knows neither parallel channels nor lower bounds, and touches most of the graph every time. Here one
//! Dijkstra from the target bounds all spurs from below, so that they touch little more than the paths they find, and it
//! is kept for the next payment to the same target.

mod announced;
mod book;
mod cost;
mod graph;
mod lesson;
mod listing;
mod network;
mod query;
mod search;
mod split;
mod stored;
mod view;

#[cfg(all(test, not(target_arch = "wasm32")))]
mod path_tests;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod testing;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;

pub use announced::{AnnounceError, MAX_ANNOUNCEMENTS};
pub use book::{Changed, KEPT_BLOCKS, RollbackTooDeep};
pub use graph::Graph;
pub use lesson::Failure;
pub use listing::{ListedChannel, ListedNode};
pub use query::{ExtraChannel, MAX_HOPS, Path, PathHop, Query};
pub use split::MAX_PARTS;
pub(crate) use stored::{StoredChannel, StoredSession};
