//! When to connect again: soon at first, then less and less often.

use std::time::Duration;

/// Pauses between attempts to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The first pause.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
    failures: u32,
}

impl Default for Backoff {
    /// From a quarter of a second to half a minute.
    fn default() -> Self {
        Self::new(Duration::from_millis(250), Duration::from_secs(30))
    }
}

impl Backoff {
    /// From `first`, doubled with every failure, to `longest`.
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, failures: 0 }
    }

    /// It worked: the next pause is the first again.
    pub const fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// It failed: how long to wait before the next attempt.
    pub fn failed(&mut self) -> Duration {
        let factor = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        self.failures = self.failures.saturating_add(1);
        self.first.saturating_mul(factor).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_begin_anew() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(5));
        let pauses: Vec<u64> = (0..40).map(|_| backoff.failed().as_secs()).collect();
        assert_eq!(pauses[..4], [1, 2, 4, 5]);
        assert!(pauses[4..].iter().all(|pause| *pause == 5));
        backoff.succeeded();
        assert_eq!(backoff.failed().as_secs(), 1);
    }
}
