//! The venue's clock, as far as it can be known here.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tradepulse_core::time::Timestamp;

/// The distance of a venue's clock from this machine's.
#[derive(Debug, Default)]
pub struct ClockOffset {
    ms: AtomicI64,
    learned_at: Mutex<Option<Instant>>,
}

impl ClockOffset {
    /// This machine's time.
    pub fn machine() -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// The venue's time.
    pub fn now(&self) -> Timestamp {
        let offset = self.ms.load(Ordering::Relaxed);
        Timestamp::from_ms(Self::machine().as_ms().saturating_add(offset))
    }

    /// Venue's clock less this machine's, milliseconds.
    pub fn offset_ms(&self) -> i64 {
        self.ms.load(Ordering::Relaxed)
    }

    /// Learns from an answer: the venue's clock stood at `venue` at some time between `asked` and
    /// `answered`, by this machine's clock; the middle is the best guess.
    pub fn learn(&self, venue: Timestamp, asked: Timestamp, answered: Timestamp) {
        let middle = i64::midpoint(asked.as_ms(), answered.as_ms());
        self.ms.store(venue.as_ms().saturating_sub(middle), Ordering::Relaxed);
        *self.learned_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether it was learned within this time, by a clock that nobody sets.
    pub fn is_fresh(&self, within: Duration) -> bool {
        let learned_at = *self.learned_at.lock().unwrap_or_else(PoisonError::into_inner);
        learned_at.is_some_and(|at| at.elapsed() <= within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offset_is_that_of_the_middle() {
        let clock = ClockOffset::default();
        let hour = Duration::from_secs(3_600);
        assert!(!clock.is_fresh(hour));
        let at = Timestamp::from_ms;
        clock.learn(at(10_000), at(4_000), at(4_200));
        assert_eq!(clock.offset_ms(), 5_900);
        assert!(clock.is_fresh(hour));
        assert!(clock.now() > ClockOffset::machine());
    }
}
