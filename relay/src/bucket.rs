//! A token bucket: so much per second in the long run, so much at once.

use std::time::Instant;

/// Tokens drip in at a rate and are taken by what is done; where none are left, it is not done.
#[derive(Debug)]
pub(crate) struct TokenBucket {
    rate: f64,
    capacity: f64,
    tokens: f64,
    filled_at: Instant,
}

impl TokenBucket {
    /// A full bucket of `capacity` tokens that refills with `rate` tokens per second.
    pub(crate) const fn new(rate: f64, capacity: f64, now: Instant) -> Self {
        Self { rate, capacity, tokens: capacity, filled_at: now }
    }

    /// Takes `cost` tokens if there are as many. Nothing is taken otherwise.
    pub(crate) fn take(&mut self, now: Instant, cost: f64) -> bool {
        let passed = now.saturating_duration_since(self.filled_at).as_secs_f64();
        self.filled_at = self.filled_at.max(now);
        self.tokens = self.rate.mul_add(passed, self.tokens).min(self.capacity);
        let enough = self.tokens >= cost;
        if enough {
            self.tokens -= cost;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    #[test]
    fn a_burst_passes_then_the_rate_holds() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(10.0, 3.0, start);
        assert!((0..3).all(|_| bucket.take(start, 1.0)));
        assert!(!bucket.take(start, 1.0));
        assert!(!bucket.take(start + Duration::from_millis(99), 1.0));
        assert!(bucket.take(start + Duration::from_millis(101), 1.0));
        // An hour later it holds no more than its capacity.
        let later = start + Duration::from_secs(3_600);
        assert!(bucket.take(later, 3.0));
        assert!(!bucket.take(later, 1.0));
        // A clock that steps back gives nothing.
        assert!(!bucket.take(start, 1.0));
    }

    proptest! {
        #[test]
        fn never_more_than_capacity_and_rate_allow(steps in proptest::collection::vec((0_u64..200, 1_u32..5), 1..300)) {
            let start = Instant::now();
            let (rate, capacity) = (50.0, 20.0);
            let mut bucket = TokenBucket::new(rate, capacity, start);
            let (mut now, mut taken) = (start, 0.0);
            for (milliseconds, cost) in steps {
                now += Duration::from_millis(milliseconds);
                if bucket.take(now, f64::from(cost)) {
                    taken += f64::from(cost);
                }
                prop_assert!(taken <= capacity + rate * (now - start).as_secs_f64() + 1e-6);
            }
        }
    }
}
