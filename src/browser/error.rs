//! What JavaScript sees of an error, and of a panic.
//!
//! Everything thrown to a page is a real `Error` with a stable `code`. A panic on wasm32 kills the instance without
//! running any destructor: from then on it must not be used, so the panic hook tells everybody who asked, once, and
//! raises a flag that every entry point checks.

use std::cell::{Cell, RefCell};
use std::panic::PanicHookInfo;
use std::sync::Once;

use js_sys::Function;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// The `Error` that Chit throws.
    #[wasm_bindgen(extends = js_sys::Error, typescript_type = "Error")]
    #[derive(Clone, Debug)]
    pub type ChitError;

    #[wasm_bindgen(method, setter, js_name = name)]
    fn put_name(this: &ChitError, name: &str);

    #[wasm_bindgen(method, setter)]
    fn set_code(this: &ChitError, code: &str);

    #[wasm_bindgen(method, setter)]
    fn set_details(this: &ChitError, details: &JsValue);

    #[wasm_bindgen(method, setter)]
    fn set_retryable(this: &ChitError, retryable: bool);
}

/// Builds the `Error` of this `code` (in `SCREAMING_SNAKE`, never renamed). `details` is a plain object or `undefined`;
/// `retryable` says that the same call may succeed later without anybody changing anything.
pub fn chit_error(code: &str, message: &str, details: &JsValue, retryable: bool) -> ChitError {
    let error: ChitError = js_sys::Error::new(message).unchecked_into();
    error.put_name("ChitError");
    error.set_code(code);
    error.set_details(details);
    error.set_retryable(retryable);
    error
}

thread_local! {
    static POISONED: Cell<bool> = const { Cell::new(false) };
    static WATCHES: RefCell<Vec<(u64, Function)>> = const { RefCell::new(Vec::new()) };
    static NEXT: Cell<u64> = const { Cell::new(0) };
}

static HOOK: Once = Once::new();

/// True once anything has panicked in this instance: nothing in it may be used any more.
pub fn is_poisoned() -> bool {
    POISONED.get()
}

/// A callback that is told of a panic, until this is dropped.
#[derive(Debug)]
pub struct PanicWatch {
    id: u64,
}

impl PanicWatch {
    /// Calls `report(message)` when this instance panics, at most once. The callback runs while the instance is dying:
    /// it must not call back into it.
    pub fn new(report: Function) -> Self {
        HOOK.call_once(|| std::panic::set_hook(Box::new(on_panic)));
        let id = NEXT.replace(NEXT.get().wrapping_add(1));
        WATCHES.with_borrow_mut(|watches| watches.push((id, report)));
        Self { id }
    }
}

impl Drop for PanicWatch {
    fn drop(&mut self) {
        WATCHES.with_borrow_mut(|watches| watches.retain(|(id, _)| *id != self.id));
    }
}

fn on_panic(info: &PanicHookInfo<'_>) {
    poison(&info.to_string());
}

fn poison(message: &str) {
    if POISONED.replace(true) {
        return;
    }
    web_sys::console::error_1(&message.into());
    // Taken out first, so that a callback that drops its watch finds nothing borrowed.
    let watches = WATCHES.with(|watches| watches.try_borrow_mut().map(|mut watches| std::mem::take(&mut *watches)));
    for (_, report) in watches.unwrap_or_default() {
        let _ = report.call1(&JsValue::UNDEFINED, &message.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use js_sys::{Object, Reflect};
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test]
    fn an_error_is_a_real_error_with_its_fields() {
        let details = Object::new();
        Reflect::set(&details, &"have".into(), &"5".into()).unwrap();
        let error = JsValue::from(chit_error("STALE", "too late", &details, true));
        assert!(error.is_instance_of::<js_sys::Error>());
        let get = |name: &str| Reflect::get(&error, &name.into()).unwrap();
        assert_eq!(get("name"), "ChitError");
        assert_eq!(get("code"), "STALE");
        assert_eq!(get("message"), "too late");
        assert_eq!(get("retryable"), true);
        assert_eq!(Reflect::get(&get("details"), &"have".into()).unwrap(), "5");
        assert_eq!(String::from(error.unchecked_ref::<js_sys::Error>().to_string()), "ChitError: too late");
        assert!(get("stack").as_string().is_some_and(|stack| !stack.is_empty()));
    }

    #[wasm_bindgen_test]
    fn a_panic_is_reported_once_to_everybody_who_watches() {
        let told = js_sys::Array::new();
        let report = Closure::<dyn FnMut(JsValue)>::new({
            let told = told.clone();
            move |message| {
                told.push(&message);
            }
        });
        let report: &Function = report.as_ref().unchecked_ref();
        // `poison` stands in for a panic, which would end the test run; the hook is left as the test runner set it.
        let watch = |id| WATCHES.with_borrow_mut(|watches| watches.push((id, report.clone())));
        watch(1001);
        watch(1002);
        drop(PanicWatch { id: 1002 });
        watch(1003);
        assert!(!is_poisoned());
        poison("first");
        poison("second");
        assert!(is_poisoned());
        assert_eq!(told.iter().map(|text| text.as_string().unwrap()).collect::<Vec<_>>(), ["first", "first"]);
        POISONED.set(false);
    }
}
