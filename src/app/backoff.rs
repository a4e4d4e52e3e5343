//! How long to wait after a failure: a value, not a loop.

use std::time::Duration;

/// Doubles from `first` to `longest`, with jitter so that many clients of one
/// server do not come back at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    failures: u32,
}

impl Backoff {
    /// No failure yet.
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, failures: 0 }
    }

    /// The time to wait after one more failure; `random` spreads it over the
    /// upper half of the step (0 gives half the step, `u32::MAX` all of it).
    pub fn next(&mut self, random: u32) -> Duration {
        let step = self.first.saturating_mul(1u32.checked_shl(self.failures.min(20)).unwrap_or(u32::MAX));
        self.failures = self.failures.saturating_add(1);
        let step = step.min(self.longest);
        step / 2 + (step / 2).mul_f64(f64::from(random) / f64::from(u32::MAX))
    }

    /// After a success.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// The wait before attempt number `attempts` + 1, for counts kept in the ledger.
    pub fn after(attempts: u32, first: Duration, longest: Duration, random: u32) -> Duration {
        let mut backoff = Self { first, longest, failures: attempts };
        backoff.next(random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_to_the_longest_and_starts_again() {
        let mut b = Backoff::new(Duration::from_secs(2), Duration::from_secs(60));
        let steps: Vec<u64> = (0..7).map(|_| b.next(u32::MAX).as_secs()).collect();
        assert_eq!(steps, [2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(Backoff::after(60, Duration::from_secs(2), Duration::from_secs(60), 0).as_secs(), 30);
        b.reset();
        assert_eq!(b.next(0).as_secs(), 1);
    }
}
