//! Golden vectors: what is signed, sent and stored, frozen to the byte in `tests/vectors/protocol.json`.
//!
//! Each section is made here by the client's own code and compared with the file, so that any drift fails. The file is
//! then checked by others: by viem (`tests/vectors`) and by the Judge's bytecode (`tests/judge`). A changed section is a
//! new version of what it holds; `UPDATE_VECTORS=1 cargo test -p chit-client vectors` rewrites the file.

mod requests;
mod sample;
mod signed;
mod trees;
mod wire;

use std::path::Path;
use std::sync::Mutex;

use alloy::primitives::hex;
use serde_json::{Map, Value, json};

pub(crate) use sample::{
    CHAIN_ID, DEADLINE, JUDGE, announcements, close_terms, domain, grants, largest_request, lock, ops, proof, receipt,
    request, route, secret, session_a, session_b, signed, the_channel,
};

/// One test at a time may read or rewrite the file.
static FILE: Mutex<()> = Mutex::new(());

/// Bytes as the file spells them.
pub(crate) fn hexed(bytes: impl AsRef<[u8]>) -> Value {
    json!(hex::encode_prefixed(bytes))
}

/// Compares a section of the file with what the code makes now.
pub(crate) fn check(section: &str, now: Value) {
    let _one = FILE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/protocol.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|_| "{}".into());
    let mut file: Map<String, Value> = serde_json::from_str(&text).expect("the file of vectors is a JSON object");
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        file.insert(section.into(), now.clone());
        let text = serde_json::to_string_pretty(&file).expect("JSON can be written");
        std::fs::write(&path, text + "\n").expect("the file of vectors can be written");
    }
    let committed = file.get(section).cloned().unwrap_or_default();
    if let Some(place) = difference(section, &committed, &now) {
        panic!("{place}\nWhat is frozen has changed: see the first lines of src/protocol/vectors/mod.rs.");
    }
}

/// Where two values differ first.
fn difference(place: &str, committed: &Value, now: &Value) -> Option<String> {
    match (committed, now) {
        (Value::Object(one), Value::Object(other)) if one.keys().eq(other.keys()) => one
            .iter()
            .zip(other.values())
            .find_map(|((key, one), other)| difference(&format!("{place}.{key}"), one, other)),
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => one
            .iter()
            .zip(other)
            .enumerate()
            .find_map(|(i, (one, other))| difference(&format!("{place}[{i}]"), one, other)),
        _ => (committed != now).then(|| format!("{place}\ncommitted: {committed}\nnow:       {now}")),
    }
}

#[test]
fn a_drift_is_found_and_named() {
    let one = json!({ "a": [1, { "b": "0x00" }] });
    assert_eq!(difference("s", &one, &one), None);
    let other = json!({ "a": [1, { "b": "0x01" }] });
    assert!(difference("s", &one, &other).unwrap().starts_with("s.a[1].b\n"));
    for other in [json!({ "a": [1] }), json!({ "a": [1, {}], "c": 0 }), json!(null)] {
        assert!(difference("s", &one, &other).is_some());
    }
}
