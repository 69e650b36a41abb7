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

use alloy::primitives::{Address, B256, keccak256};

use crate::protocol::cbor::{Decode, Encode, at_most, fixed};
use crate::protocol::{Domain, Grant, KeyError, MAX_FRAME_BYTES, PublicKey, SessionKey, Signature, SignatureError};

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

/// The most keys that one wallet has in the directory.
pub const MAX_ENTRIES: usize = 16;

/// The longest explanation in an [`ServerMessage::Error`], in bytes.
pub const MAX_DETAIL_BYTES: usize = 256;

/// What is signed to authenticate starts with this; no EIP-712 or EIP-191 digest has such a preimage.
const AUTHENTICATE_DOMAIN: &[u8] = b"chit relay v1: authenticate";

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
}

/// A wallet's session key that is connected now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct DirectoryEntry {
    /// The session key: the address for `Send`.
    #[n(0)]
    pub key: PublicKey,
    /// The wallet's signed word for it.
    #[n(1)]
    pub grant: Grant,
}

impl DirectoryEntry {
    /// Checks that the grant's wallet speaks for exactly this key at the Judge of `domain`. Whether the grant is still
    /// valid is a question of the chain's time, which the relay does not know.
    ///
    /// # Errors
    /// [`SignatureError`] when the wallet did not sign, or signed for another key.
    pub fn verify(&self, domain: &Domain) -> Result<(), SignatureError> {
        if !is_compressed(&self.key) || self.key.address() != self.grant.session_key {
            return Err(SignatureError::WrongSigner);
        }
        self.grant.verify(domain)
    }
}

/// Why a frame was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum UndeliverableReason {
    /// Nobody is connected under that key.
    #[n(0)]
    Offline,
    /// The receiver does not read fast enough.
    #[n(1)]
    QueueFull,
    /// The sender exceeds its rate.
    #[n(2)]
    RateLimited,
}

impl UndeliverableReason {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Offline, Self::QueueFull, Self::RateLimited];

    /// A short name for logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::QueueFull => "queue_full",
            Self::RateLimited => "rate_limited",
        }
    }
}

/// Why the relay refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum ErrorCode {
    /// The client speaks another version.
    #[n(0)]
    UnsupportedVersion,
    /// The bytes are not a message of this version.
    #[n(1)]
    Malformed,
    /// A message or its body is too large.
    #[n(2)]
    TooLarge,
    /// The signature over the challenge is not the key's.
    #[n(3)]
    BadSignature,
    /// The challenge was not answered in time.
    #[n(4)]
    HandshakeTimeout,
    /// A message that does not belong here: anything but `Authenticate` first, or `Authenticate` again.
    #[n(5)]
    Unexpected,
    /// A newer connection proved the same key.
    #[n(6)]
    Replaced,
    /// The client kept exceeding its rate.
    #[n(7)]
    RateLimited,
    /// The relay is full.
    #[n(8)]
    TooManyConnections,
    /// Too many connections from one network address.
    #[n(9)]
    TooManyFromAddress,
    /// Nothing was heard for too long.
    #[n(10)]
    IdleTimeout,
    /// The client does not read the answers to what it sends.
    #[n(11)]
    TooSlow,
    /// An `Announce` whose grant is not the wallet's word for this key.
    #[n(12)]
    BadGrant,
    /// An `Announce` beyond what one connection may announce.
    #[n(13)]
    TooManyAnnouncements,
    /// An `Announce` or `Lookup` beyond the rate of requests; it was not answered.
    #[n(14)]
    TooManyRequests,
}

impl ErrorCode {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::UnsupportedVersion,
        Self::Malformed,
        Self::TooLarge,
        Self::BadSignature,
        Self::HandshakeTimeout,
        Self::Unexpected,
        Self::Replaced,
        Self::RateLimited,
        Self::TooManyConnections,
        Self::TooManyFromAddress,
        Self::IdleTimeout,
        Self::TooSlow,
        Self::BadGrant,
        Self::TooManyAnnouncements,
        Self::TooManyRequests,
    ];

    /// True when the connection ends with it.
    pub const fn is_fatal(self) -> bool {
        match self {
            Self::UnsupportedVersion
            | Self::Malformed
            | Self::TooLarge
            | Self::BadSignature
            | Self::HandshakeTimeout
            | Self::Unexpected
            | Self::Replaced
            | Self::RateLimited
            | Self::TooManyConnections
            | Self::TooManyFromAddress
            | Self::IdleTimeout
            | Self::TooSlow => true,
            Self::BadGrant | Self::TooManyAnnouncements | Self::TooManyRequests => false,
        }
    }

    /// False when connecting again would only repeat the refusal or, for [`ErrorCode::Replaced`], start a fight.
    pub const fn may_reconnect(self) -> bool {
        !matches!(self, Self::UnsupportedVersion | Self::Malformed | Self::BadSignature | Self::Replaced)
    }

    /// A short name for logs, metrics and details.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnsupportedVersion => "unsupported_version",
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::BadSignature => "bad_signature",
            Self::HandshakeTimeout => "handshake_timeout",
            Self::Unexpected => "unexpected",
            Self::Replaced => "replaced",
            Self::RateLimited => "rate_limited",
            Self::TooManyConnections => "too_many_connections",
            Self::TooManyFromAddress => "too_many_from_address",
            Self::IdleTimeout => "idle_timeout",
            Self::TooSlow => "too_slow",
            Self::BadGrant => "bad_grant",
            Self::TooManyAnnouncements => "too_many_announcements",
            Self::TooManyRequests => "too_many_requests",
        }
    }
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
            Self::Deliver { body, .. } if body.len() > MAX_BODY_BYTES => Err(RelayDecodeError::TooLarge(body.len())),
            Self::Error { detail, .. } if detail.len() > MAX_DETAIL_BYTES => {
                Err(RelayDecodeError::TooLarge(detail.len()))
            }
            _ => Ok(message),
        }
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
            Self::Send { body, .. } if body.len() > MAX_BODY_BYTES => Err(RelayDecodeError::TooLarge(body.len())),
            _ => Ok(message),
        }
    }
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

/// The digest that `key` signs to prove itself to the connection that was challenged with `nonce`.
pub fn authentication_digest(nonce: &[u8; 32], key: &PublicKey) -> B256 {
    keccak256([AUTHENTICATE_DOMAIN, nonce, &key.0].concat())
}

/// The answer to a challenge.
///
/// # Errors
/// [`KeyError`] as for [`SessionKey::sign`].
pub fn authenticate(nonce: &[u8; 32], key: &SessionKey) -> Result<ClientMessage, KeyError> {
    let public = key.public_key();
    Ok(ClientMessage::Authenticate { key: public, signature: key.sign(authentication_digest(nonce, &public))? })
}

/// Checks the answer to a challenge.
///
/// # Errors
/// [`SignatureError`] when the key did not sign this challenge, or is written in another form than the compressed one:
/// a key must have one name only.
pub fn verify_authentication(nonce: &[u8; 32], key: &PublicKey, signature: &Signature) -> Result<(), SignatureError> {
    if !is_compressed(key) {
        return Err(SignatureError::Malformed);
    }
    key.verify(authentication_digest(nonce, key), signature)
}

/// SEC1 knows a third 33-byte form of a point, "compact", which would give keys a second name.
const fn is_compressed(key: &PublicKey) -> bool {
    matches!(key.0, [2 | 3, ..])
}

#[cfg(all(test, not(target_arch = "wasm32")))]
#[path = "relay_vectors.rs"]
mod vectors;

#[cfg(all(test, not(target_arch = "wasm32")))]
#[path = "relay_protocol_tests.rs"]
mod tests;
