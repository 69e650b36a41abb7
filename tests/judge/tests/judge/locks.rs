//! Many locks: a channel that closed with a tree of them, all secrets known.

use std::{ops::Range, sync::LazyLock};

use sha2::{Digest, Sha256};

use crate::prelude::*;

/// The secret of the lock with this number.
pub(crate) fn secret(number: u64) -> B256 {
    keccak256([b"secret".as_slice(), &number.to_be_bytes()].concat())
}

/// What a lock's secret must hash to.
pub(crate) fn secret_hash(number: u64) -> B256 {
    B256::from_slice(&Sha256::digest(secret(number)))
}

/// A lock's leaf, hashed from the struct's definition; the type's hash is taken once, as trees are large.
pub(crate) fn leaf(lock: &Lock) -> B256 {
    static TYPE: LazyLock<B256> =
        LazyLock::new(|| keccak256(<signed::Lock as SolStruct>::eip712_root_type().as_bytes()));
    let message =
        signed::Lock { lockId: lock.lockId, amount: lock.amount, expiry: lock.expiry, secretHash: lock.secretHash };
    let mut preimage = TYPE.to_vec();
    preimage.extend(message.eip712_encode_data());
    debug_assert_eq!(preimage.len(), 160);
    keccak256(preimage)
}

/// A token channel whose side a signed away many locks; the challenge is over.
#[derive(Clone, Debug)]
pub(crate) struct Forest {
    pub(crate) world: World,
    pub(crate) key: ChannelKey,
    pub(crate) locks: Vec<Lock>,
    pub(crate) tree: LockTree,
    pub(crate) expiry: u64,
}

impl Forest {
    pub(crate) const AMOUNT: u128 = 1_000_000_000_000;

    pub(crate) fn new(count: u64) -> Self {
        let mut world = World::new();
        world.delegate_both();
        let token = world.token;
        // Another channel's money, so that a mistake could pay too much.
        world.open(token, 1000 * Self::AMOUNT, 0);
        let expiry = world.chain.now + 2 * World::CHALLENGE;
        let locks: Vec<Lock> = (0..count)
            .map(|i| Lock { lockId: i, amount: Self::AMOUNT, expiry: u48(expiry), secretHash: secret_hash(i) })
            .collect();
        let tree = LockTree::new(locks.iter().map(leaf).collect());
        let locked = Self::AMOUNT * u128::from(count);
        let key = world.open(token, locked + 5, 9);
        let draft = Draft { locked, last_expiry: expiry, root: tree.root(), ..Draft::paid(7, 1) };
        let proof = world.proof(&key, world.a.address, &draft, &world.key_a, None);
        let b = world.b.clone();
        world.close(&b, &key, proof);
        world.end_challenge(&key);
        Self { world, key, locks, tree, expiry }
    }

    /// Makes secrets public.
    pub(crate) fn reveal(&mut self, range: Range<u64>) {
        let secrets = range.map(secret).collect();
        let (from, registry) = (self.world.tower.address, self.world.registry);
        self.world.chain.send(from, registry, &SecretRegistry::registerSecretsCall { secrets }).unwrap();
    }

    /// The call that claims these locks.
    pub(crate) fn call(&self, range: Range<u64>) -> Judge::unlockCall {
        let numbers = || range.clone().map(|i| usize::try_from(i).unwrap());
        Judge::unlockCall {
            key: self.key.clone(),
            sender: self.world.a.address,
            locks: numbers().map(|i| self.locks[i].clone()).collect(),
            proofs: numbers().map(|i| self.tree.proof(i)).collect(),
        }
    }

    /// Makes the secrets public and claims the locks, by a bystander.
    pub(crate) fn unlock(&mut self, range: Range<u64>) -> Outcome {
        self.reveal(range.clone());
        let (call, tower) = (self.call(range), self.world.tower.clone());
        self.world.call(&tower, &call)
    }
}
