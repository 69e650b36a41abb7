//! What a platform must offer besides the four services: a clock, sleep, tasks and randomness.

use std::future::Future;
use std::time::Duration;

use futures::future::LocalBoxFuture;

/// A single-threaded platform: a tab, or a native thread.
pub trait Runtime: Clone + 'static {
    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> u64;

    /// Waits. In a background tab it may wait much longer, so nothing that protects money relies on it alone.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()>;

    /// Runs a task.
    fn spawn(&self, task: LocalBoxFuture<'static, ()>);

    /// Fills a buffer from the platform's secure source; false when there is none, and then nothing may be sealed.
    fn random(&self, buffer: &mut [u8]) -> bool;
}
