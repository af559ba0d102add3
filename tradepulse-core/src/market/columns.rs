use std::ops::Range;

use super::Candle;
use crate::time::Timestamp;

/// Candles as six columns of equal length, one entry a candle, nothing checked yet.
///
/// This is what an importer fills; [`Series::new`](super::Series::new) checks it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Columns {
    /// Open times, milliseconds since the Unix epoch (UTC).
    pub time: Vec<i64>,
    /// First prices.
    pub open: Vec<f64>,
    /// Highest prices.
    pub high: Vec<f64>,
    /// Lowest prices.
    pub low: Vec<f64>,
    /// Last prices.
    pub close: Vec<f64>,
    /// Volumes in base currency.
    pub volume: Vec<f64>,
}

impl Columns {
    /// Empty columns with room for `rows` candles.
    pub fn with_capacity(rows: usize) -> Self {
        Self {
            time: Vec::with_capacity(rows),
            open: Vec::with_capacity(rows),
            high: Vec::with_capacity(rows),
            low: Vec::with_capacity(rows),
            close: Vec::with_capacity(rows),
            volume: Vec::with_capacity(rows),
        }
    }

    /// Number of candles (of the time column).
    pub fn len(&self) -> usize {
        self.time.len()
    }

    /// Whether there is no candle.
    pub fn is_empty(&self) -> bool {
        self.time.is_empty()
    }

    /// Appends one candle.
    pub fn push(&mut self, candle: Candle) {
        self.time.push(candle.open_time.as_ms());
        self.open.push(candle.open);
        self.high.push(candle.high);
        self.low.push(candle.low);
        self.close.push(candle.close);
        self.volume.push(candle.volume);
    }

    /// The candle in row `i`.
    ///
    /// # Panics
    /// If `i` is not below [`len`](Self::len) or a column is shorter than that.
    pub fn candle(&self, i: usize) -> Candle {
        Candle {
            open_time: Timestamp::from_ms(self.time[i]),
            open: self.open[i],
            high: self.high[i],
            low: self.low[i],
            close: self.close[i],
            volume: self.volume[i],
        }
    }

    /// Drops the first `rows` candles.
    pub(crate) fn forget(&mut self, rows: usize) {
        self.time.drain(..rows);
        for column in
            [&mut self.open, &mut self.high, &mut self.low, &mut self.close, &mut self.volume]
        {
            column.drain(..rows);
        }
    }

    pub(super) fn slice(&self, rows: Range<usize>) -> Self {
        Self {
            time: self.time[rows.clone()].to_vec(),
            open: self.open[rows.clone()].to_vec(),
            high: self.high[rows.clone()].to_vec(),
            low: self.low[rows.clone()].to_vec(),
            close: self.close[rows.clone()].to_vec(),
            volume: self.volume[rows].to_vec(),
        }
    }
}
