//! An exclusive Web Lock: among all tabs and workers of this origin, one owner of a client's storage.
//!
//! The browser frees the lock when its owner's tab dies, however it dies. web-sys has the interface only behind an
//! unstable flag, hence the declarations here.

use std::fmt;

use futures::channel::oneshot;
use futures::future::{Either, select};
use js_sys::{Function, Object, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::scope::{self, describe};

#[wasm_bindgen]
extern "C" {
    pub(super) type LockManager;

    #[wasm_bindgen(method, catch)]
    fn request(this: &LockManager, name: &str, options: &Options, granted: &JsValue) -> Result<Promise, JsValue>;

    #[wasm_bindgen(extends = Object)]
    type Options;

    #[wasm_bindgen(method, setter, js_name = ifAvailable)]
    fn set_if_available(this: &Options, value: bool);
}

/// Why a lock was not granted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// Another tab or worker holds it.
    #[error("another tab holds the lock")]
    Busy,
    /// The browser has no Web Locks here: the page is not a secure context, or may not use storage.
    #[error("locks are not available: {0}")]
    Unavailable(String),
}

/// A lock that is held until this is dropped or released.
pub struct WebLock {
    free: Function,
    released: Option<JsFuture>,
}

impl fmt::Debug for WebLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebLock").finish_non_exhaustive()
    }
}

impl Drop for WebLock {
    fn drop(&mut self) {
        // Resolving a promise cannot throw.
        let _ = self.free.call0(&JsValue::UNDEFINED);
    }
}

impl WebLock {
    /// Takes the lock called `name`, exclusively. With `if_available` a held lock is [`LockError::Busy`] at once;
    /// without, this waits until its holder is gone. Dropping the future gives up the place in the queue.
    ///
    /// # Errors
    /// [`LockError`]; the lock is not held.
    pub async fn acquire(name: &str, if_available: bool) -> Result<Self, LockError> {
        let locks = scope::lock_manager().ok_or_else(|| LockError::Unavailable("not a secure context".to_owned()))?;
        let mut free = None;
        let held = Promise::new(&mut |resolve, _| free = Some(resolve));
        let free = free.ok_or_else(|| LockError::Unavailable("no promise was made".to_owned()))?;
        // From here on every way out, also a dropped future, lets go of the lock whenever it is granted.
        let mut lock = Self { free, released: None };

        let (answer, answered) = oneshot::channel();
        let granted = Closure::once_into_js(move |lock: JsValue| {
            let _ = answer.send(!lock.is_null());
            held
        });
        let options: Options = Object::new().unchecked_into();
        options.set_if_available(if_available);
        let promise =
            locks.request(name, &options, &granted).map_err(|thrown| LockError::Unavailable(describe(&thrown)))?;
        match select(answered, JsFuture::from(promise)).await {
            Either::Left((Ok(true), released)) => {
                lock.released = Some(released);
                Ok(lock)
            }
            Either::Left((Ok(false), _)) => Err(LockError::Busy),
            Either::Left((Err(_), _)) | Either::Right((Ok(_), _)) => {
                Err(LockError::Unavailable("the request was not answered".to_owned()))
            }
            Either::Right((Err(thrown), _)) => Err(LockError::Unavailable(describe(&thrown))),
        }
    }

    /// Releases the lock and waits until others can take it; dropping releases it a moment later.
    pub async fn release(mut self) {
        let released = self.released.take();
        drop(self);
        if let Some(released) = released {
            let _ = released.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::runtime::sleep;
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test]
    async fn a_second_owner_is_told_that_the_lock_is_busy() {
        let first = WebLock::acquire("busy", true).await.unwrap();
        assert_eq!(WebLock::acquire("busy", true).await.unwrap_err(), LockError::Busy);
        let _other = WebLock::acquire("another name", true).await.unwrap();
        first.release().await;
        let second = WebLock::acquire("busy", true).await.unwrap();
        drop(second);
        WebLock::acquire("busy", false).await.unwrap();
    }

    #[wasm_bindgen_test]
    async fn one_that_waits_gets_the_lock_when_it_is_dropped() {
        let first = WebLock::acquire("queue", true).await.unwrap();
        let (sender, receiver) = oneshot::channel();
        super::super::runtime::spawn(async move { drop(sender.send(WebLock::acquire("queue", false).await)) });
        sleep(Duration::from_millis(20)).await;
        assert_eq!(WebLock::acquire("queue", true).await.unwrap_err(), LockError::Busy);
        drop(first);
        receiver.await.unwrap().unwrap().release().await;
    }

    #[wasm_bindgen_test]
    async fn one_that_stopped_waiting_does_not_keep_the_lock() {
        let first = WebLock::acquire("given up", true).await.unwrap();
        let mut waiting = Box::pin(WebLock::acquire("given up", false));
        assert!(futures::poll!(&mut waiting).is_pending());
        drop(waiting);
        first.release().await;
        let next = Box::pin(WebLock::acquire("given up", false));
        let late = Box::pin(sleep(Duration::from_secs(2)));
        assert!(matches!(select(next, late).await, Either::Left((Ok(_), _))));
    }

    #[wasm_bindgen_test]
    async fn a_name_that_the_browser_refuses_is_an_error() {
        assert!(matches!(WebLock::acquire("-reserved", true).await, Err(LockError::Unavailable(_))));
    }
}
