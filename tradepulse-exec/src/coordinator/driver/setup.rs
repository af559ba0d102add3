use std::sync::Arc;

use tradepulse_core::desk::{Desk, Level};
use tradepulse_core::exchange::Exchange;
use tradepulse_core::store::trading::TradingStore;
use tradepulse_core::time::Timestamp;

use super::{ControlHook, Driver};
use crate::coordinator::{Clock, Observer, Owner};

/// How commands are carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// One after the other, each answer awaited before the next event: for venues that answer at
    /// once, and the same every time.
    Lockstep,
    /// Side by side; an answer that takes longer than this counts as lost.
    Concurrent {
        /// Milliseconds.
        timeout_ms: u64,
    },
}

/// Places at which a process may die; tests let it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashPoint {
    /// An event was told and is not written yet.
    Told,
    /// The journal is on the disk; nothing has left.
    Written,
    /// A command was carried out; its answer is not known to the desk.
    Done,
    /// Records are about to be stored.
    Recording,
}

/// Called at each [`CrashPoint`]; `true` breaks off there, as a crash would.
pub type CrashHook = Arc<dyn Fn(CrashPoint) -> bool + Send + Sync>;

/// What a driver is made of.
pub struct DriverSetup {
    /// The desk, with its lanes, as it is before the first event of the run.
    pub desk: Desk,
    /// The venue.
    pub exchange: Arc<dyn Exchange>,
    /// Where journal and records are kept.
    pub store: Arc<dyn TradingStore>,
    /// Whose records they are.
    pub owner: Owner,
    /// The time.
    pub clock: Clock,
    /// How commands are carried out.
    pub pace: Pace,
}

/// Why a run came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// The feed has ended.
    FeedEnded,
    /// Somebody wanted it to end.
    Stopped,
}

impl Driver {
    /// Calls `hook` at each point at which a crash could happen: for tests of crashes.
    #[must_use]
    pub fn with_crash_hook(mut self, hook: CrashHook) -> Self {
        self.hook = Some(hook);
        self
    }

    /// Lets somebody look on.
    #[must_use]
    pub fn with_observer(mut self, observer: Box<dyn Observer>) -> Self {
        self.observers.push(observer);
        self
    }

    /// Calls `hook` with each control once the desk was told.
    #[must_use]
    pub fn with_control_hook(mut self, hook: ControlHook) -> Self {
        self.on_control = Some(hook);
        self
    }

    /// Stores the state of the risk gate as it changes, so that the wallet's next run goes on from
    /// it. `since`: when the wallet's state was stored first.
    #[must_use]
    pub fn with_risk_record(mut self, since: Timestamp) -> Self {
        self.recorder.keep_risk_state(since);
        self
    }

    /// Tells those who look on something that is no event of the desk.
    pub fn note(&mut self, level: Level, text: &str) {
        for observer in &mut self.observers {
            observer.noted(level, text);
        }
    }

    /// The venue lives in this process and dies with it. Nothing that was sent then outlives a
    /// crash, and journal and records are written in batches, the journal first: what a crash loses
    /// is the end of both, and the venue with its account. For replays; a venue that outlives the
    /// process must find everything it was sent in the journal.
    #[must_use]
    pub fn with_venue_in_process(mut self) -> Self {
        self.in_process = true;
        self
    }
}
