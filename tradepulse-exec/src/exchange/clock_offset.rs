//! The venue's clock, as far as it can be known here.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use tradepulse_core::time::Timestamp;

/// The distance of a venue's clock from this machine's.
#[derive(Debug, Default)]
pub struct ClockOffset {
    ms: AtomicI64,
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offset_is_that_of_the_middle() {
        let clock = ClockOffset::default();
        let at = Timestamp::from_ms;
        clock.learn(at(10_000), at(4_000), at(4_200));
        assert_eq!(clock.offset_ms(), 5_900);
        assert!(clock.now() > ClockOffset::machine());
    }
}
