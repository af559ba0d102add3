use std::sync::Arc;

use tradepulse_core::desk::Desk;
use tradepulse_core::exchange::Exchange;
use tradepulse_core::store::trading::TradingStore;

use crate::coordinator::{Clock, Owner};

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
