//! Reading from IndexedDB.

use std::ops::Bound;

use indexed_db_futures::KeyRange;
use indexed_db_futures::cursor::CursorDirection;
use indexed_db_futures::object_store::ObjectStore;
use indexed_db_futures::prelude::*;
use indexed_db_futures::transaction::{Transaction, TransactionMode};
use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::prelude::*;

use super::{Connection, RECORDS, VAULT, failure, js_bytes};
use crate::store::{Key, Scan, StoreError};

/// Up to this many records are read backwards one by one, which costs a turn of the event loop each; for more, the whole
/// range is read at once and turned round.
const CURSOR_LIMIT: usize = 256;

impl Connection {
    fn read(&self, table: &str) -> Result<Transaction<'_>, StoreError> {
        self.database.transaction(table).with_mode(TransactionMode::Readonly).build().map_err(failure::of)
    }

    pub(super) async fn vault_get(&self, name: &str) -> Result<Option<JsValue>, StoreError> {
        let transaction = self.read(VAULT)?;
        let vault = transaction.object_store(VAULT).map_err(failure::of)?;
        vault.get(name).primitive().map_err(failure::of)?.await.map_err(failure::of)
    }

    pub(super) async fn get(&self, key: JsValue) -> Result<Option<Vec<u8>>, StoreError> {
        let transaction = self.read(RECORDS)?;
        let records = transaction.object_store(RECORDS).map_err(failure::of)?;
        let value: Option<JsValue> = records.get(key).primitive().map_err(failure::of)?.await.map_err(failure::of)?;
        value.as_ref().map(value_bytes).transpose()
    }

    pub(super) async fn scan(&self, scan: Scan) -> Result<Vec<(Key, Vec<u8>)>, StoreError> {
        let transaction = self.read(RECORDS)?;
        let records = transaction.object_store(RECORDS).map_err(failure::of)?;
        let range = range(&scan);
        if !scan.backwards {
            return all(&records, range, scan.limit).await;
        }
        if scan.limit <= CURSOR_LIMIT {
            return last(&records, range, scan.limit).await;
        }
        let mut found = all(&records, range, usize::MAX).await?;
        found.reverse();
        found.truncate(scan.limit);
        Ok(found)
    }
}

fn range(scan: &Scan) -> KeyRange<JsValue> {
    let (from, from_open) = match &scan.from {
        Bound::Included(key) => (js_bytes(key), false),
        Bound::Excluded(key) => (js_bytes(key), true),
        // No key is before the empty one.
        Bound::Unbounded => (js_bytes(&[]), false),
    };
    match &scan.to {
        Bound::Included(key) => KeyRange::Bound(from, from_open, js_bytes(key), false),
        Bound::Excluded(key) => KeyRange::Bound(from, from_open, js_bytes(key), true),
        Bound::Unbounded => KeyRange::LowerBound(from, from_open),
    }
}

async fn all(
    records: &ObjectStore<'_>,
    range: KeyRange<JsValue>,
    limit: usize,
) -> Result<Vec<(Key, Vec<u8>)>, StoreError> {
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    let keys = records.get_all_keys::<JsValue>().with_query(range.clone()).with_limit(limit);
    let values = records.get_all::<JsValue>().with_query(range).with_limit(limit);
    // Both are asked for before either is awaited: one transaction, one snapshot, one wait.
    let keys = keys.build().map_err(failure::of)?;
    let values = values.build().map_err(failure::of)?;
    let keys = keys.await.map_err(failure::of)?;
    let values = values.await.map_err(failure::of)?;
    let mut found = Vec::with_capacity(keys.len());
    for (key, value) in keys.zip(values) {
        found.push((key_bytes(&key.map_err(failure::of)?)?, value_bytes(&value.map_err(failure::of)?)?));
    }
    Ok(found)
}

async fn last(
    records: &ObjectStore<'_>,
    range: KeyRange<JsValue>,
    limit: usize,
) -> Result<Vec<(Key, Vec<u8>)>, StoreError> {
    let cursor = records.open_cursor().with_query(range).with_direction(CursorDirection::Prev);
    let Some(mut cursor) = cursor.build().map_err(failure::of)?.await.map_err(failure::of)? else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    while found.len() < limit {
        let Some(value) = cursor.next_record::<JsValue>().await.map_err(failure::of)? else { break };
        let Some(key) = cursor.key::<JsValue>().map_err(failure::of)? else { break };
        found.push((key_bytes(&key)?, value_bytes(&value)?));
    }
    Ok(found)
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
