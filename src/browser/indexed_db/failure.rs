//! What IndexedDB's errors mean to the engine.

use indexed_db_futures::error::{Error, OpenDbError};
use web_sys::DomException;

use super::super::scope::describe;
use crate::store::StoreError;

/// The failure of a request or a transaction.
pub(super) fn of(error: Error) -> StoreError {
    match error {
        Error::DomException(exception) => of_dom(&exception.into()),
        Error::Unknown(thrown) => StoreError::Lost(describe(thrown.as_ref())),
        other @ (Error::Serialisation(_) | Error::MissingData(_)) => StoreError::Lost(other.to_string()),
    }
}

/// The failure to open or delete a database.
pub(super) fn of_open(error: OpenDbError) -> StoreError {
    match error {
        OpenDbError::Base(error) => of(error),
        other @ (OpenDbError::VersionZero | OpenDbError::UnsupportedEnvironment | OpenDbError::NullFactory) => {
            StoreError::Lost(other.to_string())
        }
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
