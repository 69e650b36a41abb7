//! How a session key is proven to the relay.

use alloy::primitives::{B256, keccak256};

use super::ClientMessage;
use crate::protocol::{KeyError, PublicKey, SessionKey, Signature, SignatureError};

/// What is signed to authenticate starts with this; no EIP-712 or EIP-191 digest has such a preimage.
const AUTHENTICATE_DOMAIN: &[u8] = b"chit relay v1: authenticate";

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
pub(super) const fn is_compressed(key: &PublicKey) -> bool {
    matches!(key.0, [2 | 3, ..])
}
