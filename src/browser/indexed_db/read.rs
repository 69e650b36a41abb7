//! Reading from IndexedDB.

use std::ops::Bound;

use js_sys::{Array, ArrayBuffer, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::{IdbCursorDirection, IdbCursorWithValue, IdbKeyRange, IdbObjectStore};

use super::request::{Transaction, answer};
use super::{Connection, RECORDS, VAULT, failure, js_bytes};
use crate::store::{Key, Scan, StoreError};

/// Up to this many records are read backwards one by one, which costs a turn of the event loop each; for more, the whole
/// range is read at once and turned round.
const CURSOR_LIMIT: usize = 256;

impl Connection {
    pub(super) async fn vault_get(&self, name: &str) -> Result<Option<JsValue>, StoreError> {
        let transaction = Transaction::read(&self.database, VAULT)?;
        value(&transaction.table(VAULT)?, &name.into()).await
    }

    pub(super) async fn get(&self, key: JsValue) -> Result<Option<Vec<u8>>, StoreError> {
        let transaction = Transaction::read(&self.database, RECORDS)?;
        value(&transaction.table(RECORDS)?, &key).await?.as_ref().map(value_bytes).transpose()
    }

    pub(super) async fn scan(&self, scan: Scan) -> Result<Vec<(Key, Vec<u8>)>, StoreError> {
        let transaction = Transaction::read(&self.database, RECORDS)?;
        let records = transaction.table(RECORDS)?;
        let range = range(&scan).map_err(failure::of)?;
        if !scan.backwards {
            return all(&records, &range, scan.limit).await;
        }
        if scan.limit <= CURSOR_LIMIT {
            return last(&records, &range, scan.limit).await;
        }
        let mut found = all(&records, &range, usize::MAX).await?;
        found.reverse();
        found.truncate(scan.limit);
        Ok(found)
    }
}

/// The value of a key, if there is one.
pub(super) async fn value(table: &IdbObjectStore, key: &JsValue) -> Result<Option<JsValue>, StoreError> {
    let value = answer(table.get(key).map_err(failure::of)?).await?;
    Ok(Some(value).filter(|value| !value.is_undefined()))
}

fn range(scan: &Scan) -> Result<IdbKeyRange, JsValue> {
    let (from, from_open) = match &scan.from {
        Bound::Included(key) => (js_bytes(key), false),
        Bound::Excluded(key) => (js_bytes(key), true),
        // No key is before the empty one.
        Bound::Unbounded => (js_bytes(&[]), false),
    };
    match &scan.to {
        Bound::Included(key) => {
            IdbKeyRange::bound_with_lower_open_and_upper_open(&from, &js_bytes(key), from_open, false)
        }
        Bound::Excluded(key) => {
            IdbKeyRange::bound_with_lower_open_and_upper_open(&from, &js_bytes(key), from_open, true)
        }
        Bound::Unbounded => IdbKeyRange::lower_bound_with_open(&from, from_open),
    }
}

async fn all(records: &IdbObjectStore, range: &IdbKeyRange, limit: usize) -> Result<Vec<(Key, Vec<u8>)>, StoreError> {
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    // Both are asked for before either is awaited: one transaction, one snapshot, one wait.
    let keys = answer(records.get_all_keys_with_key_and_limit(range, limit).map_err(failure::of)?);
    let values = answer(records.get_all_with_key_and_limit(range, limit).map_err(failure::of)?);
    let (keys, values) = (Array::from(&keys.await?), Array::from(&values.await?));
    keys.iter().zip(values.iter()).map(|(key, value)| Ok((key_bytes(&key)?, value_bytes(&value)?))).collect()
}

async fn last(records: &IdbObjectStore, range: &IdbKeyRange, limit: usize) -> Result<Vec<(Key, Vec<u8>)>, StoreError> {
    let request = records.open_cursor_with_range_and_direction(range, IdbCursorDirection::Prev).map_err(failure::of)?;
    let mut found = Vec::new();
    loop {
        let Ok(cursor) = answer(&request).await?.dyn_into::<IdbCursorWithValue>() else { return Ok(found) };
        let (key, value) = (cursor.key().map_err(failure::of)?, cursor.value().map_err(failure::of)?);
        found.push((key_bytes(&key)?, value_bytes(&value)?));
        if found.len() >= limit {
            return Ok(found);
        }
        cursor.continue_().map_err(failure::of)?;
    }
}

/// The database hands binary keys back as buffers, whatever they were put as.
fn key_bytes(key: &JsValue) -> Result<Key, StoreError> {
    match key.dyn_ref::<ArrayBuffer>() {
        Some(buffer) => Ok(Uint8Array::new(buffer).to_vec()),
        None => Err(StoreError::Corrupt("a key is not binary".to_owned())),
    }
}

fn value_bytes(value: &JsValue) -> Result<Vec<u8>, StoreError> {
    match value.dyn_ref::<Uint8Array>() {
        Some(bytes) => Ok(bytes.to_vec()),
        None => Err(StoreError::Corrupt("a value is not binary".to_owned())),
    }
}
