//! The Merkle tree over one side's pending locks.
//!
//! Every lock sits in a slot; a new lock takes the smallest free slot, so two peers who replay the same ops build
//! the same tree. Inner nodes are OpenZeppelin's sorted pairs; a lone child is promoted unchanged and an empty tree
//! has the zero root. There are no zero nodes: a zero node at depth one let a known multiproof bug prove arbitrary
//! leaves. Insert, remove and prove touch one path, so they cost O(log n) with 100,000 locks as with ten.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use alloy::primitives::{B256, keccak256};

use super::{Amount, AmountError, Lock, LockId, Nonce, Timestamp};

/// One side's pending locks with their root, sum and last expiry.
#[derive(Clone, Debug, Default)]
pub struct LockTree {
    /// `levels[0]` holds the leaves, the last level the root.
    levels: Vec<Vec<Option<B256>>>,
    /// Behind a pointer: the code of a B-tree is downloaded once for each width of its values. Shared, because an update
    /// that adds or drops a lock copies the tree.
    locks: BTreeMap<LockId, Arc<(usize, Lock)>>,
    /// The empty slots among the leaves, the smallest first.
    free: BinaryHeap<Reverse<usize>>,
    expiries: BTreeMap<Timestamp, usize>,
    total: Amount,
}

/// Why a lock cannot be added, removed or proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockTreeError {
    /// The lock's id is already pending.
    #[error("lock {0} is already pending")]
    Duplicate(LockId),
    /// No such lock is pending.
    #[error("lock {0} is not pending")]
    Unknown(LockId),
    /// The lock holds nothing, or its expiry does not fit 48 bits.
    #[error("lock {0} holds nothing or expires out of range")]
    Malformed(LockId),
    /// A slot is taken twice or lies out of range.
    #[error("slot {0} cannot be taken")]
    Slot(usize),
    /// The sum of the locks overflows.
    #[error(transparent)]
    Amount(#[from] AmountError),
}

/// More slots than any engine accepts; bounds what hostile input can allocate.
const MAX_SLOTS: usize = 1 << 24;

impl LockTree {
    /// The tree whose locks sit in the given slots, as a snapshot stored them.
    ///
    /// # Errors
    /// [`LockTreeError`] when two locks share an id or a slot, or a slot is out of range.
    pub fn from_slots(slots: impl IntoIterator<Item = (usize, Lock)>) -> Result<Self, LockTreeError> {
        let mut tree = Self::default();
        let mut slots: Vec<_> = slots.into_iter().collect();
        slots.sort_by_key(|(slot, _)| *slot);
        for (slot, lock) in slots {
            let next = tree.leaf_count();
            if slot < next || slot >= MAX_SLOTS {
                return Err(LockTreeError::Slot(slot));
            }
            tree.free.extend((next..slot).map(Reverse));
            tree.put(slot, lock)?;
        }
        Ok(tree)
    }

    /// The pending locks with their slots, by id.
    pub fn slots(&self) -> impl Iterator<Item = (usize, &Lock)> {
        self.locks.values().map(|place| (place.0, &place.1))
    }

    /// The number of pending locks.
    pub fn len(&self) -> usize {
        self.locks.len()
    }

    /// True when nothing is locked.
    pub fn is_empty(&self) -> bool {
        self.locks.is_empty()
    }

    /// The pending lock with this id.
    pub fn get(&self, id: LockId) -> Option<&Lock> {
        self.locks.get(&id).map(|place| &place.1)
    }

    /// The sum of the pending locks.
    pub const fn total(&self) -> Amount {
        self.total
    }

    /// The latest expiry among the pending locks, 0 when there is none.
    pub fn last_expiry(&self) -> Timestamp {
        self.expiries.last_key_value().map_or(0, |(expiry, _)| *expiry)
    }

    /// The Merkle root; zero exactly when nothing is locked.
    pub fn root(&self) -> B256 {
        self.levels.last().and_then(|top| top.first().copied().flatten()).unwrap_or_default()
    }

    /// Adds a lock.
    ///
    /// # Errors
    /// [`LockTreeError`] when the id is pending already, the lock is malformed or the sum overflows; nothing changes.
    pub fn insert(&mut self, lock: Lock) -> Result<(), LockTreeError> {
        let free = self.free.peek().map(|slot| slot.0);
        let slot = free.unwrap_or_else(|| self.leaf_count());
        if slot >= MAX_SLOTS {
            return Err(LockTreeError::Slot(slot));
        }
        self.put(slot, lock)?;
        if free.is_some() {
            self.free.pop();
        }
        Ok(())
    }

    /// Removes a lock and returns it.
    ///
    /// # Errors
    /// [`LockTreeError::Unknown`] when it is not pending.
    pub fn remove(&mut self, id: LockId) -> Result<Lock, LockTreeError> {
        let (slot, lock) = self.locks.get(&id).map(|place| **place).ok_or(LockTreeError::Unknown(id))?;
        self.total = self.total.checked_sub(lock.amount)?;
        self.locks.remove(&id);
        if let Some(count) = self.expiries.get_mut(&lock.expiry) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.expiries.remove(&lock.expiry);
            }
        }
        self.free.push(Reverse(slot));
        self.set_leaf(slot, None);
        Ok(lock)
    }

    /// The siblings from the lock's leaf up to the root, as `MerkleProof.verify` takes them.
    ///
    /// # Errors
    /// [`LockTreeError::Unknown`] when the lock is not pending.
    pub fn proof(&self, id: LockId) -> Result<Vec<B256>, LockTreeError> {
        let mut index = self.locks.get(&id).map(|place| place.0).ok_or(LockTreeError::Unknown(id))?;
        let mut siblings = Vec::with_capacity(self.levels.len());
        for level in &self.levels {
            siblings.extend(node(level, index ^ 1));
            index >>= 1;
        }
        Ok(siblings)
    }

    fn leaf_count(&self) -> usize {
        self.levels.first().map_or(0, Vec::len)
    }

    fn put(&mut self, slot: usize, lock: Lock) -> Result<(), LockTreeError> {
        if lock.amount.is_zero() || lock.expiry > Nonce::MAX.get() {
            return Err(LockTreeError::Malformed(lock.id));
        }
        if self.locks.contains_key(&lock.id) {
            return Err(LockTreeError::Duplicate(lock.id));
        }
        self.total = self.total.checked_add(lock.amount)?;
        self.locks.insert(lock.id, Arc::new((slot, lock)));
        let count = self.expiries.get(&lock.expiry).copied().unwrap_or_default();
        self.expiries.insert(lock.expiry, count.saturating_add(1));
        self.set_leaf(slot, Some(lock.leaf()));
        Ok(())
    }

    /// Writes a leaf and recomputes its path, growing the tree by a level where the path leaves it.
    fn set_leaf(&mut self, slot: usize, leaf: Option<B256>) {
        let mut index = slot;
        let mut value = leaf;
        let mut height = 0;
        loop {
            if self.levels.len() == height {
                self.levels.push(Vec::new());
                if height > 0 {
                    self.fill_level(height);
                }
            }
            let Some(level) = self.levels.get_mut(height) else { return };
            if level.len() <= index {
                level.resize(index.saturating_add(1), None);
            }
            if let Some(place) = level.get_mut(index) {
                *place = value;
            }
            let is_root = level.len() == 1;
            value = parent(node(level, index & !1), node(level, index | 1));
            index >>= 1;
            height += 1;
            if is_root && self.levels.len() == height {
                return;
            }
        }
    }

    /// Computes a level that did not exist from the one below it.
    fn fill_level(&mut self, height: usize) {
        let below = self.levels.get(height - 1).map(Vec::as_slice).unwrap_or_default();
        let nodes = below.chunks(2).map(|pair| parent(node(pair, 0), node(pair, 1))).collect();
        if let Some(level) = self.levels.get_mut(height) {
            *level = nodes;
        }
    }
}

fn node(level: &[Option<B256>], index: usize) -> Option<B256> {
    level.get(index).copied().flatten()
}

/// A lone child is promoted; two are hashed in order of size, as OpenZeppelin's `MerkleProof` does.
fn parent(left: Option<B256>, right: Option<B256>) -> Option<B256> {
    match (left, right) {
        (Some(left), Some(right)) => {
            let (small, large) = if left < right { (left, right) } else { (right, left) };
            Some(keccak256([small.as_slice(), large.as_slice()].concat()))
        }
        (one, other) => one.or(other),
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use crate::protocol::SecretHash;
    use proptest::prelude::*;

    fn lock(id: LockId) -> Lock {
        Lock {
            id,
            amount: Amount::from(id % 7 + 1),
            expiry: 1_000 + id % 5,
            secret_hash: SecretHash(keccak256(id.to_be_bytes())),
        }
    }

    /// The root by definition, level by level from scratch.
    fn slow_root(tree: &LockTree) -> B256 {
        let mut level = vec![None; tree.leaf_count()];
        for (slot, lock) in tree.slots() {
            level[slot] = Some(lock.leaf());
        }
        while level.len() > 1 {
            level = level.chunks(2).map(|pair| parent(node(pair, 0), node(pair, 1))).collect();
        }
        level.first().copied().flatten().unwrap_or_default()
    }

    fn verifies(root: B256, lock: &Lock, proof: &[B256]) -> bool {
        proof.iter().fold(lock.leaf(), |hash, sibling| parent(Some(hash), Some(*sibling)).unwrap()) == root
    }

    proptest! {
        #[test]
        fn the_path_update_equals_the_tree_built_from_scratch(ops in prop::collection::vec((any::<bool>(), 0_u64..40), 1..120)) {
            let mut tree = LockTree::default();
            for (add, id) in ops {
                let pending = tree.get(id).is_some();
                if add {
                    prop_assert_eq!(tree.insert(lock(id)).is_ok(), !pending);
                } else {
                    prop_assert_eq!(tree.remove(id).is_ok(), pending);
                }
                prop_assert_eq!(tree.root(), slow_root(&tree));
                prop_assert_eq!(tree.root().is_zero(), tree.is_empty());
                let total = tree.slots().fold(0, |sum, (_, lock)| sum + lock.amount.get());
                prop_assert_eq!(tree.total(), Amount::new(total));
                prop_assert_eq!(tree.last_expiry(), tree.slots().map(|(_, lock)| lock.expiry).max().unwrap_or(0));
            }
            for (_, lock) in tree.slots() {
                prop_assert!(verifies(tree.root(), lock, &tree.proof(lock.id).unwrap()));
            }
            let copy = LockTree::from_slots(tree.slots().map(|(slot, lock)| (slot, *lock))).unwrap();
            prop_assert_eq!(copy.root(), tree.root());
            let (mut tree, mut copy) = (tree, copy);
            tree.insert(lock(99)).unwrap();
            copy.insert(lock(99)).unwrap();
            prop_assert_eq!(copy.root(), tree.root());
        }
    }

    #[test]
    fn a_proof_for_another_lock_does_not_verify() {
        let mut tree = LockTree::default();
        (0..10).for_each(|id| tree.insert(lock(id)).unwrap());
        assert!(!verifies(tree.root(), &lock(3), &tree.proof(4).unwrap()));
        assert!(!verifies(tree.root(), &lock(11), &tree.proof(4).unwrap()));
    }

    #[test]
    fn a_refused_lock_changes_nothing() {
        let mut tree = LockTree::default();
        tree.insert(Lock { amount: Amount::MAX, ..lock(0) }).unwrap();
        let root = tree.root();
        assert_eq!(tree.insert(lock(1)), Err(LockTreeError::Amount(AmountError::Overflow)));
        assert_eq!(tree.insert(lock(0)), Err(LockTreeError::Duplicate(0)));
        assert_eq!(tree.insert(Lock { amount: Amount::ZERO, ..lock(2) }), Err(LockTreeError::Malformed(2)));
        assert_eq!(tree.insert(Lock { expiry: 1 << 48, ..lock(2) }), Err(LockTreeError::Malformed(2)));
        assert_eq!((tree.root(), tree.len()), (root, 1));
    }

    #[test]
    fn a_hundred_thousand_locks_fit_and_prove() {
        let mut tree = LockTree::default();
        (0..100_000).for_each(|id| tree.insert(lock(id)).unwrap());
        let proof = tree.proof(77_777).unwrap();
        assert!(proof.len() <= 17);
        assert!(verifies(tree.root(), &lock(77_777), &proof));
        (0..100_000).for_each(|id| {
            tree.remove(id).unwrap();
        });
        assert!(tree.root().is_zero());
    }
}
