//! Frames between peers: sealed end to end, carried by a link that may be a relay's WebSocket.

mod link;

pub use link::{Dial, Link, LinkError};
