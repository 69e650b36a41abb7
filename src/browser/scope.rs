//! The global scope of a window or a worker, and the few of its properties that this client uses.
//!
//! Each property is optional: pages that are not a secure context have no locks, no storage manager and no WebCrypto.

use wasm_bindgen::prelude::*;
use wasm_bindgen::{JsCast, JsValue};

use super::web_lock::LockManager;

#[wasm_bindgen]
extern "C" {
    pub(super) type Scope;

    #[wasm_bindgen(method, getter)]
    pub(super) fn crypto(this: &Scope) -> Option<CryptoScope>;

    #[wasm_bindgen(method, getter, catch, js_name = indexedDB)]
    fn indexed_db(this: &Scope) -> Result<Option<web_sys::IdbFactory>, JsValue>;

    #[wasm_bindgen(method, getter)]
    fn navigator(this: &Scope) -> Option<NavigatorScope>;

    pub(super) type CryptoScope;

    #[wasm_bindgen(method, getter)]
    pub(super) fn subtle(this: &CryptoScope) -> Option<web_sys::SubtleCrypto>;

    type NavigatorScope;

    #[wasm_bindgen(method, getter)]
    fn storage(this: &NavigatorScope) -> Option<web_sys::StorageManager>;

    #[wasm_bindgen(method, getter)]
    fn locks(this: &NavigatorScope) -> Option<LockManager>;
}

fn scope() -> Scope {
    js_sys::global().unchecked_into()
}

/// WebCrypto, in a secure context.
pub(super) fn subtle_crypto() -> Option<web_sys::SubtleCrypto> {
    scope().crypto()?.subtle()
}

/// IndexedDB, where the page may use it: in an opaque origin even asking throws.
pub(super) fn indexed_db() -> Option<web_sys::IdbFactory> {
    scope().indexed_db().ok().flatten()
}

/// The storage manager, in a secure context.
pub(super) fn storage_manager() -> Option<web_sys::StorageManager> {
    scope().navigator()?.storage()
}

/// Web Locks, in a secure context.
pub(super) fn lock_manager() -> Option<LockManager> {
    scope().navigator()?.locks()
}

/// What a thrown value says about itself, for an error's text.
pub(super) fn describe(thrown: &JsValue) -> String {
    let property = |name: &str| js_sys::Reflect::get(thrown, &name.into()).ok().and_then(|value| value.as_string());
    if !thrown.is_object() {
        return thrown.as_string().unwrap_or_else(|| format!("{thrown:?}"));
    }
    match (property("name"), property("message")) {
        (Some(name), Some(message)) => format!("{name}: {message}"),
        (None, Some(text)) | (Some(text), None) => text,
        (None, None) => "an unknown value was thrown".to_owned(),
    }
}
