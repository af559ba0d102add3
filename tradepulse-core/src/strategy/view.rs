use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Input;
use crate::ensemble::Advice;
use crate::market::{Candle, Columns};
use crate::time::{Timeframe, Timestamp};

/// Best bid and ask.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quote {
    /// Highest price somebody buys at.
    pub bid: f64,
    /// Lowest price somebody sells at.
    pub ask: f64,
}

impl Quote {
    /// Distance of ask and bid in basis points of their middle.
    pub fn spread_bps(&self) -> f64 {
        (self.ask - self.bid) / ((self.ask + self.bid) / 2.0) * 10_000.0
    }
}

/// What a strategy may know at the close of a candle: that candle, those before it, and the inputs
/// it declared, none of which reaches beyond that close.
///
/// `ago` counts backwards: 0 is the candle that has just closed.
#[derive(Clone, Copy)]
pub struct View<'a> {
    columns: &'a Columns,
    inputs: &'a [Arc<Vec<f64>>],
    at: usize,
    forgotten: usize,
    timeframe: Timeframe,
    quote: Option<Quote>,
    /// Of the rows of the columns; shorter where there is none.
    advice: &'a [Option<Advice>],
}

/// The candle that has just closed: neither the whole history nor what follows it.
impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View")
            .field("index", &self.index())
            .field("candle", &self.columns.candle(self.at))
            .field("quote", &self.quote)
            .finish_non_exhaustive()
    }
}

impl<'a> View<'a> {
    /// A view at row `at` of `columns`, of which `forgotten` older rows are not kept any more.
    pub(crate) fn new(
        columns: &'a Columns,
        inputs: &'a [Arc<Vec<f64>>],
        at: usize,
        forgotten: usize,
        timeframe: Timeframe,
        quote: Option<Quote>,
    ) -> Self {
        Self { columns, inputs, at, forgotten, timeframe, quote, advice: &[] }
    }

    /// The same view with what models advised, by row of the columns.
    #[inline]
    pub(crate) fn with_advice(self, advice: &'a [Option<Advice>]) -> Self {
        Self { advice, ..self }
    }

    /// Number of this candle since the start of the history, counted from 0.
    #[inline]
    pub fn index(&self) -> usize {
        self.forgotten + self.at
    }

    /// How many candles can be looked at, this one included.
    #[inline]
    pub fn len(&self) -> usize {
        self.at + 1
    }

    /// Never: a view has at least the candle that has just closed.
    #[inline]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The timeframe of the candles.
    #[inline]
    pub fn timeframe(&self) -> Timeframe {
        self.timeframe
    }

    /// When this candle opened.
    #[inline]
    pub fn open_time(&self) -> Timestamp {
        Timestamp::from_ms(self.columns.time[self.at])
    }

    /// The candle `ago` candles back; `None` before the start of the history.
    #[inline]
    pub fn candle(&self, ago: usize) -> Option<Candle> {
        Some(self.columns.candle(self.at.checked_sub(ago)?))
    }

    /// First price of the candle `ago` candles back; NaN before the start of the history.
    #[inline]
    pub fn open(&self, ago: usize) -> f64 {
        self.value(&self.columns.open, ago)
    }

    /// Highest price of the candle `ago` candles back; NaN before the start of the history.
    #[inline]
    pub fn high(&self, ago: usize) -> f64 {
        self.value(&self.columns.high, ago)
    }

    /// Lowest price of the candle `ago` candles back; NaN before the start of the history.
    #[inline]
    pub fn low(&self, ago: usize) -> f64 {
        self.value(&self.columns.low, ago)
    }

    /// Last price of the candle `ago` candles back; NaN before the start of the history.
    #[inline]
    pub fn close(&self, ago: usize) -> f64 {
        self.value(&self.columns.close, ago)
    }

    /// Volume of the candle `ago` candles back; NaN before the start of the history.
    #[inline]
    pub fn volume(&self, ago: usize) -> f64 {
        self.value(&self.columns.volume, ago)
    }

    /// The last `count` highs, oldest first; `None` if there are fewer.
    #[inline]
    pub fn highs(&self, count: usize) -> Option<&'a [f64]> {
        self.columns.high.get((self.at + 1).checked_sub(count)?..=self.at)
    }

    /// The last `count` lows, oldest first; `None` if there are fewer.
    #[inline]
    pub fn lows(&self, count: usize) -> Option<&'a [f64]> {
        self.columns.low.get((self.at + 1).checked_sub(count)?..=self.at)
    }

    /// The last `count` closes, oldest first; `None` if there are fewer.
    #[inline]
    pub fn closes(&self, count: usize) -> Option<&'a [f64]> {
        self.columns.close.get((self.at + 1).checked_sub(count)?..=self.at)
    }

    /// The value a declared input had `ago` candles back; `None` while it was warming up.
    #[inline]
    pub fn input(&self, input: Input, ago: usize) -> Option<f64> {
        let value = self.inputs[input.slot()][self.at.checked_sub(ago)?];
        (!value.is_nan()).then_some(value)
    }

    /// The last `N` values of a declared input, oldest first, `NaN` while it was warming up; `None`
    /// if there are fewer candles.
    #[inline]
    pub fn last_inputs<const N: usize>(&self, input: Input) -> Option<[f64; N]> {
        let values = self.inputs[input.slot()].get(..=self.at)?;
        values.last_chunk().copied()
    }

    /// Best bid and ask at this close, where known. Candles alone do not tell.
    #[inline]
    pub fn quote(&self) -> Option<Quote> {
        self.quote
    }

    /// What models together advise at this close; `None` if none were asked or could answer.
    #[inline]
    pub fn advice(&self) -> Option<&'a Advice> {
        self.advice.get(self.at)?.as_ref()
    }

    #[inline]
    fn value(&self, column: &[f64], ago: usize) -> f64 {
        match self.at.checked_sub(ago) {
            Some(row) => column[row],
            None => f64::NAN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_view_does_not_tell_the_future() {
        let mut columns = Columns::default();
        for (i, price) in [101.0, 202.0, 303.0].into_iter().enumerate() {
            let open_time = Timestamp::from_ms(i as i64 * 60_000);
            let (open, high, low, close) = (price, price, price, price);
            columns.push(Candle { open_time, open, high, low, close, volume: 1.0 });
        }
        let text = format!("{:?}", View::new(&columns, &[], 1, 0, Timeframe::M1, None));
        assert!(text.contains("202") && !text.contains("303") && !text.contains("101"), "{text}");
    }
}
