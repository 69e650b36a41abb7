//! Which slot of the lock tree a lock sits in, by the lock's id.
//!
//! A binary tree over the ids' bits, the lowest first: ids are given in order, so it is about as deep as it must be, and
//! whoever picks its ids badly still makes it no deeper than 64. Nodes are shared between copies, as those of the lock tree.

use std::sync::Arc;

use super::LockId;

/// Slots by lock id.
#[derive(Clone, Debug, Default)]
pub(super) struct LockIndex(Option<Arc<Node>>);

#[derive(Clone, Debug)]
enum Node {
    Slot(LockId, usize),
    Fork([Option<Arc<Self>>; 2]),
}

const fn bit(id: LockId, depth: u32) -> usize {
    match id.checked_shr(depth) {
        Some(rest) if rest & 1 == 1 => 1,
        Some(_) | None => 0,
    }
}

impl LockIndex {
    pub(super) fn get(&self, id: LockId) -> Option<usize> {
        let (mut node, mut depth) = (self.0.as_deref()?, 0);
        loop {
            match node {
                Node::Slot(known, slot) => return (*known == id).then_some(*slot),
                Node::Fork([zero, one]) => {
                    node = if bit(id, depth) == 0 { zero.as_deref()? } else { one.as_deref()? };
                    depth += 1;
                }
            }
        }
    }

    /// Notes a lock's slot; the id must be new.
    pub(super) fn insert(&mut self, id: LockId, slot: usize) {
        insert(&mut self.0, id, slot, 0);
    }

    /// Forgets a lock.
    pub(super) fn remove(&mut self, id: LockId) {
        remove(&mut self.0, id, 0);
    }
}

fn insert(place: &mut Option<Arc<Node>>, id: LockId, slot: usize, depth: u32) {
    let Some(node) = place else {
        *place = Some(Arc::new(Node::Slot(id, slot)));
        return;
    };
    if let Node::Slot(known, _) = **node {
        if known == id {
            *node = Arc::new(Node::Slot(id, slot));
            return;
        }
        let [mut zero, mut one] = [None, None];
        *(if bit(known, depth) == 0 { &mut zero } else { &mut one }) = Some(Arc::clone(node));
        *node = Arc::new(Node::Fork([zero, one]));
    }
    if let Node::Fork([zero, one]) = Arc::make_mut(node) {
        insert(if bit(id, depth) == 0 { zero } else { one }, id, slot, depth + 1);
    }
}

fn remove(place: &mut Option<Arc<Node>>, id: LockId, depth: u32) {
    let Some(node) = place else { return };
    if let Node::Slot(known, _) = **node {
        if known == id {
            *place = None;
        }
        return;
    }
    let mut only = None;
    if let Node::Fork([zero, one]) = Arc::make_mut(node) {
        remove(if bit(id, depth) == 0 { &mut *zero } else { &mut *one }, id, depth + 1);
        match (&zero, &one) {
            (Some(left), None) | (None, Some(left)) if matches!(**left, Node::Slot(..)) => {
                only = Some(Arc::clone(left))
            }
            (Some(_), _) | (None, Some(_)) => return,
            (None, None) => {}
        }
    }
    // A fork stands only between two ids, so the shape follows from the ids alone.
    *place = only;
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn depth(node: Option<&Node>) -> usize {
        match node {
            None => 0,
            Some(Node::Slot(..)) => 1,
            Some(Node::Fork(nodes)) => 1 + nodes.iter().map(|node| depth(node.as_deref())).max().unwrap_or(0),
        }
    }

    proptest! {
        #[test]
        fn it_is_a_map(ops in prop::collection::vec((any::<bool>(), prop_oneof![0_u64..20, any::<u64>(), (0..64_u32).prop_map(|bit| 1 << bit)]), 0..200)) {
            let (mut index, mut map) = (LockIndex::default(), BTreeMap::new());
            for (slot, (add, id)) in ops.into_iter().enumerate() {
                let (before, known) = (index.clone(), map.clone());
                if add {
                    index.insert(id, slot);
                    map.insert(id, slot);
                } else {
                    index.remove(id);
                    map.remove(&id);
                }
                prop_assert!(map.iter().all(|(id, slot)| index.get(*id) == Some(*slot)));
                prop_assert_eq!(index.get(id).is_some(), map.contains_key(&id));
                prop_assert!(known.iter().all(|(id, slot)| before.get(*id) == Some(*slot)), "copies keep what they had");
            }
            for id in map.keys() {
                index.remove(*id);
            }
            prop_assert!(index.0.is_none());
        }
    }

    #[test]
    fn ids_in_order_make_it_shallow_and_no_ids_make_it_deep() {
        let mut index = LockIndex::default();
        (1..=100_000).for_each(|id| index.insert(id, 0));
        assert!(depth(index.0.as_deref()) <= 18);
        let mut worst = LockIndex::default();
        worst.insert(0, 0);
        (0..64).for_each(|bit| worst.insert(1 << bit, 1));
        assert_eq!(depth(worst.0.as_deref()), 65);
        assert_eq!((worst.get(1 << 63), worst.get(3)), (Some(1), None));
    }
}
