//! Frames between peers: sealed end to end, carried by a link that may be a relay's WebSocket.

mod backoff;
mod link;
mod relay_client;
pub mod relay_protocol;
mod seal;

pub use backoff::Backoff;
pub use link::{Dial, Link, LinkError};
pub use relay_client::{CloseReason, PING_AFTER, PONG_WITHIN, RelayClient, RelayError, RelayEvent};
pub use seal::{MAX_FRAME_BYTES, SEAL_NONCE_BYTES, SEAL_OVERHEAD_BYTES, SEAL_VERSION, Seal, SealError, Sealer};
