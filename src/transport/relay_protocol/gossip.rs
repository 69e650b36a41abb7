//! How much gossip one message carries.

use super::MAX_BODY_BYTES;

/// The most announcements in one message: verifying them holds up whoever receives it, for some milliseconds.
pub const MAX_GOSSIP: usize = 16;

/// The most bytes of announcements in one message, with what is written before each.
pub const MAX_GOSSIP_BYTES: usize = MAX_BODY_BYTES;

/// What CBOR writes before a byte string of an announcement's size.
const HEADER_BYTES: usize = 3;

/// Takes the room of one more announcement from a message that has `count` in `bytes`; false when it does not fit.
pub fn fits_gossip(count: usize, bytes: &mut usize, announcement: usize) -> bool {
    let sum = bytes.saturating_add(announcement).saturating_add(HEADER_BYTES);
    let fits = count < MAX_GOSSIP && sum <= MAX_GOSSIP_BYTES;
    if fits {
        *bytes = sum;
    }
    fits
}
