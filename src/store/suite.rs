//! What every back end of [`Store`] must do. A back end runs all of it with one line, [`store_suite!`], and a test of
//! its own for what only it has.

use std::ops::Bound::{self, Excluded, Included, Unbounded};

use super::{Batch, Key, Scan, Store, StoreError};

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use tokio::test as case;
#[cfg(target_arch = "wasm32")]
pub(crate) use wasm_bindgen_test::wasm_bindgen_test as case;

/// A store that the suite can open again, as a reload would.
#[allow(async_fn_in_trait, reason = "tests run on one thread")]
pub(crate) trait Reopen: Store + Sized {
    /// Opens the same records as a new owner.
    async fn reopen_again(&self) -> Self;
}

/// Runs every case of the suite against the empty stores that the async function `$fresh` returns.
macro_rules! store_suite {
    ($fresh:path) => {
        $crate::store::suite::store_suite!(@cases $fresh:
            what_was_put_is_found
            an_empty_batch_changes_nothing
            the_last_put_of_a_key_wins
            deletes_come_after_puts
            keys_are_ordered_by_their_bytes
            ranges_keep_their_ends
            empty_and_inverted_ranges_hold_nothing
            a_limit_counts_from_the_chosen_end
            large_values_come_back_whole
            a_thousand_records_go_in_one_commit
            concurrent_commits_apply_in_order
            a_reader_sees_all_of_a_commit_or_nothing
            an_abandoned_commit_is_whole_or_absent
            a_new_owner_sees_everything
            an_older_owner_is_fenced_and_writes_nothing
        );
    };
    (@cases $fresh:path: $($name:ident)*) => {
        $(
            #[$crate::store::suite::case]
            async fn $name() {
                $crate::store::suite::$name($fresh().await).await;
            }
        )*
    };
}
pub(crate) use store_suite;

fn put(key: &[u8], value: &[u8]) -> Batch {
    Batch { puts: vec![(key.to_vec(), value.to_vec())], deletes: Vec::new() }
}

fn between(from: Bound<&[u8]>, to: Bound<&[u8]>) -> Scan {
    Scan { from: from.map(<[u8]>::to_vec), to: to.map(<[u8]>::to_vec), backwards: false, limit: usize::MAX }
}

fn everything() -> Scan {
    between(Unbounded, Unbounded)
}

async fn keys(store: &impl Store, scan: Scan) -> Vec<Key> {
    store.scan(scan).await.unwrap().into_iter().map(|(key, _)| key).collect()
}

pub(crate) async fn what_was_put_is_found(store: impl Store) {
    assert_eq!(store.get(b"a").await, Ok(None));
    store.commit(put(b"a", b"1")).await.unwrap();
    store.commit(put(b"", b"the empty key")).await.unwrap();
    store.commit(put(b"empty", b"")).await.unwrap();
    assert_eq!(store.get(b"a").await, Ok(Some(b"1".to_vec())));
    assert_eq!(store.get(b"").await, Ok(Some(b"the empty key".to_vec())));
    assert_eq!(store.get(b"empty").await, Ok(Some(Vec::new())));
    assert_eq!(store.get(b"ab").await, Ok(None));
}

pub(crate) async fn an_empty_batch_changes_nothing(store: impl Reopen) {
    store.commit(Batch::default()).await.unwrap();
    assert_eq!(store.scan(everything()).await, Ok(Vec::new()));
    let _successor = store.reopen_again().await;
    assert_eq!(store.commit(Batch::default()).await, Err(StoreError::Fenced));
}

pub(crate) async fn the_last_put_of_a_key_wins(store: impl Store) {
    let batch = Batch {
        puts: vec![
            (b"a".to_vec(), b"1".to_vec()),
            (b"b".to_vec(), b"2".to_vec()),
            (b"a".to_vec(), b"3".to_vec()),
            (b"a".to_vec(), b"4".to_vec()),
        ],
        deletes: Vec::new(),
    };
    store.commit(batch).await.unwrap();
    assert_eq!(store.get(b"a").await, Ok(Some(b"4".to_vec())));
    store.commit(put(b"a", b"5")).await.unwrap();
    let records = vec![(b"a".to_vec(), b"5".to_vec()), (b"b".to_vec(), b"2".to_vec())];
    assert_eq!(store.scan(everything()).await, Ok(records));
}

pub(crate) async fn deletes_come_after_puts(store: impl Store) {
    store.commit(put(b"old", b"1")).await.unwrap();
    let batch = Batch {
        puts: vec![(b"a".to_vec(), b"1".to_vec()), (b"b".to_vec(), b"2".to_vec())],
        deletes: vec![b"b".to_vec(), b"old".to_vec(), b"never there".to_vec(), b"b".to_vec()],
    };
    store.commit(batch).await.unwrap();
    assert_eq!(keys(&store, everything()).await, [b"a"]);
    store.commit(put(b"b", b"again")).await.unwrap();
    assert_eq!(store.get(b"b").await, Ok(Some(b"again".to_vec())));
}

/// Keys whose order tells comparison by bytes from comparison by length, by number or as text.
const ORDERED: [&[u8]; 12] =
    [b"", b"\0", b"\0\0", b"\0\x01", b"\x01", b"a", b"a\0", b"a\xff", b"b", b"\x7f", b"\x80", b"\xff\xff"];

async fn fill(store: &impl Store) {
    let puts = ORDERED.iter().rev().map(|key| (key.to_vec(), [b"value of ", *key].concat())).collect();
    store.commit(Batch { puts, deletes: Vec::new() }).await.unwrap();
}

pub(crate) async fn keys_are_ordered_by_their_bytes(store: impl Store) {
    fill(&store).await;
    let expected: Vec<_> = ORDERED.iter().map(|key| (key.to_vec(), [b"value of ", *key].concat())).collect();
    assert_eq!(store.scan(everything()).await, Ok(expected.clone()));
    let reversed: Vec<_> = expected.into_iter().rev().collect();
    assert_eq!(store.scan(Scan { backwards: true, ..everything() }).await, Ok(reversed.clone()));
    assert_eq!(store.scan(Scan { backwards: true, limit: 1000, ..everything() }).await, Ok(reversed));
}

pub(crate) async fn ranges_keep_their_ends(store: impl Store) {
    fill(&store).await;
    #[allow(clippy::type_complexity, reason = "a table reads best as one")]
    let cases: [(Bound<&[u8]>, Bound<&[u8]>, &[&[u8]]); 9] = [
        (Included(b"a"), Included(b"b"), &[b"a", b"a\0", b"a\xff", b"b"]),
        (Included(b"a"), Excluded(b"b"), &[b"a", b"a\0", b"a\xff"]),
        (Excluded(b"a"), Included(b"b"), &[b"a\0", b"a\xff", b"b"]),
        (Excluded(b"a"), Excluded(b"b"), &[b"a\0", b"a\xff"]),
        (Included(b"a\x05"), Excluded(b"a\xff\xff"), &[b"a\xff"]),
        (Unbounded, Excluded(b"\0\x01"), &[b"", b"\0", b"\0\0"]),
        (Excluded(b"\x7f"), Unbounded, &[b"\x80", b"\xff\xff"]),
        (Included(b"\x80"), Included(b"\x80"), &[b"\x80"]),
        (Included(b"\xff"), Unbounded, &[b"\xff\xff"]),
    ];
    for (from, to, expected) in cases {
        assert_eq!(keys(&store, between(from, to)).await, expected, "{from:?} to {to:?}");
        for limit in [200, usize::MAX] {
            let mut backwards = keys(&store, Scan { backwards: true, limit, ..between(from, to) }).await;
            backwards.reverse();
            assert_eq!(backwards, expected, "{from:?} back from {to:?}");
        }
    }
}

pub(crate) async fn empty_and_inverted_ranges_hold_nothing(store: impl Store) {
    fill(&store).await;
    #[allow(clippy::type_complexity, reason = "a table reads best as one")]
    let cases: [(Bound<&[u8]>, Bound<&[u8]>); 9] = [
        (Included(b"b"), Included(b"a")),
        (Included(b"b"), Excluded(b"a")),
        (Excluded(b"b"), Included(b"a")),
        (Excluded(b"b"), Excluded(b"a")),
        (Excluded(b"a"), Excluded(b"a")),
        (Included(b"a"), Excluded(b"a")),
        (Excluded(b"a"), Included(b"a")),
        (Unbounded, Excluded(b"")),
        (Included(b"a\x01"), Included(b"a\x02")),
    ];
    for (from, to) in cases {
        for backwards in [false, true] {
            for limit in [3, usize::MAX] {
                let scan = Scan { backwards, limit, ..between(from, to) };
                assert_eq!(store.scan(scan).await, Ok(Vec::new()), "{from:?} to {to:?}");
            }
        }
    }
}

pub(crate) async fn a_limit_counts_from_the_chosen_end(store: impl Store) {
    fill(&store).await;
    for limit in [0, 1, 5, ORDERED.len(), ORDERED.len() + 1] {
        let forwards = keys(&store, Scan { limit, ..everything() }).await;
        assert!(forwards.iter().eq(ORDERED.iter().take(limit)), "{limit} from the start");
        let backwards = keys(&store, Scan { limit, backwards: true, ..everything() }).await;
        assert!(backwards.iter().eq(ORDERED.iter().rev().take(limit)), "{limit} from the end");
    }
    let scan = Scan { backwards: true, limit: 2, ..between(Included(b"a"), Excluded(b"b")) };
    assert_eq!(keys(&store, scan).await, [b"a\xff", b"a\0"]);
}

pub(crate) async fn large_values_come_back_whole(store: impl Reopen) {
    let value: Vec<u8> = (0_u32..1 << 20).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let large_key = vec![7; 1000];
    store.commit(Batch { puts: vec![(large_key.clone(), value.clone())], deletes: Vec::new() }).await.unwrap();
    assert!(store.get(&large_key).await.unwrap().as_ref() == Some(&value));
    assert!(store.reopen_again().await.scan(everything()).await.unwrap() == [(large_key, value)]);
}

pub(crate) async fn a_thousand_records_go_in_one_commit(store: impl Reopen) {
    let records: Vec<(Key, Vec<u8>)> =
        (0_u32..1000).map(|index| (index.to_be_bytes().to_vec(), index.to_le_bytes().repeat(8))).collect();
    store.commit(Batch { puts: records.clone(), deletes: Vec::new() }).await.unwrap();
    assert_eq!(store.scan(everything()).await.as_ref(), Ok(&records));
    let deletes = records.iter().map(|(key, _)| key.clone()).filter(|key| key[3] % 2 == 1).collect();
    let store = store.reopen_again().await;
    store.commit(Batch { puts: Vec::new(), deletes }).await.unwrap();
    assert_eq!(keys(&store, everything()).await.len(), 500);
}

pub(crate) async fn concurrent_commits_apply_in_order(store: impl Store) {
    let commits = (0_u8..20).map(|index| store.commit(put(b"counter", &[index])));
    assert!(futures::future::join_all(commits).await.iter().all(Result::is_ok));
    assert_eq!(store.get(b"counter").await, Ok(Some(vec![19])));
}

fn hundred(value: &[u8]) -> Batch {
    Batch { puts: (0_u8..100).map(|index| (vec![index], value.to_vec())).collect(), deletes: vec![b"gone".to_vec()] }
}

pub(crate) async fn a_reader_sees_all_of_a_commit_or_nothing(store: impl Store) {
    store.commit(put(b"gone", b"1")).await.unwrap();
    for value in [b"first", b"other"] {
        let (done, seen, gone) =
            futures::join!(store.commit(hundred(value)), store.scan(everything()), store.get(b"gone"));
        done.unwrap();
        let values: std::collections::BTreeSet<Vec<u8>> =
            seen.unwrap().into_iter().filter(|(key, _)| key.len() == 1).map(|(_, value)| value).collect();
        assert!(values.len() <= 1, "a mixture of two commits: {values:?}");
        gone.unwrap();
    }
    assert_eq!(store.scan(everything()).await.unwrap().len(), 100);
}

pub(crate) async fn an_abandoned_commit_is_whole_or_absent(store: impl Reopen) {
    let mut store = store;
    for polls in 0..5 {
        let clear = Batch { puts: Vec::new(), deletes: (0_u8..100).map(|index| vec![index]).collect() };
        store.commit(clear).await.unwrap();
        let mut commit = Box::pin(store.commit(hundred(b"abandoned")));
        for _ in 0..polls {
            if futures::poll!(&mut commit).is_ready() {
                break;
            }
            // Any read gives the database a turn.
            store.get(b"gone").await.unwrap();
        }
        drop(commit);
        store = store.reopen_again().await;
        let seen = keys(&store, everything()).await.len();
        assert!(seen == 0 || seen == 100, "{seen} records after {polls} polls");
    }
}

pub(crate) async fn a_new_owner_sees_everything(store: impl Reopen) {
    fill(&store).await;
    let before = store.scan(everything()).await.unwrap();
    let reopened = store.reopen_again().await;
    assert_eq!(reopened.scan(everything()).await, Ok(before.clone()));
    drop(store);
    let again = reopened.reopen_again().await;
    assert_eq!(again.scan(everything()).await, Ok(before));
}

pub(crate) async fn an_older_owner_is_fenced_and_writes_nothing(store: impl Reopen) {
    store.commit(put(b"a", b"1")).await.unwrap();
    let successor = store.reopen_again().await;
    let batch = Batch {
        puts: vec![(b"a".to_vec(), b"stale".to_vec()), (b"b".to_vec(), b"stale".to_vec())],
        deletes: vec![b"a".to_vec()],
    };
    assert_eq!(store.commit(batch.clone()).await, Err(StoreError::Fenced));
    assert_eq!(successor.scan(everything()).await, Ok(vec![(b"a".to_vec(), b"1".to_vec())]));
    successor.commit(put(b"a", b"2")).await.unwrap();
    assert_eq!(store.commit(batch).await, Err(StoreError::Fenced));
    assert_eq!(successor.scan(everything()).await, Ok(vec![(b"a".to_vec(), b"2".to_vec())]));
}
