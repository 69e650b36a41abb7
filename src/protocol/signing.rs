//! secp256k1 signatures as the Judge checks them: 65 bytes, low s, deterministic nonces (RFC 6979).

use std::fmt;

use alloy::primitives::{Address, B256, keccak256};
use k256::ecdsa::{RecoveryId, SigningKey, VerifyingKey};
use k256::elliptic_curve::ops::{Invert, LinearCombination, Reduce};
use k256::elliptic_curve::point::AffineCoordinates;
use k256::elliptic_curve::sec1::ToEncodedPoint;
use k256::{ProjectivePoint, Scalar, U256};

use super::cbor;
use super::cbor::{Decode, Encode};

/// A 65-byte signature `r ‖ s ‖ v` with low `s` and `v` 27 or 28: the one form of a signature that the Judge takes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Signature(
    #[n(0)]
    #[cbor(with = "cbor::fixed")]
    pub [u8; 65],
);

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Why a signature does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Not a signature in its one accepted form: low s, v 27 or 28, r and s in range.
    #[error("the signature is malformed")]
    Malformed,
    /// A valid signature by somebody else.
    #[error("the signature was made by another key")]
    WrongSigner,
}

/// A key is not a point on the curve or not a scalar in range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key is malformed")]
pub struct KeyError;

impl Signature {
    fn parts(&self) -> Result<(k256::ecdsa::Signature, bool), SignatureError> {
        let (scalars, v) = self.0.split_at(64);
        let signature = k256::ecdsa::Signature::from_slice(scalars).map_err(|_| SignatureError::Malformed)?;
        let odd = match v {
            [27] => false,
            [28] => true,
            _ => return Err(SignatureError::Malformed),
        };
        if signature.normalize_s().is_some() {
            return Err(SignatureError::Malformed);
        }
        Ok((signature, odd))
    }

    /// The address whose key made this signature over `digest`. Slower than [`PublicKey::verify`]: for wallets, whose
    /// public keys are not known, never for payments.
    ///
    /// # Errors
    /// [`SignatureError::Malformed`] when no key can be recovered.
    pub fn recover(&self, digest: B256) -> Result<Address, SignatureError> {
        let (signature, odd) = self.parts()?;
        let key = VerifyingKey::recover_from_prehash(digest.as_slice(), &signature, RecoveryId::new(odd, false))
            .map_err(|_| SignatureError::Malformed)?;
        Ok(PublicKey::from_verifying_key(&key).address())
    }
}

/// A session key's public half: 33 bytes, compressed. It is also the client's address at the relay.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct PublicKey(
    #[n(0)]
    #[cbor(with = "cbor::fixed")]
    pub [u8; 33],
);

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl PublicKey {
    fn from_verifying_key(key: &VerifyingKey) -> Self {
        let mut bytes = [0; 33];
        bytes.copy_from_slice(key.to_encoded_point(true).as_bytes());
        Self(bytes)
    }

    /// SEC1 knows a third 33-byte form of a point, "compact", which would give a key a second name.
    fn to_point(self) -> Option<k256::PublicKey> {
        let is_compressed = matches!(self.0, [2 | 3, ..]);
        k256::PublicKey::from_sec1_bytes(&self.0).ok().filter(|_| is_compressed)
    }

    /// The Ethereum address of the key; the zero address when the bytes are not a compressed point of the curve.
    pub fn address(&self) -> Address {
        self.to_point().map_or(Address::ZERO, |key| {
            let point = key.to_encoded_point(false);
            let coordinates = point.as_bytes().get(1..).unwrap_or_default();
            Address::from_slice(keccak256(coordinates).get(12..).unwrap_or_default())
        })
    }

    /// Checks that the Judge, recovering a key from `signature` over `digest`, would find exactly this one.
    ///
    /// This is `ecrecover` without the square root: `R = u1·G + u2·Q` must have x = r and the parity that v claims. A
    /// plain ECDSA check ignores v, and a payment whose proof verifies here but not at the Judge would be worthless.
    ///
    /// # Errors
    /// [`SignatureError`] when the signature is malformed or not this key's.
    pub fn verify(&self, digest: B256, signature: &Signature) -> Result<(), SignatureError> {
        let (scalars, odd) = signature.parts()?;
        let key = self.to_point().ok_or(SignatureError::WrongSigner)?;
        let z = <Scalar as Reduce<U256>>::reduce_bytes(&digest.0.into());
        let (r, s) = scalars.split_scalars();
        let s_inverse = *s.invert_vartime();
        let (u1, u2) = (z * s_inverse, *r * s_inverse);
        let point = ProjectivePoint::lincomb(&ProjectivePoint::GENERATOR, &u1, &key.to_projective(), &u2).to_affine();
        if point.x() == r.to_bytes() && bool::from(point.y_is_odd()) == odd {
            Ok(())
        } else {
            Err(SignatureError::WrongSigner)
        }
    }

    /// The Diffie–Hellman secret shared with `own`, for sealing frames.
    ///
    /// # Errors
    /// [`KeyError`] when the bytes are no point of the curve.
    pub(crate) fn shared_secret(&self, own: &SessionKey) -> Result<k256::ecdh::SharedSecret, KeyError> {
        let key = self.to_point().ok_or(KeyError)?;
        Ok(k256::ecdh::diffie_hellman(own.0.as_nonzero_scalar(), key.as_affine()))
    }
}

/// A session key: it signs every off-chain message of one client and can only ever pay the two wallets of a channel.
/// Wiped from memory when dropped, never shown by `Debug`.
#[derive(Clone)]
pub struct SessionKey(SigningKey);

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionKey({})", self.public_key())
    }
}

impl SessionKey {
    /// The key with these 32 secret bytes.
    ///
    /// # Errors
    /// [`KeyError`] when they are zero or not below the curve's order; draw again.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        SigningKey::from_slice(bytes).map(Self).map_err(|_| KeyError)
    }

    /// The secret bytes, for sealing into a vault. Wiped when dropped.
    pub fn to_bytes(&self) -> zeroize::Zeroizing<[u8; 32]> {
        zeroize::Zeroizing::new(self.0.to_bytes().into())
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        PublicKey::from_verifying_key(self.0.verifying_key())
    }

    /// Signs a digest deterministically, with low s.
    ///
    /// # Errors
    /// [`KeyError`] if no signature exists for this digest, which has never been observed.
    pub fn sign(&self, digest: B256) -> Result<Signature, KeyError> {
        let (signature, recovery) = self.0.sign_prehash_recoverable(digest.as_slice()).map_err(|_| KeyError)?;
        // An x-reduced R cannot be written with v 27 or 28; its probability is 2^-128.
        if recovery.is_x_reduced() {
            return Err(KeyError);
        }
        let mut bytes = [0; 65];
        let (scalars, v) = bytes.split_at_mut(64);
        scalars.copy_from_slice(&signature.to_bytes());
        v.fill(if recovery.is_y_odd() { 28 } else { 27 });
        Ok(Signature(bytes))
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(seed: u8) -> SessionKey {
        SessionKey::from_bytes(&[seed; 32]).unwrap()
    }

    proptest! {
        #[test]
        fn verify_agrees_with_recover(digest: [u8; 32], flip in 0_usize..65 * 8, seed in 1_u8..20) {
            let digest = B256::from(digest);
            let key = key(seed);
            let public = key.public_key();
            let good = key.sign(digest).unwrap();
            prop_assert_eq!(public.verify(digest, &good), Ok(()));
            prop_assert_eq!(good.recover(digest), Ok(public.address()));
            let mut bad = good;
            bad.0[flip / 8] ^= 1 << (flip % 8);
            prop_assert!(public.verify(digest, &bad).is_err());
            prop_assert_ne!(bad.recover(digest), Ok(public.address()));
        }
    }

    #[test]
    fn only_one_form_of_a_signature_is_accepted() {
        let digest = keccak256(b"digest");
        let key = key(7);
        let good = key.sign(digest).unwrap();
        let (low, odd) = good.parts().unwrap();
        let mut high = Signature([0; 65]);
        high.0[..32].copy_from_slice(&low.r().to_bytes());
        high.0[32..64].copy_from_slice(&(-*low.s()).to_bytes());
        high.0[64] = if odd { 27 } else { 28 };
        assert_eq!(key.public_key().verify(digest, &high), Err(SignatureError::Malformed));
        for v in [0, 1, 26, 29, 255] {
            let mut bad = good;
            bad.0[64] = v;
            assert_eq!(key.public_key().verify(digest, &bad), Err(SignatureError::Malformed));
        }
    }

    #[test]
    fn signing_is_deterministic_and_secrets_are_not_shown() {
        let digest = keccak256(b"digest");
        assert_eq!(key(9).sign(digest), key(9).sign(digest));
        assert!(!format!("{:?}", key(9)).contains("0909"));
    }

    #[test]
    fn a_key_has_one_name() {
        let digest = keccak256(b"digest");
        let key = (1..20).map(key).find(|key| {
            let [_, x @ ..] = key.public_key().0;
            k256::PublicKey::from_sec1_bytes(&[&[5][..], &x].concat())
                .is_ok_and(|same| same == k256::PublicKey::from(key.0.verifying_key()))
        });
        let key = key.expect("half of all keys have a compact form");
        let mut compact = key.public_key();
        compact.0[0] = 5;
        assert_eq!(compact.verify(digest, &key.sign(digest).unwrap()), Err(SignatureError::WrongSigner));
        assert_eq!(compact.address(), Address::ZERO);
        assert!(compact.shared_secret(&key).is_err());
    }

    #[test]
    fn bytes_off_the_curve_are_nobodys_key() {
        let nobody = PublicKey([5; 33]);
        assert_eq!(nobody.address(), Address::ZERO);
        let digest = keccak256(b"digest");
        assert_eq!(nobody.verify(digest, &key(1).sign(digest).unwrap()), Err(SignatureError::WrongSigner));
    }
}
