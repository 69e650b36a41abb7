//! A map, and a set, as one sorted vector.
//!
//! Every type of value that a B-tree holds costs a download of 8 KB more of its code; a sorted vector costs a tenth of
//! that. Finding is as quick; inserting moves what comes after, some microseconds with ten thousand entries. What may hold
//! more than that, and changes with every payment, stays a B-tree.

/// Values by key, in the keys' order.
#[derive(Clone, Debug)]
pub(super) struct Table<K, V> {
    rows: Vec<(K, V)>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { rows: Vec::new() }
    }
}

impl<K: Ord, V> Table<K, V> {
    fn place(&self, key: &K) -> Result<usize, usize> {
        // What is loaded comes in order.
        match self.rows.last() {
            Some((last, _)) if last < key => Err(self.rows.len()),
            _ => self.rows.binary_search_by(|(row, _)| row.cmp(key)),
        }
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.place(key).ok().and_then(|place| self.rows.get(place)).map(|(_, value)| value)
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.place(key).ok().and_then(|place| self.rows.get_mut(place)).map(|(_, value)| value)
    }

    pub(super) fn contains_key(&self, key: &K) -> bool {
        self.place(key).is_ok()
    }

    /// Puts a value in the place of any other with this key.
    pub(super) fn insert(&mut self, key: K, value: V) {
        match self.place(&key) {
            Ok(place) => {
                if let Some(row) = self.rows.get_mut(place) {
                    row.1 = value;
                }
            }
            Err(place) => self.rows.insert(place, (key, value)),
        }
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        self.place(key).ok().map(|place| self.rows.remove(place).1)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many rows there are.
    #[cfg(all(test, not(target_arch = "wasm32")))]
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &K> {
        self.rows.iter().map(|(key, _)| key)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.rows.iter().map(|(_, value)| value)
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.rows.iter_mut().map(|(_, value)| value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.rows.iter().map(|(key, value)| (key, value))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut V)> {
        self.rows.iter_mut().map(|(key, value)| (&*key, value))
    }

    /// Keeps the rows of which this is true.
    pub(super) fn retain(&mut self, mut kept: impl FnMut(&K, &mut V) -> bool) {
        self.rows.retain_mut(|(key, value)| kept(key, value));
    }
}

impl<K: Ord, V> Extend<(K, V)> for Table<K, V> {
    fn extend<T: IntoIterator<Item = (K, V)>>(&mut self, rows: T) {
        rows.into_iter().for_each(|(key, value)| self.insert(key, value));
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for Table<K, V> {
    fn from_iter<T: IntoIterator<Item = (K, V)>>(rows: T) -> Self {
        let mut table = Self::default();
        table.extend(rows);
        table
    }
}

impl<K: Ord, V: Default> Table<K, V> {
    /// The value of this key; a default one is put in where there was none.
    pub(super) fn or_default(&mut self, key: K) -> &mut V {
        let place = match self.place(&key) {
            Ok(place) => place,
            Err(place) => {
                self.rows.insert(place, (key, V::default()));
                place
            }
        };
        // There is a row at this place: it was found or put there.
        &mut self.rows[place].1
    }
}

impl<K, V> IntoIterator for Table<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.rows.into_iter()
    }
}

/// Keys in their order.
#[derive(Clone, Debug)]
pub(super) struct Set<K> {
    rows: Table<K, ()>,
}

impl<K> Default for Set<K> {
    fn default() -> Self {
        Self { rows: Table::default() }
    }
}

impl<K: Ord> Set<K> {
    pub(super) fn insert(&mut self, key: K) {
        self.rows.insert(key, ());
    }

    pub(super) fn contains(&self, key: &K) -> bool {
        self.rows.contains_key(key)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &K> {
        self.rows.keys()
    }
}

impl<K: Ord> FromIterator<K> for Set<K> {
    fn from_iter<T: IntoIterator<Item = K>>(keys: T) -> Self {
        let mut set = Self::default();
        set.extend(keys);
        set
    }
}

impl<K: Ord> Extend<K> for Set<K> {
    fn extend<T: IntoIterator<Item = K>>(&mut self, keys: T) {
        keys.into_iter().for_each(|key| self.insert(key));
    }
}

impl<K> IntoIterator for Set<K> {
    type Item = K;
    type IntoIter = std::iter::Map<std::vec::IntoIter<(K, ())>, fn((K, ())) -> K>;

    fn into_iter(self) -> Self::IntoIter {
        self.rows.into_iter().map(|(key, ())| key)
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    proptest! {
        #[test]
        fn a_table_does_what_a_tree_does(steps in prop::collection::vec((0..4, 0_u8..20, any::<u16>()), 0..200)) {
            let (mut table, mut tree) = (Table::default(), BTreeMap::new());
            for (step, key, value) in steps {
                match step {
                    0 => {
                        table.insert(key, value);
                        tree.insert(key, value);
                    }
                    1 => prop_assert_eq!(table.remove(&key), tree.remove(&key)),
                    2 => *table.or_default(key) ^= value,
                    _ => prop_assert_eq!(table.get_mut(&key).copied(), tree.get(&key).copied()),
                }
                if step == 2 {
                    *tree.entry(key).or_default() ^= value;
                }
                prop_assert_eq!(table.contains_key(&key), tree.contains_key(&key));
                prop_assert_eq!(table.get(&key), tree.get(&key));
            }
            prop_assert!(table.keys().eq(tree.keys()) && table.values().eq(tree.values()));
            prop_assert!(table.iter_mut().map(|(key, value)| (*key, *value)).eq(tree.clone()));
            prop_assert!(table.into_iter().eq(tree));
        }

        #[test]
        fn a_set_does_what_a_tree_does(keys in prop::collection::vec(0_u8..20, 0..40), asked in 0_u8..20) {
            let (mut set, tree) = (Set::default(), keys.iter().copied().collect::<BTreeSet<_>>());
            set.extend(keys);
            prop_assert_eq!(set.contains(&asked), tree.contains(&asked));
            prop_assert!(set.iter().eq(tree.iter()));
            prop_assert!(set.into_iter().eq(tree));
        }
    }
}
