use std::ops::Range;

use super::Engine;
use crate::market::Columns;
use crate::simulation::Reach;
use crate::strategy::{Intent, Strategy, View};

/// Where a stretch of candles on which nothing happens has its end.
pub(crate) struct Quiet {
    /// The row after it.
    pub(crate) row: usize,
    /// What the strategy wants at the close of that row, if it was asked: `Some(None)` where it
    /// wants nothing and the account is ruined.
    pub(crate) asked: Option<Option<Intent>>,
}

impl<S: Strategy> Engine<S> {
    /// Shows the strategy one candle of `rows` after another for as long as no order is reached, it
    /// wants nothing, no rule of the engine asks for anything, and equity is above zero.
    ///
    /// It is what [`step`](Self::step) does on such candles, without what they do not need.
    #[inline]
    pub(crate) fn quiet<'v>(
        &mut self,
        columns: &Columns,
        rows: Range<usize>,
        reach: Reach,
        view: impl Fn(usize) -> View<'v>,
    ) -> Quiet {
        let Range { start, end } = rows;
        let end = end.min(start.saturating_add(self.idle_candles()));
        let held = self.account.position().is_some();
        let mut quiet = Quiet { row: end.max(start), asked: None };
        for row in start..end {
            if reach.is_met_by(columns.low[row], columns.high[row]) {
                quiet.row = row;
                break;
            }
            let intent = self.strategy.on_candle(&view(row));
            if intent.is_some() || (held && self.account.equity(columns.close[row]) <= 0.0) {
                quiet = Quiet { row, asked: Some(intent) };
                break;
            }
        }
        if held {
            self.held += (quiet.row - start) as u32;
        }
        quiet
    }

    /// How many closes the engine has nothing to do at by itself.
    fn idle_candles(&self) -> usize {
        if self.account.position().is_none() {
            return usize::MAX;
        }
        let busy = self.must_exit.is_some()
            || self.protection.is_some()
            || self.pending_exit.is_some()
            || self.deadline_ms != i64::MAX;
        if busy { 0 } else { self.max_holding.saturating_sub(self.held + 1) as usize }
    }
}
