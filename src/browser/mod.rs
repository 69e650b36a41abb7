//! Everything that touches JavaScript: storage, sockets, locks, the key vault, the injected wallet and the clock.
//!
//! Compiled for wasm32 only. Each file wraps one browser interface and hands out the trait, or the few functions, that
//! the rest of the client knows. All of it runs in a window and, except asking for persistence, in a worker.

mod core;
pub mod error;
mod indexed_db;
pub mod params;
mod persistence;
pub mod runtime;
mod scope;
mod vault;
mod views;
mod wallet;
mod web_lock;
mod web_socket;

pub use core::ChitCore;
pub use indexed_db::IndexedDb;
pub use vault::{VaultError, load_or_create};
pub use wallet::{Eip1193, InjectedWallet};
pub use web_lock::{LockError, WebLock};
pub use web_socket::{WebSocketDial, WebSocketLimits, WebSocketLink};

#[cfg(test)]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
