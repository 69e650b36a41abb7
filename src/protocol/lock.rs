//! Locks: amounts that are paid if a secret is revealed in time.

use alloy::primitives::B256;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::cbor::{Decode, Encode};
use super::eip712::hash_struct;
use super::{Amount, Timestamp, cbor, sol_types};

/// A lock's number in its direction: it only grows and is never used twice, so a claim cannot be repeated.
pub type LockId = u64;

/// `sha256(secret)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct SecretHash(
    #[n(0)]
    #[cbor(with = "cbor::fixed")]
    pub B256,
);

/// The preimage that unlocks a lock. Never shown by `Debug`.
#[derive(Clone, PartialEq, Eq, Encode, Decode, Zeroize, ZeroizeOnDrop)]
#[cbor(transparent)]
pub struct Secret(
    #[n(0)]
    #[cbor(with = "cbor::fixed")]
    pub [u8; 32],
);

impl Secret {
    /// The hash under which a lock knows this secret.
    pub fn hash(&self) -> SecretHash {
        SecretHash(B256::from_slice(&Sha256::digest(self.0)))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// An amount that is paid if the secret is registered or revealed no later than `expiry`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Lock {
    /// The lock's number in its direction.
    #[n(0)]
    pub id: LockId,
    /// What is paid, in base units.
    #[n(1)]
    pub amount: Amount,
    /// The last second at which the secret counts; below 2^48.
    #[n(2)]
    pub expiry: Timestamp,
    /// The hash of the secret.
    #[n(3)]
    pub secret_hash: SecretHash,
}

impl Lock {
    /// The leaf in the lock tree: the EIP-712 struct hash. Its preimage has 160 bytes, so it can never be
    /// mistaken for an inner node, whose preimage has 64.
    pub fn leaf(&self) -> B256 {
        hash_struct(&self.to_sol())
    }

    /// The form that the Judge's functions take.
    pub fn to_sol(&self) -> sol_types::Lock {
        sol_types::Lock {
            lockId: self.id,
            amount: self.amount.get(),
            expiry: alloy::primitives::aliases::U48::saturating_from(self.expiry),
            secretHash: self.secret_hash.0,
        }
    }
}
