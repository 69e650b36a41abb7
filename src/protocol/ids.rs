//! Identifiers, nonces and times.

use std::fmt;

use alloy::primitives::B256;

use super::cbor;
use super::cbor::{Decode, Encode};

/// A channel's id: `keccak256(abi.encode(ChannelKey))`. It never recurs, because the salt must be fresh.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct ChannelId(
    #[n(0)]
    #[cbor(with = "cbor::fixed")]
    pub B256,
);

impl fmt::Debug for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A payment's id, chosen by the payer, unique among that payer's payments in one channel.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct PaymentId(
    #[n(0)]
    #[cbor(with = "cbor::fixed")]
    pub [u8; 16],
);

impl fmt::Debug for PaymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for PaymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Seconds since the Unix epoch, as block timestamps count them.
pub type Timestamp = u64;

/// The number of a balance proof in its direction: 0 before the first, at most 2^48 − 1 (the Judge's width).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode)]
#[cbor(transparent)]
pub struct Nonce(#[n(0)] u64);

/// A nonce is above 2^48 − 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the nonce is above 2^48 - 1")]
pub struct NonceError;

impl Nonce {
    /// No proof yet.
    pub const ZERO: Self = Self(0);
    /// The last nonce that a direction can sign.
    pub const MAX: Self = Self((1 << 48) - 1);

    /// A checked nonce.
    ///
    /// # Errors
    /// [`NonceError`] above 2^48 − 1.
    pub const fn new(value: u64) -> Result<Self, NonceError> {
        if value > Self::MAX.0 { Err(NonceError) } else { Ok(Self(value)) }
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The nonce after this one.
    ///
    /// # Errors
    /// [`NonceError`] when this is the last.
    pub fn next(self) -> Result<Self, NonceError> {
        self.0.checked_add(1).ok_or(NonceError).and_then(Self::new)
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl<'b, C> Decode<'b, C> for Nonce {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        Self::new(d.u64()?).map_err(minicbor::decode::Error::custom)
    }
}
