//! A Merkle tree of locks as a client keeps it: sorted pairs, a lone child promoted unchanged.

use alloy::primitives::{B256, keccak256};

/// All levels of a tree, leaves first. Locks keep the order they were given in.
#[derive(Clone, Debug)]
pub struct LockTree {
    levels: Vec<Vec<B256>>,
}

impl LockTree {
    /// Builds a tree over leaf hashes.
    pub fn new(leaves: Vec<B256>) -> Self {
        let mut levels = vec![leaves];
        while levels.last().is_some_and(|level| level.len() > 1) {
            let next = levels.last().map_or_else(Vec::new, |level| level.chunks(2).map(Self::parent).collect());
            levels.push(next);
        }
        Self { levels }
    }

    fn parent(pair: &[B256]) -> B256 {
        match pair {
            [x, y] if x <= y => keccak256([x.as_slice(), y.as_slice()].concat()),
            [x, y] => keccak256([y.as_slice(), x.as_slice()].concat()),
            _ => pair[0],
        }
    }

    /// The root; zero without leaves.
    pub fn root(&self) -> B256 {
        self.levels.last().and_then(|level| level.first()).copied().unwrap_or_default()
    }

    /// Siblings of a leaf, from the leaf upwards.
    pub fn proof(&self, mut index: usize) -> Vec<B256> {
        let mut proof = Vec::new();
        for level in &self.levels {
            proof.extend(level.get(index ^ 1));
            index /= 2;
        }
        proof
    }
}
