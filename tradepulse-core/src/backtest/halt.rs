//! Ending a backtest that is under way.

use std::fmt;

use crate::performance::Metrics;

/// Says whether to stop. Once it has said yes it must go on saying so.
type Stop<'a> = &'a (dyn Fn() -> bool + Sync);
/// Says from the figures so far whether to give up.
type GiveUp<'a> = &'a (dyn Fn(&Metrics) -> bool + Sync);

/// Who may end a run, and where.
#[derive(Clone, Copy, Default)]
pub(super) struct Halt<'a> {
    pub(super) stop: Option<Stop<'a>>,
    pub(super) checkpoint: Option<(usize, GiveUp<'a>)>,
}

impl Halt<'_> {
    /// Candles between two looks at `stop`: a few milliseconds.
    pub(super) const PACE: usize = 65_536;

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_some_and(|stop| stop())
    }

    /// The first row to pause before, of a run that begins at `start`.
    pub(super) fn first(&self, start: usize) -> usize {
        if self.stop.is_some() { start } else { self.checkpoint_after(start) }
    }

    /// The row to pause before next, after a pause before `at`.
    pub(super) fn next(&self, at: usize) -> usize {
        let look = self.stop.map_or(usize::MAX, |_| at + Self::PACE);
        look.min(self.checkpoint_after(at))
    }

    fn checkpoint_after(&self, at: usize) -> usize {
        self.checkpoint.map_or(usize::MAX, |(row, _)| if row > at { row } else { usize::MAX })
    }
}

impl fmt::Debug for Halt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Halt")
            .field("stop", &self.stop.is_some())
            .field("checkpoint", &self.checkpoint.map(|(row, _)| row))
            .finish()
    }
}
