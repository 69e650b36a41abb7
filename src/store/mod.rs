//! Durable storage: ordered records of bytes, and one atomic, durable commit per engine step.

mod memory;
#[cfg(test)]
pub(crate) mod suite;

use std::ops::Bound;

pub use memory::MemoryStore;

/// A record's key. Records are ordered by key bytes.
pub type Key = Vec<u8>;

/// The writes of one step. They become durable together or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Records to write, in order; a later one with the same key wins.
    pub puts: Vec<(Key, Vec<u8>)>,
    /// Records to remove, after the puts.
    pub deletes: Vec<Key>,
}

impl Batch {
    /// True when there is nothing to write.
    pub const fn is_empty(&self) -> bool {
        self.puts.is_empty() && self.deletes.is_empty()
    }
}

/// Which records a scan returns, and from which end.
#[derive(Clone, Debug)]
pub struct Scan {
    /// The first key.
    pub from: Bound<Key>,
    /// The last key.
    pub to: Bound<Key>,
    /// True to start at the last key.
    pub backwards: bool,
    /// The most records to return.
    pub limit: usize,
}

impl Scan {
    /// True when no key can be in the range, because its ends meet or cross, or because nothing is asked for. Back ends
    /// answer such a scan themselves: ordered collections and databases refuse inverted ranges in different ways.
    pub(crate) fn is_empty(&self) -> bool {
        let crossed = match (&self.from, &self.to) {
            (Bound::Included(from), Bound::Included(to)) => from > to,
            (Bound::Included(from) | Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) => from >= to,
            // No key is before the empty one.
            (Bound::Unbounded, Bound::Excluded(to)) => to.is_empty(),
            (Bound::Unbounded, Bound::Included(_) | Bound::Unbounded) | (_, Bound::Unbounded) => false,
        };
        crossed || self.limit == 0
    }
}

/// Why storage did not do what it was asked. Every one of them freezes the engine until storage was opened and read again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another owner took over: its epoch is higher than ours, so nothing of ours was written.
    #[error("another client took over this storage")]
    Fenced,
    /// The quota is used up.
    #[error("storage is full: {0}")]
    Full(String),
    /// The database is gone or the connection to it broke; opening it again may help.
    #[error("storage was lost: {0}")]
    Lost(String),
    /// A record cannot be read: it was damaged, or written by a version that this one does not know.
    #[error("a stored record cannot be read: {0}")]
    Corrupt(String),
}

/// A durable, ordered store with atomic commits, owned by one client at a time.
///
/// Opening it raises its epoch; a commit of an older epoch fails with [`StoreError::Fenced`] and writes nothing, so an
/// owner that was frozen and wakes after a take-over cannot overwrite its successor.
#[allow(async_fn_in_trait, reason = "the store is used on one thread: in a tab, or in a test")]
pub trait Store {
    /// Opens the same storage again, as a new owner, after it was lost. This handle writes no more.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be opened.
    async fn reopen(&self) -> Result<Self, StoreError>
    where
        Self: Sized;

    /// Makes the whole batch durable, or nothing of it.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was written.
    async fn commit(&self, batch: Batch) -> Result<(), StoreError>;

    /// The record at `key`.
    ///
    /// # Errors
    /// [`StoreError`] when storage cannot be read.
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// The records in a range, in order.
    ///
    /// # Errors
    /// [`StoreError`] when storage cannot be read.
    async fn scan(&self, scan: Scan) -> Result<Vec<(Key, Vec<u8>)>, StoreError>;
}
