//! How sealed frames travel between peers: over a link that may be a relay's WebSocket.

mod backoff;
mod link;
mod relay_client;
pub mod relay_protocol;

pub use backoff::Backoff;
pub use link::{Dial, Link, LinkError};
pub use relay_client::{CloseReason, PING_AFTER, PONG_WITHIN, RelayClient, RelayError, RelayEvent};
