//! When to try again: exponential, jittered, capped. Pure; the caller brings the randomness and the clock.

use std::time::Duration;

/// The delays between attempts to reconnect.
///
/// Each failure doubles the delay up to a cap; a random half of it is jitter, so that the clients of a restarted relay
/// do not come back in one wave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    cap: Duration,
    failures: u32,
}

impl Default for Backoff {
    /// From half a second up to thirty.
    fn default() -> Self {
        Self::new(Duration::from_millis(500), Duration::from_secs(30))
    }
}

impl Backoff {
    /// Delays that start at `first` and never pass `cap`.
    pub const fn new(first: Duration, cap: Duration) -> Self {
        Self { first, cap, failures: 0 }
    }

    /// Counts a failure and says how long to wait before the next attempt: between half of the current delay and all
    /// of it, chosen by `random`, any uniformly random number.
    pub fn after_failure(&mut self, random: u32) -> Duration {
        // 2^31 times any delay worth the name is beyond any cap.
        let doubled = 2_u32.checked_pow(self.failures).and_then(|factor| self.first.checked_mul(factor));
        let delay = doubled.unwrap_or(self.cap).min(self.cap);
        self.failures = self.failures.saturating_add(1);
        let half = delay / 2;
        half.saturating_add(half.checked_mul(random).map_or(half, |product| product / u32::MAX))
    }

    /// Starts over, after a connection that worked.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }

    /// How many attempts failed since the last success.
    pub const fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn delays_double_up_to_the_cap_and_start_over() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
        let delays: Vec<u128> = (0..6).map(|_| backoff.after_failure(u32::MAX).as_millis()).collect();
        assert_eq!(delays, [100, 200, 400, 800, 1_000, 1_000]);
        assert_eq!(backoff.failures(), 6);
        backoff.reset();
        assert_eq!(backoff.after_failure(0), Duration::from_millis(50));
    }

    proptest! {
        #[test]
        fn a_delay_is_between_half_and_all_of_its_step(
            first in 0_u64..100_000,
            cap in 0_u64..100_000,
            failures in 0_u32..100,
            random: u32,
        ) {
            let (first, cap) = (Duration::from_millis(first), Duration::from_millis(cap));
            let mut backoff = Backoff { first, cap, failures };
            let delay = backoff.after_failure(random);
            let step = first.saturating_mul(2_u32.saturating_pow(failures)).min(cap);
            prop_assert!(delay >= step / 2 && delay <= step);
        }
    }
}
