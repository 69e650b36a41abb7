//! Balance proofs and session-key grants: the two things whose signatures the Judge reads.

use alloy::primitives::aliases::U48;
use alloy::primitives::{Address, B256};

use super::cbor::{Decode, Encode};
use super::eip712::hash_struct;
use super::{Amount, ChannelId, Domain, Nonce, PublicKey, Signature, SignatureError, Timestamp, cbor, sol_types};

/// What one side has signed away so far: cumulative, numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct BalanceProof {
    /// The channel.
    #[n(0)]
    pub channel: ChannelId,
    /// The wallet whose money this gives away.
    #[n(1)]
    #[cbor(with = "cbor::fixed")]
    pub sender: Address,
    /// The proof's number in its direction.
    #[n(2)]
    pub nonce: Nonce,
    /// Everything paid so far.
    #[n(3)]
    pub transferred: Amount,
    /// The sum of the pending locks.
    #[n(4)]
    pub locked: Amount,
    /// The latest expiry of a pending lock, 0 without locks.
    #[n(5)]
    pub last_expiry: Timestamp,
    /// The root of the pending locks, zero without locks.
    #[n(6)]
    #[cbor(with = "cbor::fixed")]
    pub locks_root: B256,
    /// The hash of the operations that led here.
    #[n(7)]
    #[cbor(with = "cbor::fixed")]
    pub context: B256,
}

impl BalanceProof {
    /// The struct that is signed.
    pub fn to_sol(&self) -> sol_types::BalanceProof {
        sol_types::BalanceProof {
            channelId: self.channel.0,
            sender: self.sender,
            nonce: U48::saturating_from(self.nonce.get()),
            transferred: self.transferred.get(),
            locked: self.locked.get(),
            lastExpiry: U48::saturating_from(self.last_expiry),
            locksRoot: self.locks_root,
            context: self.context,
        }
    }

    /// The digest that the sender's session key signs.
    pub fn digest(&self, domain: &Domain) -> B256 {
        domain.proof_digest(&self.to_sol())
    }

    /// The digest that the beneficiary countersigns so that anyone may carry the proof to the Judge.
    pub fn acceptance_digest(&self, domain: &Domain) -> B256 {
        domain.digest(&sol_types::AcceptProof { proofHash: hash_struct(&self.to_sol()) })
    }
}

/// A balance proof with its sender's signature and the session key that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SignedProof {
    /// The proof.
    #[n(0)]
    pub proof: BalanceProof,
    /// The signature by `signer`.
    #[n(1)]
    pub signature: Signature,
    /// The session key of the proof's sender.
    #[n(2)]
    pub signer: PublicKey,
}

impl SignedProof {
    /// Checks the signature against the signer that is named. Whether that key speaks for the wallet is the caller's question.
    ///
    /// # Errors
    /// [`SignatureError`] when the Judge would not recover `signer` from the signature.
    pub fn verify(&self, domain: &Domain) -> Result<(), SignatureError> {
        // The Judge's type has 48 bits: a larger number would be hashed as the largest that it holds.
        if self.proof.last_expiry > Nonce::MAX.get() {
            return Err(SignatureError::Malformed);
        }
        self.signer.verify(self.proof.digest(domain), &self.signature)
    }
}

/// A wallet's signed word that a session key acts for it: the EIP-712 `Delegate` signature, which anyone can bring on-chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Grant {
    /// The wallet.
    #[n(0)]
    #[cbor(with = "cbor::fixed")]
    pub wallet: Address,
    /// The address of the session key.
    #[n(1)]
    #[cbor(with = "cbor::fixed")]
    pub session_key: Address,
    /// The key signs for an open channel before this second, and not at it.
    #[n(2)]
    pub valid_until: Timestamp,
    /// The wallet's signature.
    #[n(3)]
    pub signature: Signature,
}

impl Grant {
    /// The struct that the wallet signs.
    pub const fn to_sol(&self) -> sol_types::Delegate {
        sol_types::Delegate { wallet: self.wallet, sessionKey: self.session_key, validUntil: self.valid_until }
    }

    /// Checks the wallet's signature.
    ///
    /// # Errors
    /// [`SignatureError`] when the wallet did not sign this grant.
    pub fn verify(&self, domain: &Domain) -> Result<(), SignatureError> {
        let recovered = self.signature.recover(domain.digest(&self.to_sol()))?;
        if recovered == self.wallet { Ok(()) } else { Err(SignatureError::WrongSigner) }
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use crate::protocol::{SessionKey, vectors};

    #[test]
    fn a_proof_is_signed_in_one_reading_only() {
        let domain = vectors::domain();
        let greatest = BalanceProof { last_expiry: Nonce::MAX.get(), ..vectors::proof() };
        let signed = vectors::signed(greatest);
        assert_eq!(signed.verify(&domain), Ok(()));
        for last_expiry in [1 << 48, u64::MAX] {
            let other = SignedProof { proof: BalanceProof { last_expiry, ..greatest }, ..signed };
            assert_eq!(other.proof.digest(&domain), greatest.digest(&domain));
            assert_eq!(other.verify(&domain), Err(SignatureError::Malformed));
        }
        assert_eq!(signed.verify(&Domain::new(1, domain.judge())), Err(SignatureError::WrongSigner));
    }

    #[test]
    fn a_grant_is_the_wallets_word_and_nobody_elses() {
        let domain = vectors::domain();
        let [grant, other] = vectors::grants();
        assert_eq!(grant.verify(&domain), Ok(()));
        let changed = [
            Grant { valid_until: grant.valid_until + 1, ..grant },
            Grant { session_key: other.session_key, ..grant },
            Grant { wallet: other.wallet, ..grant },
            Grant { signature: other.signature, ..grant },
        ];
        for changed in changed {
            assert_eq!(changed.verify(&domain), Err(SignatureError::WrongSigner));
        }
        assert_eq!(grant.verify(&Domain::new(1, domain.judge())), Err(SignatureError::WrongSigner));
        // The session key does not grant itself anything.
        let digest = domain.digest(&grant.to_sol());
        let own = Grant { signature: SessionKey::sign(&vectors::session_a(), digest).unwrap(), ..grant };
        assert_eq!(own.verify(&domain), Err(SignatureError::WrongSigner));
    }
}
