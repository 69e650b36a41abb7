//! Whether the browser promises to keep what is stored.
//!
//! Storage is "best effort" until the browser grants persistence: it may be evicted when the disk is full, and WebKit
//! clears sites that were not visited for a week. A client asks before its first deposit and warns when it is refused.

use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::scope;

/// The browser's answer about keeping this site's storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    /// Storage goes only when the user removes it.
    Granted,
    /// Storage may be evicted.
    Refused,
    /// The browser cannot be asked: the context is not secure, or (for asking) not a window.
    Unavailable,
}

/// How much of its quota this site uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// Bytes in use.
    pub usage: u64,
    /// Bytes at most.
    pub quota: u64,
}

#[wasm_bindgen]
extern "C" {
    type StorageEstimate;

    #[wasm_bindgen(method, getter)]
    fn usage(this: &StorageEstimate) -> Option<f64>;

    #[wasm_bindgen(method, getter)]
    fn quota(this: &StorageEstimate) -> Option<f64>;
}

async fn answer(asked: Option<Result<js_sys::Promise, JsValue>>) -> Persistence {
    let Some(Ok(promise)) = asked else { return Persistence::Unavailable };
    match JsFuture::from(promise).await {
        Ok(granted) if granted.is_truthy() => Persistence::Granted,
        Ok(_) => Persistence::Refused,
        Err(_) => Persistence::Unavailable,
    }
}

/// Asks the browser to keep this site's storage. Some browsers ask the user, so call it when the user has just acted.
pub async fn persist() -> Persistence {
    answer(scope::storage_manager().map(|storage| storage.persist())).await
}

/// Whether the browser has promised to keep this site's storage.
pub async fn persisted() -> Persistence {
    answer(scope::storage_manager().map(|storage| storage.persisted())).await
}

/// How much storage is in use; `None` when the browser does not tell.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float becomes the nearest u64")]
pub async fn estimate() -> Option<Estimate> {
    let promise = scope::storage_manager()?.estimate().ok()?;
    let estimate: StorageEstimate = JsFuture::from(promise).await.ok()?.unchecked_into();
    Some(Estimate { usage: estimate.usage()? as u64, quota: estimate.quota()? as u64 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test]
    async fn the_browser_answers() {
        assert_ne!(persisted().await, Persistence::Unavailable);
        assert_ne!(persist().await, Persistence::Unavailable);
        let estimate = estimate().await.unwrap();
        assert!(estimate.quota > estimate.usage);
    }
}
