use std::time::Duration;

use rand::RngExt;
use tradepulse_core::random::Seed;

/// Pauses between tries: each twice as long as the one before, up to a limit, and then made a
/// little longer or shorter, so that many who failed together do not come back together.
#[derive(Debug)]
pub(super) struct BackOff {
    first: Duration,
    longest: Duration,
    tries: u32,
    seed: Seed,
    label: String,
    /// Pauses so far.
    count: u64,
}

impl BackOff {
    /// `label`: whose pauses they are; each has its own, the same for the same seed.
    pub(super) fn new(first: Duration, longest: Duration, seed: Seed, label: &str) -> Self {
        Self { first, longest, tries: 0, seed, label: label.to_owned(), count: 0 }
    }

    /// The next pause: between half and all of what it may be.
    pub(super) fn next(&mut self) -> Duration {
        let whole = self.first.saturating_mul(1 << self.tries.min(20)).min(self.longest);
        self.tries = self.tries.saturating_add(1);
        self.count += 1;
        let mut random = self.seed.stream(&format!("pause {} of {}", self.count, self.label));
        whole.mul_f64(0.5 + 0.5 * random.random::<f64>())
    }

    /// Tries since it last worked.
    pub(super) const fn tries(&self) -> u32 {
        self.tries
    }

    /// It worked: the next pause is a first one.
    pub(super) fn reset(&mut self) {
        self.tries = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_the_limit_and_follow_from_the_seed() {
        let (first, longest) = (Duration::from_secs(1), Duration::from_secs(20));
        let pauses = |label: &str| {
            let mut back_off = BackOff::new(first, longest, Seed(7), label);
            (0..40).map(|_| back_off.next()).collect::<Vec<_>>()
        };
        let own = pauses("a");
        assert_eq!(own, pauses("a"));
        assert_ne!(own, pauses("b"));
        for (i, pause) in own.iter().enumerate() {
            let whole = first.saturating_mul(1 << i.min(20)).min(longest);
            assert!(*pause >= whole / 2 && *pause <= whole, "{i}: {pause:?}");
        }
        let mut back_off = BackOff::new(first, longest, Seed(7), "a");
        back_off.next();
        back_off.next();
        back_off.reset();
        assert!(back_off.next() <= first);
    }
}
