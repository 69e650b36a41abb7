//! The Merkle tree over one side's pending locks.
//!
//! Every lock sits in a slot; a new lock takes the smallest free slot, so two peers who replay the same ops build
//! the same tree. Inner nodes are OpenZeppelin's sorted pairs; a lone child is promoted unchanged and an empty tree
//! has the zero root. There are no zero nodes: a zero node at depth one let a known multiproof bug prove arbitrary
//! leaves.
//!
//! Nodes are shared between copies: a copy costs nothing, and a change copies one path. So an update is replayed on a
//! copy, which is thrown away when it is refused, in O(log n) with 100,000 locks as with ten.

use std::sync::Arc;

use alloy::primitives::{B256, keccak256};

use super::lock_index::LockIndex;
use super::{Amount, AmountError, Lock, LockId, Nonce, Timestamp};

/// One side's pending locks with their root, sum and last expiry.
#[derive(Clone, Debug, Default)]
pub struct LockTree {
    top: Option<Arc<Node>>,
    /// There are 2^height slots below the top.
    height: u32,
    index: LockIndex,
    total: Amount,
}

/// What some slots hold, at least one of them being taken.
#[derive(Clone, Debug)]
struct Node {
    hash: B256,
    last_expiry: Timestamp,
    locks: usize,
    below: Below,
}

#[derive(Clone, Debug)]
enum Below {
    Lock(Lock),
    Nodes([Option<Arc<Node>>; 2]),
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

/// The most levels above the leaves: more slots than any engine accepts.
const MAX_HEIGHT: u32 = 24;

impl LockTree {
    /// The tree whose locks sit in the given slots, as a snapshot stored them. However far apart they sit, each takes no
    /// more memory than one path.
    ///
    /// # Errors
    /// [`LockTreeError`] when two locks share an id or a slot, or a slot is out of range.
    pub fn from_slots(slots: impl IntoIterator<Item = (usize, Lock)>) -> Result<Self, LockTreeError> {
        let mut tree = Self::default();
        slots.into_iter().try_for_each(|(slot, lock)| tree.put(slot, lock))?;
        Ok(tree)
    }

    /// The pending locks with their slots, by slot.
    pub fn slots(&self) -> impl Iterator<Item = (usize, &Lock)> {
        let mut waiting: Vec<&Node> = self.top.as_deref().into_iter().collect();
        std::iter::from_fn(move || {
            loop {
                match &waiting.pop()?.below {
                    Below::Lock(lock) => return Some((self.index.get(lock.id)?, lock)),
                    Below::Nodes(nodes) => waiting.extend(nodes.iter().rev().flatten().map(Arc::as_ref)),
                }
            }
        })
    }

    /// The number of pending locks.
    pub fn len(&self) -> usize {
        self.top.as_ref().map_or(0, |top| top.locks)
    }

    /// True when nothing is locked.
    pub const fn is_empty(&self) -> bool {
        self.top.is_none()
    }

    /// The pending lock with this id.
    pub fn get(&self, id: LockId) -> Option<&Lock> {
        let slot = self.index.get(id)?;
        let (mut node, mut height) = (self.top.as_deref()?, self.height);
        loop {
            match &node.below {
                Below::Lock(lock) => return Some(lock),
                Below::Nodes(nodes) => {
                    height = height.checked_sub(1)?;
                    node = child(nodes, slot, height).as_deref()?;
                }
            }
        }
    }

    /// The sum of the pending locks.
    pub const fn total(&self) -> Amount {
        self.total
    }

    /// The latest expiry among the pending locks, 0 when there is none.
    pub fn last_expiry(&self) -> Timestamp {
        self.top.as_ref().map_or(0, |top| top.last_expiry)
    }

    /// The Merkle root; zero exactly when nothing is locked.
    pub fn root(&self) -> B256 {
        self.top.as_ref().map_or(B256::ZERO, |top| top.hash)
    }

    /// Adds a lock.
    ///
    /// # Errors
    /// [`LockTreeError`] when the id is pending already, the lock is malformed or the sum overflows; nothing changes.
    pub fn insert(&mut self, lock: Lock) -> Result<(), LockTreeError> {
        self.put(self.free_slot(), lock)
    }

    /// Removes a lock and returns it.
    ///
    /// # Errors
    /// [`LockTreeError::Unknown`] when it is not pending.
    pub fn remove(&mut self, id: LockId) -> Result<Lock, LockTreeError> {
        let unknown = LockTreeError::Unknown(id);
        let slot = self.index.get(id).ok_or(unknown)?;
        let lock = *self.get(id).ok_or(unknown)?;
        self.total = self.total.checked_sub(lock.amount)?;
        self.index.remove(id);
        set(&mut self.top, self.height, slot, None);
        Ok(lock)
    }

    /// The siblings from the lock's leaf up to the root, as `MerkleProof.verify` takes them.
    ///
    /// # Errors
    /// [`LockTreeError::Unknown`] when the lock is not pending.
    pub fn proof(&self, id: LockId) -> Result<Vec<B256>, LockTreeError> {
        let slot = self.index.get(id).ok_or(LockTreeError::Unknown(id))?;
        let (mut place, mut height) = (&self.top, self.height);
        let mut siblings = Vec::new();
        while let Some(node) = place
            && let Below::Nodes(nodes) = &node.below
            && let Some(lower) = height.checked_sub(1)
        {
            height = lower;
            siblings.extend(child(nodes, slot ^ (1 << height), height).as_ref().map(|sibling| sibling.hash));
            place = child(nodes, slot, height);
        }
        siblings.reverse();
        Ok(siblings)
    }

    /// The smallest slot that is not taken.
    fn free_slot(&self) -> usize {
        let (mut place, mut slot) = (&self.top, 0);
        for height in (0..self.height).rev() {
            let Some(node) = place else { return slot };
            let Below::Nodes([left, right]) = &node.below else { return slot };
            let is_full = left.as_ref().is_some_and(|left| left.locks == 1 << height);
            place = if is_full { right } else { left };
            slot |= usize::from(is_full) << height;
        }
        // The top itself is full: the next slot is beyond it.
        if place.is_some() { slot + 1 } else { slot }
    }

    fn put(&mut self, slot: usize, lock: Lock) -> Result<(), LockTreeError> {
        if lock.amount.is_zero() || lock.expiry > Nonce::MAX.get() {
            return Err(LockTreeError::Malformed(lock.id));
        }
        if self.index.get(lock.id).is_some() {
            return Err(LockTreeError::Duplicate(lock.id));
        }
        if slot >> MAX_HEIGHT != 0 || self.is_taken(slot) {
            return Err(LockTreeError::Slot(slot));
        }
        self.total = self.total.checked_add(lock.amount)?;
        while slot >> self.height != 0 {
            self.height += 1;
            self.top = self.top.take().and_then(|top| above([Some(top), None]));
        }
        set(&mut self.top, self.height, slot, Some(lock));
        self.index.insert(lock.id, slot);
        Ok(())
    }

    fn is_taken(&self, slot: usize) -> bool {
        let mut place = if slot >> self.height == 0 { &self.top } else { &None };
        for height in (0..self.height).rev() {
            place = match place.as_ref().map(|node| &node.below) {
                Some(Below::Nodes(nodes)) => child(nodes, slot, height),
                Some(Below::Lock(_)) | None => return false,
            };
        }
        place.is_some()
    }
}

const fn child(nodes: &[Option<Arc<Node>>; 2], slot: usize, height: u32) -> &Option<Arc<Node>> {
    let [left, right] = nodes;
    if (slot >> height) & 1 == 0 { left } else { right }
}

/// Writes a leaf below `place` and what follows above it.
fn set(place: &mut Option<Arc<Node>>, height: u32, slot: usize, lock: Option<Lock>) {
    let Some(lower) = height.checked_sub(1) else {
        *place = lock.map(|lock| {
            let (hash, last_expiry) = (lock.leaf(), lock.expiry);
            Arc::new(Node { hash, last_expiry, locks: 1, below: Below::Lock(lock) })
        });
        return;
    };
    let below = place.take().map(|node| match Arc::unwrap_or_clone(node).below {
        Below::Nodes(nodes) => nodes,
        // Only leaves hold locks, and they are at height zero.
        Below::Lock(_) => [None, None],
    });
    let [mut left, mut right] = below.unwrap_or_default();
    set(if (slot >> lower) & 1 == 0 { &mut left } else { &mut right }, lower, slot, lock);
    *place = above([left, right]);
}

/// The node above two others, if there is anything below it.
fn above(nodes: [Option<Arc<Node>>; 2]) -> Option<Arc<Node>> {
    let [left, right] = &nodes;
    let hash = parent(left.as_ref().map(|left| left.hash), right.as_ref().map(|right| right.hash))?;
    let both = || left.iter().chain(right);
    let last_expiry = both().map(|node| node.last_expiry).max().unwrap_or_default();
    let locks = both().map(|node| node.locks).sum();
    Some(Arc::new(Node { hash, last_expiry, locks, below: Below::Nodes(nodes) }))
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
        let mut level = vec![None; tree.slots().last().map_or(0, |(slot, _)| slot + 1)];
        for (slot, lock) in tree.slots() {
            level[slot] = Some(lock.leaf());
        }
        while level.len() > 1 {
            level = level.chunks(2).map(|pair| parent(pair[0], pair.get(1).copied().flatten())).collect();
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
            // By the words of the specification: a new lock takes the smallest free slot.
            let mut slots: Vec<Option<LockId>> = Vec::new();
            for (add, id) in ops {
                let before = tree.clone();
                let (root, total, last) = (before.root(), before.total(), before.last_expiry());
                let place = slots.iter().position(|taken| *taken == Some(id));
                if add {
                    prop_assert_eq!(tree.insert(lock(id)).is_ok(), place.is_none());
                    if place.is_none() {
                        let free = slots.iter().position(Option::is_none).unwrap_or(slots.len());
                        slots.resize(slots.len().max(free + 1), None);
                        slots[free] = Some(id);
                    }
                } else {
                    prop_assert_eq!(tree.remove(id).ok(), place.map(|_| lock(id)));
                    place.into_iter().for_each(|place| slots[place] = None);
                }
                let expected = slots.iter().enumerate().filter_map(|(slot, id)| Some((slot, lock((*id)?))));
                prop_assert_eq!(tree.slots().map(|(slot, lock)| (slot, *lock)).collect::<Vec<_>>(), expected.collect::<Vec<_>>());
                prop_assert_eq!(tree.len(), slots.iter().flatten().count());
                prop_assert!(slots.iter().flatten().all(|id| tree.get(*id) == Some(&lock(*id))));
                // A copy from before keeps what it had: that is the rollback of a refused update.
                prop_assert_eq!((before.root(), before.total(), before.last_expiry()), (root, total, last));
                prop_assert_eq!(slow_root(&before), root);
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
    fn damaged_slots_are_refused_and_take_no_memory() {
        let far = (1 << MAX_HEIGHT) - 1;
        let mut tree = LockTree::from_slots([(far, lock(1)), (0, lock(2))]).unwrap();
        assert_eq!(tree.proof(1).unwrap(), [lock(2).leaf()], "empty slots are nowhere in it");
        tree.insert(lock(3)).unwrap();
        assert_eq!(tree.slots().map(|(slot, _)| slot).collect::<Vec<_>>(), [0, 1, far]);
        for slot in [far + 1, usize::MAX] {
            assert_eq!(LockTree::from_slots([(slot, lock(1))]).unwrap_err(), LockTreeError::Slot(slot));
        }
        assert_eq!(LockTree::from_slots([(5, lock(1)), (5, lock(2))]).unwrap_err(), LockTreeError::Slot(5));
        assert_eq!(LockTree::from_slots([(5, lock(1)), (6, lock(1))]).unwrap_err(), LockTreeError::Duplicate(1));
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
