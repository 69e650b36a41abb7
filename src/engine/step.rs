//! One step of the engine: what must become durable, and what may then become visible.

use crate::store::{Batch, Key, Store, StoreError};

use super::Effect;

/// The outcome of [`super::Engine::handle`].
///
/// The effects (messages, transactions, events) cannot be taken out of it; only [`Step::commit`] hands them over, after
/// the writes are durable. That is how "durable before visible" is a type and not a habit.
#[must_use = "a step does nothing until it is committed"]
#[derive(Debug, Default)]
pub struct Step {
    pub(super) writes: Batch,
    pub(super) effects: Vec<Effect>,
}

impl Step {
    /// Adds a record to the same commit: the chain service's position must never run ahead of what the engine did with it.
    pub fn write(&mut self, key: Key, value: Vec<u8>) {
        self.writes.puts.push((key, value));
    }

    /// Adds the driver's own records to the same commit.
    pub fn add(&mut self, batch: Batch) {
        self.writes.puts.extend(batch.puts);
        self.writes.deletes.extend(batch.deletes);
    }

    /// Makes the writes durable in one store transaction and hands over the effects.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was stored and no effect exists. The engine that made the step is then ahead of its
    /// storage and must be thrown away; open the storage again and load a new one.
    pub async fn commit<S: Store>(self, store: &S) -> Result<Vec<Effect>, StoreError> {
        if !self.writes.is_empty() {
            store.commit(self.writes).await?;
        }
        Ok(self.effects)
    }
}
