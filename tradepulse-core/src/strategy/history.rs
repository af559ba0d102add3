use std::fmt;
use std::sync::Arc;

use super::input::Stream;
use super::{Inputs, Quote, View};
use crate::ensemble::Advice;
use crate::indicator::PeriodError;
use crate::market::{Candle, Columns};
use crate::time::Timeframe;

/// Candles and inputs as they arrive, one by one, with a bounded memory: what live trading shows a
/// strategy instead of a whole series. A strategy sees the same values either way.
pub struct History {
    timeframe: Timeframe,
    kept: usize,
    forgotten: usize,
    columns: Columns,
    inputs: Vec<Arc<Vec<f64>>>,
    streams: Vec<Stream>,
    advice: Vec<Option<Advice>>,
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History")
            .field("timeframe", &self.timeframe)
            .field("candles", &(self.forgotten + self.columns.len()))
            .finish_non_exhaustive()
    }
}

impl History {
    /// An empty history that computes `inputs` and keeps at least the last `kept` candles.
    ///
    /// # Errors
    /// If a declared period is outside its indicator's range.
    pub fn new(timeframe: Timeframe, inputs: &Inputs, kept: usize) -> Result<Self, PeriodError> {
        let streams = inputs.streams()?;
        Ok(Self {
            timeframe,
            kept: kept.max(1),
            forgotten: 0,
            columns: Columns::default(),
            inputs: streams.iter().map(|_| Arc::default()).collect(),
            streams,
            advice: Vec::new(),
        })
    }

    /// Adds the candle that has just closed and shows the history up to it.
    pub fn push(&mut self, candle: Candle, quote: Option<Quote>) -> View<'_> {
        self.push_advised(candle, quote, None)
    }

    /// The same, with what models advise at its close.
    pub fn push_advised(
        &mut self,
        candle: Candle,
        quote: Option<Quote>,
        advice: Option<Advice>,
    ) -> View<'_> {
        if self.columns.len() >= 2 * self.kept {
            let cut = self.columns.len() - self.kept;
            self.columns.forget(cut);
            self.advice.drain(..cut);
            for column in &mut self.inputs {
                Arc::make_mut(column).drain(..cut);
            }
            self.forgotten += cut;
        }
        self.columns.push(candle);
        self.advice.push(advice);
        for (column, next) in self.inputs.iter_mut().zip(&mut self.streams) {
            Arc::make_mut(column).push(next(&candle));
        }
        let at = self.columns.len() - 1;
        View::new(&self.columns, &self.inputs, at, self.forgotten, self.timeframe, quote)
            .with_advice(&self.advice)
    }
}
