//! What IndexedDB's errors mean to the engine.

use wasm_bindgen::prelude::*;
use web_sys::DomException;

use super::super::scope::describe;
use crate::store::StoreError;

/// The failure that something thrown stands for.
#[allow(clippy::needless_pass_by_value, reason = "thrown values are handed over, to `map_err` above all")]
pub(super) fn of(thrown: JsValue) -> StoreError {
    match thrown.dyn_ref::<DomException>() {
        Some(exception) => of_dom(exception),
        None => StoreError::Lost(describe(&thrown)),
    }
}

/// The failure that an exception of the database stands for. Whatever has no meaning of its own counts as a lost
/// connection, because opening and reading again is the right answer to it: WebKit reports a dead storage process as
/// `UnknownError`, `InvalidStateError` or `AbortError`.
pub(super) fn of_dom(exception: &DomException) -> StoreError {
    let text = format!("{}: {}", exception.name(), exception.message());
    match exception.name().as_str() {
        "QuotaExceededError" => StoreError::Full(text),
        // A newer client has upgraded the database, or it is not ours at all.
        "VersionError" | "NotFoundError" => StoreError::Corrupt(text),
        _ => StoreError::Lost(text),
    }
}
