//! What a client and the relay say to each other. The relay forwards bodies that it cannot read.
//!
//! Every WebSocket message is binary: one version byte and one CBOR value, maps with numbered keys like the messages
//! between peers. A session:
//!
//! - relay → client [`ServerMessage::Challenge`]
//! - client → relay [`ClientMessage::Authenticate`], a signature by the session key over the challenge
//! - relay → client [`ServerMessage::Welcome`]; from here on the client is reached under its session key
//! - both: everything else, in any order
//!
//! A relay that refuses says why in [`ServerMessage::Error`]; where [`ErrorCode::is_fatal`], it then closes.
//! The signature proves the session key to this connection only. A relay could pass on another relay's challenge and so
//! receive what is sent to the client there; it still could neither read nor forge any of it.

mod directory;
mod gossip;
mod handshake;
mod refusals;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod vectors;

use alloy::primitives::Address;
use minicbor::bytes::ByteVec;

use crate::protocol::cbor::{Decode, Encode, at_most, fixed};
use crate::protocol::{Grant, MAX_ANNOUNCEMENT_BYTES, MAX_FRAME_BYTES, PublicKey, Signature};

pub use directory::{DirectoryEntry, MAX_ENTRIES};
pub use gossip::{MAX_GOSSIP, MAX_GOSSIP_BYTES, fits_gossip};
pub use handshake::{authenticate, authentication_digest, verify_authentication};
pub use refusals::{ErrorCode, UndeliverableReason};

/// The version that this code speaks; the first byte of every message.
pub const RELAY_PROTOCOL_VERSION: u8 = 1;

/// The path of the WebSocket at a relay.
pub const RELAY_PATH: &str = "/v1";

/// The largest body that is forwarded: one sealed frame.
pub const MAX_BODY_BYTES: usize = MAX_FRAME_BYTES;

/// The largest message in either direction: a body and what is written around it.
pub const MAX_RELAY_MESSAGE_BYTES: usize = MAX_BODY_BYTES + 256;

/// The largest message before a client is authenticated.
pub const MAX_HANDSHAKE_BYTES: usize = 512;

/// The longest explanation in an [`ServerMessage::Error`], in bytes.
pub const MAX_DETAIL_BYTES: usize = 256;

/// What the relay allows one client. Told, so that a client need not find out by being refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RelayLimits {
    /// The largest body.
    #[n(0)]
    pub body_bytes: u32,
    /// Frames per second in the long run.
    #[n(1)]
    pub frames_per_second: u32,
    /// Bytes per second in the long run.
    #[n(2)]
    pub bytes_per_second: u64,
    /// How long a connection may be silent, in milliseconds. Answers to WebSocket pings count as a sign of life.
    #[n(3)]
    pub idle_ms: u64,
}

/// What the relay says.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum ServerMessage {
    /// The first message of a connection.
    #[n(0)]
    #[cbor(map)]
    Challenge {
        /// Random, fresh for this connection.
        #[n(0)]
        #[cbor(with = "minicbor::bytes")]
        nonce: [u8; 32],
        /// What the relay allows.
        #[n(1)]
        limits: RelayLimits,
    },
    /// The key is proven; frames flow.
    #[n(1)]
    #[cbor(map)]
    Welcome {},
    /// A frame from another client.
    #[n(2)]
    #[cbor(map)]
    Deliver {
        /// The key that the sender has proven to the relay. The sealed frame proves it to the receiver.
        #[n(0)]
        from: PublicKey,
        /// The sealed frame.
        #[n(1)]
        #[cbor(with = "minicbor::bytes")]
        body: Vec<u8>,
    },
    /// A frame of this client was not forwarded.
    #[n(3)]
    #[cbor(map)]
    Undeliverable {
        /// To whom it was sent.
        #[n(0)]
        to: PublicKey,
        /// Why it was dropped.
        #[n(1)]
        reason: UndeliverableReason,
    },
    /// The answer to a `Lookup`: the wallet's clients that are connected now.
    #[n(4)]
    #[cbor(map)]
    Found {
        /// The chain that was asked about.
        #[n(0)]
        chain_id: u64,
        /// The Judge that was asked about.
        #[n(1)]
        #[cbor(with = "fixed")]
        judge: Address,
        /// The wallet that was asked for.
        #[n(2)]
        #[cbor(with = "fixed")]
        wallet: Address,
        /// Its keys, newest first, at most [`MAX_ENTRIES`]. The grants are to be verified, not believed.
        #[n(3)]
        #[cbor(decode_with = "at_most::<_, DirectoryEntry, MAX_ENTRIES>")]
        entries: Vec<DirectoryEntry>,
    },
    /// Something was refused.
    #[n(5)]
    #[cbor(map)]
    Error {
        /// Why, for programs.
        #[n(0)]
        code: ErrorCode,
        /// Why, for people; at most [`MAX_DETAIL_BYTES`].
        #[n(1)]
        detail: String,
    },
    /// The relay stops and expects to be back.
    #[n(6)]
    #[cbor(map)]
    Restarting {
        /// After how many milliseconds to try again.
        #[n(0)]
        reconnect_in_ms: u32,
    },
    /// The answer to a `Ping`.
    #[n(7)]
    #[cbor(map)]
    Pong {},
    /// What wallets have announced, for one that follows: the newest of each that it was not sent before.
    #[n(8)]
    #[cbor(map)]
    Gossip {
        /// The chain.
        #[n(0)]
        chain_id: u64,
        /// The Judge.
        #[n(1)]
        #[cbor(with = "fixed")]
        judge: Address,
        /// Announcements as their signers wrote them, at most [`MAX_GOSSIP`]. They are to be verified, not believed.
        #[n(2)]
        #[cbor(decode_with = "at_most::<_, ByteVec, MAX_GOSSIP>")]
        announcements: Vec<ByteVec>,
        /// True when there is more to send at once; false when this was all, for now.
        #[n(3)]
        more: bool,
    },
}

/// What a client says.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum ClientMessage {
    /// Proves the session key; the answer to the challenge.
    #[n(0)]
    #[cbor(map)]
    Authenticate {
        /// The session key.
        #[n(0)]
        key: PublicKey,
        /// Its signature over [`authentication_digest`].
        #[n(1)]
        signature: Signature,
    },
    /// Asks to forward a frame.
    #[n(1)]
    #[cbor(map)]
    Send {
        /// To whom.
        #[n(0)]
        to: PublicKey,
        /// The sealed frame.
        #[n(1)]
        #[cbor(with = "minicbor::bytes")]
        body: Vec<u8>,
    },
    /// Asks to be found under a wallet for as long as this connection lasts.
    #[n(2)]
    #[cbor(map)]
    Announce {
        /// The chain.
        #[n(0)]
        chain_id: u64,
        /// The Judge.
        #[n(1)]
        #[cbor(with = "fixed")]
        judge: Address,
        /// The wallet's signed word for this client's session key.
        #[n(2)]
        grant: Grant,
    },
    /// Asks for the keys of a wallet.
    #[n(3)]
    #[cbor(map)]
    Lookup {
        /// The chain.
        #[n(0)]
        chain_id: u64,
        /// The Judge.
        #[n(1)]
        #[cbor(with = "fixed")]
        judge: Address,
        /// The wallet.
        #[n(2)]
        #[cbor(with = "fixed")]
        wallet: Address,
    },
    /// Asks for a sign of life.
    #[n(4)]
    #[cbor(map)]
    Ping {},
    /// Tells all who follow what this client's wallet announces, in place of what it told before.
    #[n(5)]
    #[cbor(map)]
    Publish {
        /// The chain.
        #[n(0)]
        chain_id: u64,
        /// The Judge.
        #[n(1)]
        #[cbor(with = "fixed")]
        judge: Address,
        /// A [`crate::protocol::Announcement`] that is signed by this client's session key.
        #[n(2)]
        #[cbor(with = "minicbor::bytes")]
        announcement: Vec<u8>,
    },
    /// Asks for what wallets have announced and for what they will announce, for as long as this connection lasts.
    #[n(6)]
    #[cbor(map)]
    Follow {
        /// The chain.
        #[n(0)]
        chain_id: u64,
        /// The Judge.
        #[n(1)]
        #[cbor(with = "fixed")]
        judge: Address,
    },
}

/// Why bytes are not a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RelayDecodeError {
    /// No bytes at all.
    #[error("the message is empty")]
    Empty,
    /// Longer than [`MAX_RELAY_MESSAGE_BYTES`], or a part of it longer than its own limit.
    #[error("{0} bytes are too many")]
    TooLarge(usize),
    /// A version that is not spoken here.
    #[error("relay protocol version {0} is not spoken here")]
    Version(u8),
    /// Not a message of this version.
    #[error("the message is malformed: {0}")]
    Malformed(String),
}

impl ServerMessage {
    /// The message's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads a message.
    ///
    /// # Errors
    /// [`RelayDecodeError`]. Nothing larger than the input is allocated.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RelayDecodeError> {
        let message: Self = decode(bytes)?;
        match &message {
            Self::Deliver { body, .. } => within(body.len(), MAX_BODY_BYTES)?,
            Self::Error { detail, .. } => within(detail.len(), MAX_DETAIL_BYTES)?,
            Self::Gossip { announcements, .. } => {
                let largest = announcements.iter().map(|announcement| announcement.len()).max().unwrap_or_default();
                within(largest, MAX_ANNOUNCEMENT_BYTES)?;
            }
            _ => {}
        }
        Ok(message)
    }
}

impl ClientMessage {
    /// The message's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads a message.
    ///
    /// # Errors
    /// [`RelayDecodeError`]. Nothing larger than the input is allocated.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RelayDecodeError> {
        let message: Self = decode(bytes)?;
        match &message {
            Self::Send { body, .. } => within(body.len(), MAX_BODY_BYTES)?,
            Self::Publish { announcement, .. } => within(announcement.len(), MAX_ANNOUNCEMENT_BYTES)?,
            _ => {}
        }
        Ok(message)
    }
}

/// Whether a part of a message is within its own limit.
const fn within(length: usize, most: usize) -> Result<(), RelayDecodeError> {
    if length > most { Err(RelayDecodeError::TooLarge(length)) } else { Ok(()) }
}

fn encode<T: Encode<()>>(message: &T) -> Vec<u8> {
    let mut bytes = vec![RELAY_PROTOCOL_VERSION];
    // The only errors are the writer's (a Vec has none) and a codec's own (none of ours returns one).
    let written = minicbor::encode(message, &mut bytes);
    debug_assert!(written.is_ok(), "encoding into memory failed");
    bytes
}

fn decode<'b, T: Decode<'b, ()>>(bytes: &'b [u8]) -> Result<T, RelayDecodeError> {
    if bytes.len() > MAX_RELAY_MESSAGE_BYTES {
        return Err(RelayDecodeError::TooLarge(bytes.len()));
    }
    let (version, body) = bytes.split_first().ok_or(RelayDecodeError::Empty)?;
    if *version != RELAY_PROTOCOL_VERSION {
        return Err(RelayDecodeError::Version(*version));
    }
    let mut decoder = minicbor::Decoder::new(body);
    let message = decoder.decode().map_err(|error| RelayDecodeError::Malformed(error.to_string()))?;
    if decoder.position() == body.len() {
        Ok(message)
    } else {
        Err(RelayDecodeError::Malformed("bytes follow the message".into()))
    }
}
