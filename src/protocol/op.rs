//! The operations that an update is made of.
//!
//! Applied in order to a direction's last state they *are* the next balance proof; the proof's `context` is the
//! hash of their encoding, so one signature covers many payments and each stays individually identifiable.

use alloy::primitives::{B256, keccak256};

use super::cbor::{Decode, Encode};
use super::{Amount, Lock, LockId, PaymentId, Route, Secret};

/// The most operations in one update; with the message limit it bounds the work of one signature check.
pub const MAX_OPS: usize = 1_024;

/// The longest memo, in bytes of UTF-8.
pub const MAX_MEMO_BYTES: usize = 256;

/// A note that the payer attaches to a payment; at most [`MAX_MEMO_BYTES`] bytes.
#[derive(Clone, Debug, PartialEq, Eq, Encode)]
#[cbor(transparent)]
pub struct Memo(#[n(0)] String);

/// A memo is longer than [`MAX_MEMO_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the memo is longer than {MAX_MEMO_BYTES} bytes")]
pub struct MemoError;

impl Memo {
    /// A memo of bounded length.
    ///
    /// # Errors
    /// [`MemoError`] when it is longer than [`MAX_MEMO_BYTES`].
    pub fn new(text: impl Into<String>) -> Result<Self, MemoError> {
        let text = text.into();
        if text.len() > MAX_MEMO_BYTES { Err(MemoError) } else { Ok(Self(text)) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'b, C> Decode<'b, C> for Memo {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        Self::new(d.str()?).map_err(minicbor::decode::Error::custom)
    }
}

/// One change to what the sender has signed away.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Op {
    /// Pays at once.
    #[n(0)]
    #[cbor(map)]
    Pay {
        /// The payer's id for the payment.
        #[n(0)]
        payment: PaymentId,
        /// What is paid.
        #[n(1)]
        amount: Amount,
        /// A note to the payee.
        #[n(2)]
        memo: Option<Memo>,
    },
    /// Locks an amount that is paid if a secret is revealed in time.
    #[n(1)]
    #[cbor(map)]
    Lock {
        /// The lock.
        #[n(0)]
        lock: Lock,
        /// Where its payment goes next, for the receiver alone to read.
        #[n(1)]
        route: Route,
    },
    /// Pays a lock whose secret is known.
    #[n(2)]
    #[cbor(map)]
    Unlock {
        /// The lock's id.
        #[n(0)]
        lock: LockId,
        /// The preimage of the lock's hash.
        #[n(1)]
        secret: Secret,
    },
    /// Drops a lock whose expiry has passed.
    #[n(3)]
    #[cbor(map)]
    Expire {
        /// The lock's id.
        #[n(0)]
        lock: LockId,
    },
    /// Drops a lock that its receiver gave up by countersigning the proof without it.
    #[n(4)]
    #[cbor(map)]
    Cancel {
        /// The lock's id.
        #[n(0)]
        lock: LockId,
    },
}

impl Op {
    /// The id of the payment that this makes at once.
    pub const fn payment(&self) -> Option<PaymentId> {
        match self {
            Self::Pay { payment, .. } => Some(*payment),
            Self::Lock { .. } | Self::Unlock { .. } | Self::Expire { .. } | Self::Cancel { .. } => None,
        }
    }

    /// The `context` of a proof over these operations: the hash of their canonical encoding.
    pub fn context(ops: &[Self]) -> B256 {
        keccak256(super::message::encode(&ops))
    }
}
