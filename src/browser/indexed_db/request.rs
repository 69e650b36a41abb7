//! IndexedDB's requests and transactions, to be awaited.
//!
//! A promise's own functions are the handlers, so that the answer is taken up in the turn of the event loop in which it
//! came: a transaction ends by itself when nothing asks it for more within that turn.

use js_sys::{Array, Function, Object, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{DomException, IdbDatabase, IdbObjectStore, IdbRequest, IdbTransaction};

use super::failure;
use crate::store::StoreError;

#[wasm_bindgen]
extern "C" {
    /// `IDBDatabase`, of which web-sys does not know the option `durability` yet.
    type Database;

    #[wasm_bindgen(method, catch)]
    fn transaction(this: &Database, tables: &Array, mode: &str, options: &Options) -> Result<IdbTransaction, JsValue>;

    #[wasm_bindgen(extends = Object)]
    type Options;

    #[wasm_bindgen(method, setter)]
    fn set_durability(this: &Options, durability: &str);
}

/// Waits for the answer to a request. It listens from now on, even while it is not awaited yet.
pub(super) fn answer<R: AsRef<IdbRequest>>(request: R) -> impl Future<Output = Result<JsValue, StoreError>> {
    let settled = settled(|resolve, reject| {
        request.as_ref().set_onsuccess(Some(resolve));
        request.as_ref().set_onerror(Some(reject));
    });
    async move {
        let request = request.as_ref();
        match settled.await {
            Ok(_) => request.result().map_err(failure::of),
            Err(_) => Err(failed(request.error().ok().flatten())),
        }
    }
}

fn settled(mut listen: impl FnMut(&Function, &Function)) -> JsFuture {
    Promise::new(&mut |resolve, reject| listen(&resolve, &reject)).into()
}

fn failed(reason: Option<DomException>) -> StoreError {
    reason.map_or_else(|| StoreError::Lost("the database gave no reason".to_owned()), |reason| failure::of_dom(&reason))
}

/// A transaction. Without [`Transaction::complete`] nothing of it is kept.
pub(super) struct Transaction {
    pub(super) system: IdbTransaction,
}

impl Drop for Transaction {
    fn drop(&mut self) {
        // Throws when it has ended or is being committed, which is as well.
        let _ = self.system.abort();
    }
}

impl Transaction {
    pub(super) fn read(database: &IdbDatabase, table: &str) -> Result<Self, StoreError> {
        let system = database.transaction_with_str(table).map_err(failure::of)?;
        Ok(Self { system })
    }

    /// A transaction that is on the disk when it is complete.
    pub(super) fn write(database: &IdbDatabase, tables: &[&str]) -> Result<Self, StoreError> {
        let options: Options = Object::new().unchecked_into();
        options.set_durability("strict");
        let tables: Array = tables.iter().map(|table| JsValue::from_str(table)).collect();
        let database = database.unchecked_ref::<Database>();
        Ok(Self { system: database.transaction(&tables, "readwrite", &options).map_err(failure::of)? })
    }

    pub(super) fn table(&self, name: &str) -> Result<IdbObjectStore, StoreError> {
        self.system.object_store(name).map_err(failure::of)
    }

    /// Commits and waits for the complete event: only then is it on the disk.
    #[expect(deprecated, reason = "the old WebIDL that web-sys is made from says so; the standard does not")]
    pub(super) async fn complete(self) -> Result<(), StoreError> {
        let settled = settled(|resolve, reject| {
            self.system.set_oncomplete(Some(resolve));
            self.system.set_onabort(Some(reject));
        });
        // A transaction that failed while it was committing says why only in its own `error`.
        let own = |or: StoreError| self.system.error().map_or(or, |reason| failure::of_dom(&reason));
        self.system.commit().map_err(|thrown| own(failure::of(thrown)))?;
        settled.await.map_err(|_| own(failed(None)))?;
        Ok(())
    }
}
