//! What the relay's directory answers: which session keys of a wallet are connected now.

use super::handshake::is_compressed;
use crate::protocol::cbor::{Decode, Encode};
use crate::protocol::{Domain, Grant, PublicKey, SignatureError};

/// The most keys that one wallet has in the directory.
pub const MAX_ENTRIES: usize = 16;

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
