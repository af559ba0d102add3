use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use tradepulse_core::time::Timestamp;

/// Where the time comes from.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock, corrected by the venue's offset in milliseconds.
    System {
        /// Venue's clock less the machine's.
        offset_ms: Arc<AtomicI64>,
    },
    /// Begins at an instant and moves with the timers of the runtime, also where these are paused.
    Timers {
        /// Where it began.
        from: Timestamp,
        /// When that was.
        since: tokio::time::Instant,
    },
    /// The time of what was told last: of a replay.
    Events(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::System { offset_ms: Arc::default() }
    }

    /// A clock that says `from` now, and moves with the timers of the runtime.
    pub fn timers(from: Timestamp) -> Self {
        Self::Timers { from, since: tokio::time::Instant::now() }
    }

    /// A clock that stands where it is put.
    pub fn events() -> Self {
        Self::Events(Arc::new(AtomicI64::new(Timestamp::EARLIEST.as_ms())))
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System { offset_ms } => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                let ms = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
                Timestamp::from_ms(ms.saturating_add(offset_ms.load(Ordering::Relaxed)))
            }
            Self::Timers { from, since } => {
                let ms = i64::try_from(since.elapsed().as_millis()).unwrap_or(i64::MAX);
                Timestamp::from_ms(from.as_ms().saturating_add(ms))
            }
            Self::Events(at) => Timestamp::from_ms(at.load(Ordering::Relaxed)),
        }
    }

    /// The venue says that it is `at`: a system's clock goes by that from now on.
    pub fn set(&self, at: Timestamp) {
        if let Self::System { offset_ms } = self {
            let own = self.now().as_ms().saturating_sub(offset_ms.load(Ordering::Relaxed));
            offset_ms.store(at.as_ms().saturating_sub(own), Ordering::Relaxed);
        }
    }

    /// Something happened at `at`: a clock of events moves there, if that is forward.
    pub fn happened(&self, at: Timestamp) {
        if let Self::Events(now) = self {
            now.fetch_max(at.as_ms(), Ordering::Relaxed);
        }
    }
}
