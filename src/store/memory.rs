//! The store in memory: for tests, simulations and measuring what the engine alone costs.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Batch, Key, Scan, Store, StoreError};

#[derive(Debug, Default)]
struct Shared {
    epoch: u64,
    records: BTreeMap<Key, Vec<u8>>,
}

/// Records in memory. A handle opened later fences the earlier ones, as a database would.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    shared: Rc<RefCell<Shared>>,
    epoch: u64,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens the same records as a new owner: what a reload does to a database.
    #[must_use]
    pub fn reopen(&self) -> Self {
        let mut shared = self.shared.borrow_mut();
        shared.epoch += 1;
        Self { shared: Rc::clone(&self.shared), epoch: shared.epoch }
    }
}

impl Store for MemoryStore {
    async fn reopen(&self) -> Result<Self, StoreError> {
        Ok(Self::reopen(self))
    }

    async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let mut shared = self.shared.borrow_mut();
        if shared.epoch != self.epoch {
            return Err(StoreError::Fenced);
        }
        shared.records.extend(batch.puts);
        for key in batch.deletes {
            shared.records.remove(&key);
        }
        Ok(())
    }

    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.shared.borrow().records.get(key).cloned())
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<(Key, Vec<u8>)>, StoreError> {
        if scan.is_empty() {
            return Ok(Vec::new());
        }
        let shared = self.shared.borrow();
        let range = shared.records.range::<Key, _>((scan.from, scan.to));
        let owned = |(key, value): (&Key, &Vec<u8>)| (key.clone(), value.clone());
        Ok(if scan.backwards {
            range.rev().take(scan.limit).map(owned).collect()
        } else {
            range.take(scan.limit).map(owned).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::suite::{Reopen, store_suite};
    use super::MemoryStore;

    impl Reopen for MemoryStore {
        async fn reopen_again(&self) -> Self {
            self.reopen()
        }
    }

    async fn fresh() -> MemoryStore {
        MemoryStore::new()
    }

    store_suite!(fresh);
}
