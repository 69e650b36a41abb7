//! Whether the browser promises to keep what is stored.
//!
//! Storage is "best effort" until the browser grants persistence: it may be evicted when the disk is full, and WebKit
//! clears sites that were not visited for a week. A client asks before its first deposit and warns when it is refused.

use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

use super::scope;

/// The browser's answer about keeping this site's storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Persistence {
    /// Storage goes only when the user removes it.
    Granted,
    /// Storage may be evicted.
    Refused,
    /// The browser cannot be asked: the context is not secure, or (for asking) not a window.
    Unavailable,
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
pub(super) async fn persist() -> Persistence {
    answer(scope::storage_manager().map(|storage| storage.persist())).await
}

/// Whether the browser has promised to keep this site's storage.
pub(super) async fn persisted() -> Persistence {
    answer(scope::storage_manager().map(|storage| storage.persisted())).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test]
    async fn the_browser_answers() {
        assert_ne!(persisted().await, Persistence::Unavailable);
        assert_ne!(persist().await, Persistence::Unavailable);
    }
}
