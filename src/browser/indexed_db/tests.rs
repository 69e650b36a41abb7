//! The shared suite over IndexedDB, and what only IndexedDB has.

use std::cell::Cell;
use std::ops::Bound::Unbounded;

use js_sys::Reflect;
use wasm_bindgen_test::wasm_bindgen_test;

use super::*;
use crate::store::suite::{Reopen, store_suite};

impl Reopen for IndexedDb {
    /// The older handle stays open, as in a tab that was frozen.
    async fn reopen_again(&self) -> Self {
        Self::open(&self.connection.name).await.unwrap()
    }
}

fn unused_name() -> String {
    thread_local!(static COUNT: Cell<u32> = const { Cell::new(0) });
    let count = COUNT.replace(COUNT.get() + 1);
    format!("test {} {count}", runtime::now_millis())
}

pub(in crate::browser) async fn fresh() -> IndexedDb {
    IndexedDb::open(&unused_name()).await.unwrap()
}

store_suite!(fresh);

fn one(key: &[u8], value: &[u8]) -> Batch {
    Batch { puts: vec![(key.to_vec(), value.to_vec())], deletes: Vec::new() }
}

fn everything() -> Scan {
    Scan { from: Unbounded, to: Unbounded, backwards: false, limit: usize::MAX }
}

fn is_lost<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Lost(_)))
}

#[wasm_bindgen_test]
async fn writes_are_strictly_durable() {
    let store = fresh().await;
    let transaction = Transaction::write(&store.connection.database, &[RECORDS, META]).unwrap();
    assert_eq!(Reflect::get(&transaction.system, &"durability".into()).unwrap(), "strict");
}

#[wasm_bindgen_test]
async fn every_owner_has_a_higher_epoch() {
    let first = fresh().await;
    let second = first.reopen_again().await;
    let third = second.reopen().await.unwrap();
    assert_eq!([1.0, 2.0, 3.0], [&first, &second, &third].map(|store| store.connection.epoch));
}

#[wasm_bindgen_test]
async fn a_commit_goes_on_when_nobody_waits_for_it() {
    let store = fresh().await;
    let mut commit = Box::pin(store.commit(one(b"a", b"1")));
    assert!(futures::poll!(&mut commit).is_pending());
    drop(commit);
    assert_eq!(store.get(b"a").await, Ok(Some(b"1".to_vec())));
}

#[wasm_bindgen_test]
async fn a_take_over_between_two_commits_stops_the_second() {
    let store = fresh().await;
    let (first, successor, second) =
        futures::join!(store.commit(one(b"a", b"1")), IndexedDb::open(&store.connection.name), async {
            runtime::sleep(Duration::from_millis(200)).await;
            store.commit(one(b"a", b"2")).await
        });
    assert_eq!((first, second), (Ok(()), Err(StoreError::Fenced)));
    assert_eq!(successor.unwrap().get(b"a").await, Ok(Some(b"1".to_vec())));
}

#[wasm_bindgen_test]
async fn after_a_failure_nothing_more_is_written_until_it_is_opened_again() {
    let store = fresh().await;
    store.commit(one(b"a", b"1")).await.unwrap();
    let full = StoreError::Full("no room".to_owned());
    // The second commit waits for its turn when the first one fails.
    let waiting = store.clone();
    let (_, second) = futures::join!(
        store.run({
            let state = Rc::clone(&store.connection.state);
            let full = full.clone();
            async move {
                state.fail(&full);
                Err::<(), _>(full)
            }
        }),
        waiting.commit(one(b"a", b"2"))
    );
    assert_eq!(second, Err(full.clone()));
    assert_eq!(store.get(b"a").await, Err(full));
    let store = store.reopen().await.unwrap();
    assert_eq!(store.get(b"a").await, Ok(Some(b"1".to_vec())));
    store.commit(one(b"a", b"3")).await.unwrap();
}

#[wasm_bindgen_test]
async fn a_connection_that_the_browser_closed_is_lost_and_opens_again() {
    let store = fresh().await;
    store.commit(one(b"a", b"1")).await.unwrap();
    let event = web_sys::Event::new("close").unwrap();
    store.connection.database.dispatch_event(&event).unwrap();
    assert!(is_lost(&store.commit(one(b"a", b"2")).await));
    assert!(is_lost(&store.get(b"a").await));
    assert!(is_lost(&store.scan(everything()).await));
    let store = store.reopen().await.unwrap();
    assert_eq!(store.get(b"a").await, Ok(Some(b"1".to_vec())));
    store.commit(one(b"a", b"2")).await.unwrap();
}

#[wasm_bindgen_test]
async fn losing_the_connection_ends_what_waits_for_an_answer() {
    let store = fresh().await;
    let unanswered = store.run(futures::future::pending::<Result<(), StoreError>>());
    let event = web_sys::Event::new("close").unwrap();
    let (result, ()) = futures::join!(unanswered, async {
        runtime::sleep(Duration::from_millis(5)).await;
        store.connection.database.dispatch_event(&event).unwrap();
    });
    assert!(is_lost(&result));
}

#[wasm_bindgen_test]
async fn a_connection_that_was_closed_beneath_is_lost() {
    let store = fresh().await;
    store.connection.database.close();
    assert!(is_lost(&store.commit(one(b"a", b"1")).await));
    assert!(is_lost(&store.get(b"a").await));
}

#[wasm_bindgen_test]
async fn deleting_the_database_takes_it_from_every_handle() {
    let store = fresh().await;
    let name = store.connection.name.clone();
    store.commit(one(b"a", b"1")).await.unwrap();
    IndexedDb::delete(&name).await.unwrap();
    assert!(is_lost(&store.commit(one(b"a", b"2")).await));
    assert_eq!(store.reopen().await.unwrap().get(b"a").await, Ok(None));
}

#[wasm_bindgen_test]
async fn closed_handles_fail_and_do_not_hinder_deletion() {
    let store = fresh().await;
    store.close();
    assert!(is_lost(&store.commit(Batch::default()).await));
    assert!(is_lost(&store.scan(Scan { limit: 0, ..everything() }).await));
    IndexedDb::delete(&store.connection.name).await.unwrap();
}

#[wasm_bindgen_test]
async fn a_database_of_a_newer_version_or_of_something_else_is_refused() {
    let name = unused_name();
    let open = async |name: &str, version| -> IdbDatabase {
        answer(factory().unwrap().open_with_u32(name, version).unwrap()).await.unwrap().unchecked_into()
    };
    let newer = open(&name, VERSION + 1).await;
    assert!(matches!(IndexedDb::open(&name).await, Err(StoreError::Corrupt(_))));
    newer.close();
    let foreign = unused_name();
    open(&foreign, VERSION).await.close();
    assert!(matches!(IndexedDb::open(&foreign).await, Err(StoreError::Corrupt(_))));
}

#[wasm_bindgen_test]
async fn records_that_are_not_bytes_are_corrupt() {
    let cases = [(js_bytes(b"a"), JsValue::from_str("text")), (js_bytes(b"a"), JsValue::from(1.0))];
    for (key, value) in cases {
        let store = fresh().await;
        let transaction = Transaction::write(&store.connection.database, &[RECORDS]).unwrap();
        transaction.table(RECORDS).unwrap().put_with_key(&value, &key).unwrap();
        transaction.complete().await.unwrap();
        assert!(matches!(store.get(b"a").await, Err(StoreError::Corrupt(_))));
        let store = store.reopen().await.unwrap();
        assert!(matches!(store.scan(everything()).await, Err(StoreError::Corrupt(_))));
    }
}

#[wasm_bindgen_test]
async fn an_epoch_that_is_no_number_is_corrupt() {
    let store = fresh().await;
    let transaction = Transaction::write(&store.connection.database, &[META]).unwrap();
    transaction.table(META).unwrap().put_with_key(&"text".into(), &EPOCH.into()).unwrap();
    transaction.complete().await.unwrap();
    assert!(matches!(store.commit(one(b"a", b"1")).await, Err(StoreError::Corrupt(_))));
    assert!(matches!(store.reopen().await, Err(StoreError::Corrupt(_))));
}

#[wasm_bindgen_test]
async fn a_transaction_that_is_given_up_keeps_nothing() {
    let store = fresh().await;
    let transaction = Transaction::write(&store.connection.database, &[RECORDS]).unwrap();
    transaction.table(RECORDS).unwrap().put_with_key(&js_bytes(b"1"), &js_bytes(b"a")).unwrap();
    drop(transaction);
    assert_eq!(store.get(b"a").await, Ok(None));
}

#[wasm_bindgen_test]
fn exceptions_become_the_failures_that_they_mean() {
    let thrown = |name| failure::of_dom(&web_sys::DomException::new_with_message_and_name("why", name).unwrap());
    assert_eq!(thrown("QuotaExceededError"), StoreError::Full("QuotaExceededError: why".to_owned()));
    assert_eq!(thrown("VersionError"), StoreError::Corrupt("VersionError: why".to_owned()));
    for name in ["UnknownError", "InvalidStateError", "AbortError", "TransactionInactiveError", "TimeoutError"] {
        assert_eq!(thrown(name), StoreError::Lost(format!("{name}: why")));
    }
}

#[wasm_bindgen_test]
async fn the_vault_keeps_what_it_has() {
    let store = fresh().await;
    assert_eq!(store.vault_get("key").await, Ok(None));
    assert_eq!(store.vault_add("key", "first".into()).await, Ok(true));
    assert_eq!(store.vault_add("key", "second".into()).await, Ok(false));
    let successor = store.reopen_again().await;
    assert_eq!(successor.vault_get("key").await, Ok(Some("first".into())));
    assert_eq!(store.vault_add("other", "stale".into()).await, Err(StoreError::Fenced));
    assert_eq!(successor.vault_get("other").await, Ok(None));
}
