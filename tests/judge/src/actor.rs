//! People with keys.

use alloy::{
    primitives::{Address, B256, Bytes, keccak256},
    sol_types::{Eip712Domain, SolStruct},
};
use k256::ecdsa::SigningKey;

/// Someone who can sign.
#[derive(Clone, Debug)]
pub struct Actor {
    key: SigningKey,
    /// The key's address.
    pub address: Address,
}

impl Actor {
    /// The same name gives the same person in every run.
    pub fn new(name: &str) -> Self {
        let key = SigningKey::from_slice(keccak256(name).as_slice()).expect("a hash is a valid key");
        let address = Address::from_public_key(key.verifying_key());
        Self { key, address }
    }

    /// Two people, the one with the lower address first.
    pub fn pair(name: &str) -> (Self, Self) {
        let (x, y) = (Self::new(&format!("{name} 0")), Self::new(&format!("{name} 1")));
        if x.address < y.address { (x, y) } else { (y, x) }
    }

    /// Signs a hash: r, s (low), v (27 or 28).
    pub fn sign_hash(&self, hash: B256) -> Bytes {
        let (signature, recovery) =
            self.key.sign_prehash_recoverable(hash.as_slice()).expect("a 32-byte hash can be signed");
        let mut bytes = signature.to_bytes().to_vec();
        bytes.push(27 + recovery.to_byte());
        bytes.into()
    }

    /// Signs a typed message.
    pub fn sign<T: SolStruct>(&self, domain: &Eip712Domain, message: &T) -> Bytes {
        self.sign_hash(message.eip712_signing_hash(domain))
    }
}
