//! Time, tasks and randomness, as the browser has them. `std::time` traps on wasm32.

use std::time::Duration;

use gloo_timers::future::TimeoutFuture;

use crate::protocol::Timestamp;

/// The longest delay that `setTimeout` takes; longer ones fire at once.
const MAX_TIMEOUT_MILLIS: u128 = i32::MAX as u128;

/// The platform has no source of random bytes: nothing may be signed or sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no random bytes: {0}")]
pub struct RandomError(getrandom::Error);

/// Milliseconds since the Unix epoch, as the system clock has them: it may jump when the user corrects it.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float becomes the nearest u64")]
pub fn now_millis() -> u64 {
    js_sys::Date::now() as u64
}

/// Seconds since the Unix epoch.
pub fn now() -> Timestamp {
    now_millis() / 1000
}

/// Waits at least `delay`. Tabs in the background are throttled to one wake a second, later to one a minute, so a
/// deadline has to be checked against [`now`] as well.
pub async fn sleep(delay: Duration) {
    let mut left = delay.as_millis();
    loop {
        let part = left.min(MAX_TIMEOUT_MILLIS);
        TimeoutFuture::new(u32::try_from(part).unwrap_or(u32::MAX >> 1)).await;
        left -= part;
        if left == 0 {
            return;
        }
    }
}

/// Runs `task` until it ends, beside everything else on this thread.
pub fn spawn(task: impl Future<Output = ()> + 'static) {
    wasm_bindgen_futures::spawn_local(task);
}

/// Fills `bytes` from the browser's cryptographic random generator.
///
/// # Errors
/// [`RandomError`] when there is none; `bytes` must not be used then.
pub fn random(bytes: &mut [u8]) -> Result<(), RandomError> {
    getrandom::getrandom(bytes).map_err(RandomError)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test]
    async fn time_passes_while_sleeping() {
        let start = now_millis();
        assert!(start > 1_700_000_000_000 && now() <= now_millis() / 1000);
        sleep(Duration::from_millis(30)).await;
        assert!(now_millis() - start >= 29);
        sleep(Duration::ZERO).await;
    }

    #[wasm_bindgen_test]
    async fn a_sleep_beyond_what_timers_take_does_not_end_at_once() {
        let long = std::pin::pin!(sleep(Duration::from_secs(u64::from(u32::MAX))));
        let short = std::pin::pin!(sleep(Duration::from_millis(30)));
        let first = futures::future::select(long, short).await;
        assert!(matches!(first, futures::future::Either::Right(_)));
    }

    #[wasm_bindgen_test]
    async fn spawned_tasks_run_and_random_bytes_differ() {
        let (sender, receiver) = futures::channel::oneshot::channel();
        spawn(async move {
            let mut bytes = [0; 32];
            random(&mut bytes).unwrap();
            sender.send(bytes).unwrap();
        });
        let mut own = [0; 32];
        random(&mut own).unwrap();
        assert_ne!(receiver.await.unwrap(), own);
        assert_ne!(own, [0; 32]);
    }
}

/// This tab.
#[derive(Clone, Copy, Debug, Default)]
pub struct BrowserRuntime;

impl crate::node::Runtime for BrowserRuntime {
    fn now_ms(&self) -> u64 {
        now_millis()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> {
        sleep(duration)
    }

    fn spawn(&self, task: futures::future::LocalBoxFuture<'static, ()>) {
        spawn(task);
    }

    fn random(&self, buffer: &mut [u8]) -> bool {
        random(buffer).is_ok()
    }
}
