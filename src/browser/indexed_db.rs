//! The store in IndexedDB: strictly durable, fenced, and honest about a connection that the browser took away.
//!
//! One database holds three tables: `records` (the store), `vault` (values that only the browser can hold, such as keys
//! that cannot be read out) and `meta` (the epoch). Every write transaction reads the epoch first, so a tab that was
//! frozen and wakes after a take-over writes nothing; transactions of one table run one after the other, so no take-over
//! slips in between.
//!
//! Each operation runs as a task of its own. An IndexedDB transaction ends by itself when nothing asks it for more
//! within the same turn of the event loop; a caller that polls slowly must not be able to cause that.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use futures::channel::oneshot;
use futures::future::{Either, FutureExt, Shared, select};
use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;
use web_sys::{IdbDatabase, IdbFactory};

use super::{runtime, scope};
use crate::store::{Batch, Key, Scan, Store, StoreError};

mod failure;
mod read;
mod request;
#[cfg(test)]
pub(super) mod tests;

use request::{Transaction, answer};

const RECORDS: &str = "records";
const VAULT: &str = "vault";
const META: &str = "meta";
const EPOCH: &str = "epoch";
const VERSION: u32 = 1;

/// How long opening may take. A browser whose storage process died answers never.
const OPEN_LIMIT: Duration = Duration::from_secs(10);

/// An open database. Clones share the connection and the epoch; the last one to go closes it.
#[derive(Clone)]
pub struct IndexedDb {
    connection: Rc<Connection>,
}

impl fmt::Debug for IndexedDb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connection = &self.connection;
        f.debug_struct("IndexedDb").field("name", &connection.name).field("epoch", &connection.epoch).finish()
    }
}

struct Connection {
    name: String,
    database: IdbDatabase,
    epoch: f64,
    state: Rc<State>,
    lost: Shared<oneshot::Receiver<()>>,
    _events: [Closure<dyn FnMut()>; 2],
}

/// What stopped this connection, if anything did, and the signal that ends operations under way.
struct State {
    failure: RefCell<Option<StoreError>>,
    signal: RefCell<Option<oneshot::Sender<()>>>,
}

impl State {
    fn check(&self) -> Result<(), StoreError> {
        self.failure.borrow().clone().map_or(Ok(()), Err)
    }

    /// Remembers the first failure: whatever was asked for later must not be written without what came before it.
    fn fail(&self, failure: &StoreError) {
        self.failure.borrow_mut().get_or_insert_with(|| failure.clone());
    }

    fn lose(&self, reason: &str) {
        self.fail(&StoreError::Lost(reason.to_owned()));
        if let Some(signal) = self.signal.borrow_mut().take() {
            let _ = signal.send(());
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.database.set_onversionchange(None);
        self.database.set_onclose(None);
        self.database.close();
    }
}

impl Connection {
    async fn fence(&self, transaction: &Transaction) -> Result<(), StoreError> {
        let current = epoch(transaction).await?;
        // Something may have failed while this transaction waited for its turn.
        self.state.check()?;
        if current == self.epoch { Ok(()) } else { Err(StoreError::Fenced) }
    }

    async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let transaction = Transaction::write(&self.database, &[RECORDS, META])?;
        self.fence(&transaction).await?;
        let records = transaction.table(RECORDS)?;
        for (key, value) in batch.puts {
            records.put_with_key(&js_bytes(&value), &js_bytes(&key)).map_err(failure::of)?;
        }
        for key in batch.deletes {
            records.delete(&js_bytes(&key)).map_err(failure::of)?;
        }
        transaction.complete().await
    }

    async fn keep(&self, name: &str, value: JsValue) -> Result<bool, StoreError> {
        let transaction = Transaction::write(&self.database, &[VAULT, META])?;
        self.fence(&transaction).await?;
        let (vault, name) = (transaction.table(VAULT)?, name.into());
        if read::value(&vault, &name).await?.is_some() {
            return Ok(false);
        }
        vault.put_with_key(&value, &name).map_err(failure::of)?;
        transaction.complete().await.map(|()| true)
    }
}

fn js_bytes(bytes: &[u8]) -> JsValue {
    Uint8Array::from(bytes).into()
}

async fn epoch(transaction: &Transaction) -> Result<f64, StoreError> {
    let Some(stored) = read::value(&transaction.table(META)?, &EPOCH.into()).await? else { return Ok(0.0) };
    stored.as_f64().ok_or_else(|| StoreError::Corrupt("the epoch is not a number".to_owned()))
}

async fn raise_epoch(database: &IdbDatabase) -> Result<f64, StoreError> {
    let transaction = Transaction::write(database, &[META])?;
    let raised = epoch(&transaction).await? + 1.0;
    transaction.table(META)?.put_with_key(&raised.into(), &EPOCH.into()).map_err(failure::of)?;
    transaction.complete().await?;
    Ok(raised)
}

fn factory() -> Result<IdbFactory, StoreError> {
    scope::indexed_db().ok_or_else(|| StoreError::Lost("there is no IndexedDB here".to_owned()))
}

async fn open_database(name: String) -> Result<(IdbDatabase, f64), StoreError> {
    let request = factory()?.open_with_u32(&name, VERSION).map_err(failure::of)?;
    let upgrade: Closure<dyn FnMut() -> Result<(), JsValue>> = Closure::new({
        let request = request.clone();
        move || {
            let database: IdbDatabase = request.result()?.unchecked_into();
            [RECORDS, VAULT, META].iter().try_for_each(|table| database.create_object_store(table).map(drop))
        }
    });
    request.set_onupgradeneeded(Some(upgrade.as_ref().unchecked_ref()));
    let database: IdbDatabase = answer(request).await?.unchecked_into();
    match raise_epoch(&database).await {
        Ok(epoch) => Ok((database, epoch)),
        Err(error) => {
            database.close();
            Err(error)
        }
    }
}

impl IndexedDb {
    /// Opens the database called `name`, creating it when there is none, and takes it over: every handle that was opened
    /// before can write no more.
    ///
    /// # Errors
    /// [`StoreError::Lost`] when the browser gives no access or does not answer, [`StoreError::Corrupt`] when a newer
    /// version of this client has written it, [`StoreError::Full`] when there is no room at all.
    pub async fn open(name: &str) -> Result<Self, StoreError> {
        let (sender, receiver) = oneshot::channel();
        let opening = open_database(name.to_owned());
        runtime::spawn(async move {
            // When the wait is over before the database is open, it is closed again, or it would block upgrades.
            if let Err(Ok((database, _))) = sender.send(opening.await) {
                database.close();
            }
        });
        match select(receiver, Box::pin(runtime::sleep(OPEN_LIMIT))).await {
            Either::Left((Ok(opened), _)) => opened.map(|(database, epoch)| Self::connected(name, database, epoch)),
            Either::Left((Err(_), _)) => Err(StoreError::Lost("opening was abandoned".to_owned())),
            Either::Right(_) => Err(StoreError::Lost("the browser did not open the database in time".to_owned())),
        }
    }

    fn connected(name: &str, database: IdbDatabase, epoch: f64) -> Self {
        let (signal, lost) = oneshot::channel();
        let state = Rc::new(State { failure: RefCell::default(), signal: RefCell::new(Some(signal)) });
        let on_version_change: Closure<dyn FnMut()> = Closure::new({
            let (state, database) = (Rc::clone(&state), database.clone());
            move || {
                state.lose("the database is being deleted or upgraded by another tab");
                database.close();
            }
        });
        let on_close: Closure<dyn FnMut()> = Closure::new({
            let state = Rc::clone(&state);
            move || state.lose("the browser closed the database")
        });
        database.set_onversionchange(Some(on_version_change.as_ref().unchecked_ref()));
        database.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        let events = [on_version_change, on_close];
        let name = name.to_owned();
        Self { connection: Rc::new(Connection { name, database, epoch, state, lost: lost.shared(), _events: events }) }
    }

    /// Closes the connection of this handle and its clones. Wait for what is under way first: what has not reached the
    /// database yet fails.
    pub fn close(&self) {
        self.connection.state.fail(&StoreError::Lost("the database was closed".to_owned()));
        self.connection.database.close();
    }

    /// Deletes the database called `name` with all that is in it, once every open handle has let go.
    ///
    /// # Errors
    /// [`StoreError::Lost`] when the browser does not do it.
    pub async fn delete(name: &str) -> Result<(), StoreError> {
        answer(factory()?.delete_database(name).map_err(failure::of)?).await.map(|_| ())
    }

    /// The value called `name` in the vault.
    pub(super) async fn vault_get(&self, name: &str) -> Result<Option<JsValue>, StoreError> {
        let (connection, name) = (Rc::clone(&self.connection), name.to_owned());
        self.run(async move { connection.vault_get(&name).await }).await
    }

    /// Keeps `value` in the vault unless something of that name is there: false then, and nothing is written.
    pub(super) async fn vault_add(&self, name: &str, value: JsValue) -> Result<bool, StoreError> {
        let (connection, name) = (Rc::clone(&self.connection), name.to_owned());
        self.run(async move { connection.keep(&name, value).await }).await
    }

    /// Runs an operation to its end, or until the connection is lost: its own requests may never be answered then.
    async fn run<T: 'static>(
        &self,
        operation: impl Future<Output = Result<T, StoreError>> + 'static,
    ) -> Result<T, StoreError> {
        let (sender, receiver) = oneshot::channel();
        let (state, lost) = (Rc::clone(&self.connection.state), self.connection.lost.clone());
        state.check()?;
        runtime::spawn(async move {
            let result = match select(Box::pin(operation), lost).await {
                Either::Left((result, _)) => result,
                Either::Right(_) => Err(StoreError::Lost("the connection to the database broke".to_owned())),
            };
            if let Err(failure) = &result {
                state.fail(failure);
            }
            let _ = sender.send(result);
        });
        receiver.await.unwrap_or_else(|_| Err(StoreError::Lost("the operation was abandoned".to_owned())))
    }
}

impl Store for IndexedDb {
    async fn reopen(&self) -> Result<Self, StoreError> {
        self.close();
        Self::open(&self.connection.name).await
    }

    async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let connection = Rc::clone(&self.connection);
        self.run(async move { connection.commit(batch).await }).await
    }

    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let (connection, key) = (Rc::clone(&self.connection), js_bytes(key));
        self.run(async move { connection.get(key).await }).await
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<(Key, Vec<u8>)>, StoreError> {
        if scan.is_empty() {
            return self.connection.state.check().map(|()| Vec::new());
        }
        let connection = Rc::clone(&self.connection);
        self.run(async move { connection.scan(scan).await }).await
    }
}
