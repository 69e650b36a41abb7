//! Why the relay drops a frame or refuses a request.

use crate::protocol::cbor::{Decode, Encode};

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
    /// A request beyond the rate of requests of its kind; it was not answered.
    #[n(14)]
    TooManyRequests,
    /// A `Publish` of something that is no announcement, is not signed by this client's key, or does not count now.
    #[n(15)]
    BadAnnouncement,
    /// A `Publish` of an announcement that is not newer than the one before.
    #[n(16)]
    StaleAnnouncement,
    /// A `Publish` for which the relay has no room.
    #[n(17)]
    GossipFull,
}

impl ErrorCode {
    /// All of them.
    pub const ALL: [Self; 18] = [
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
        Self::BadAnnouncement,
        Self::StaleAnnouncement,
        Self::GossipFull,
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
            Self::BadGrant
            | Self::TooManyAnnouncements
            | Self::TooManyRequests
            | Self::BadAnnouncement
            | Self::StaleAnnouncement
            | Self::GossipFull => false,
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
            Self::BadAnnouncement => "bad_announcement",
            Self::StaleAnnouncement => "stale_announcement",
            Self::GossipFull => "gossip_full",
        }
    }
}
