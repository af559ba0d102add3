//! Checked candles, and the checks.

#[cfg(test)]
mod tests;

use std::ops::Range;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Candle, Columns, DataError};
use crate::time::{Timeframe, Timestamp};

/// Missing candles of a series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gaps {
    /// Number of gaps.
    pub count: u64,
    /// Candles missing in all gaps together.
    pub missing: u64,
    /// Candles missing in the longest gap.
    pub longest: u64,
}

/// What [`Series::repair`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repair {
    /// Rows that stood before an older row and were moved.
    pub moved: usize,
    /// Exact duplicates dropped.
    pub dropped: usize,
}

/// Checked candles of one timeframe, as columns.
///
/// A `Series` is proof: its open times rise strictly and lie on the timeframe's grid; its prices
/// are finite and positive; `low <= open, close <= high`; its volumes are finite and not negative.
/// Candles may be missing ([`gaps`](Self::gaps)): exchanges halt, and markets sleep.
///
/// ```
/// use tradepulse_core::market::{Candle, Columns, Series};
/// use tradepulse_core::time::{Timeframe, Timestamp};
///
/// let mut columns = Columns::default();
/// for i in 0..3 {
///     columns.push(Candle {
///         open_time: Timestamp::from_ms(i * 300_000),
///         open: 100.0, high: 101.0, low: 99.0, close: 100.5, volume: 7.0,
///     });
/// }
/// let series = Series::new(Timeframe::M5, columns)?;
/// assert_eq!(series.len(), 3);
/// assert_eq!(series.gaps().count, 0);
/// # Ok::<(), tradepulse_core::market::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    timeframe: Timeframe,
    columns: Columns,
}

impl Series {
    /// Checks `columns` and takes them.
    ///
    /// # Errors
    /// The first row that is out of order, doubled, off the grid or impossible.
    pub fn new(timeframe: Timeframe, columns: Columns) -> Result<Self, DataError> {
        check_lengths(&columns)?;
        check_times(timeframe, &columns)?;
        check_values(&columns)?;
        Ok(Self { timeframe, columns })
    }

    /// Sorts the rows by time and drops exact duplicates, then checks as [`new`](Self::new) does.
    ///
    /// # Errors
    /// What sorting cannot mend: two rows of one time that differ, impossible values. The row is
    /// the one in the order given.
    pub fn repair(timeframe: Timeframe, columns: Columns) -> Result<(Self, Repair), DataError> {
        check_lengths(&columns)?;
        let mut order: Vec<usize> = (0..columns.len()).collect();
        order.sort_by_key(|&i| columns.time[i]);
        let mut report = Repair::default();
        let mut oldest_behind = i64::MAX;
        for &time in columns.time.iter().rev() {
            report.moved += usize::from(time > oldest_behind);
            oldest_behind = oldest_behind.min(time);
        }
        let mut kept = Columns::with_capacity(columns.len());
        let mut origin = Vec::with_capacity(columns.len());
        for row in order {
            let candle = columns.candle(row);
            if kept.time.last() == Some(&candle.open_time.as_ms()) {
                if kept.candle(kept.len() - 1) != candle {
                    let (time, first) = (candle.open_time, origin[origin.len() - 1]);
                    return Err(DataError::Duplicate { row, first, time, conflicting: true });
                }
                report.dropped += 1;
            } else {
                kept.push(candle);
                origin.push(row);
            }
        }
        let series = Self::new(timeframe, kept).map_err(|e| e.with_rows(&origin))?;
        Ok((series, report))
    }

    /// The timeframe of every candle.
    pub fn timeframe(&self) -> Timeframe {
        self.timeframe
    }

    /// Number of candles.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there is no candle.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The columns.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Gives the columns back.
    pub fn into_columns(self) -> Columns {
        self.columns
    }

    /// Open times, milliseconds since the Unix epoch (UTC).
    pub fn time(&self) -> &[i64] {
        &self.columns.time
    }

    /// First prices.
    pub fn open(&self) -> &[f64] {
        &self.columns.open
    }

    /// Highest prices.
    pub fn high(&self) -> &[f64] {
        &self.columns.high
    }

    /// Lowest prices.
    pub fn low(&self) -> &[f64] {
        &self.columns.low
    }

    /// Last prices.
    pub fn close(&self) -> &[f64] {
        &self.columns.close
    }

    /// Volumes in base currency.
    pub fn volume(&self) -> &[f64] {
        &self.columns.volume
    }

    /// The `i`-th candle.
    ///
    /// # Panics
    /// If `i` is not below [`len`](Self::len).
    pub fn candle(&self, i: usize) -> Candle {
        self.columns.candle(i)
    }

    /// All candles in order.
    pub fn candles(&self) -> impl ExactSizeIterator<Item = Candle> + '_ {
        (0..self.len()).map(|i| self.candle(i))
    }

    /// The instant the `i`-th candle closes.
    ///
    /// # Panics
    /// If `i` is not below [`len`](Self::len).
    pub fn close_time(&self, i: usize) -> Timestamp {
        Timestamp::from_ms(self.columns.time[i] + self.timeframe.as_ms())
    }

    /// Open time of the first and close time of the last candle; `None` if there is no candle.
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let first = self.columns.time.first()?;
        Some((Timestamp::from_ms(*first), self.close_time(self.len() - 1)))
    }

    /// The candles that open at `from` or later and before `to`.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> Self {
        let start = self.columns.time.partition_point(|&t| t < from.as_ms());
        let end = self.columns.time.partition_point(|&t| t < to.as_ms()).max(start);
        Self { timeframe: self.timeframe, columns: self.columns.slice(start..end) }
    }

    /// The candles in `rows`.
    ///
    /// # Panics
    /// If `rows` reaches beyond [`len`](Self::len).
    pub fn slice(&self, rows: Range<usize>) -> Self {
        Self { timeframe: self.timeframe, columns: self.columns.slice(rows) }
    }

    /// Counts missing candles.
    pub fn gaps(&self) -> Gaps {
        let mut gaps = Gaps::default();
        for (_, missing) in self.missing() {
            gaps.count += 1;
            gaps.missing += missing;
            gaps.longest = gaps.longest.max(missing);
        }
        gaps
    }

    /// Every gap: the row after it, and how many candles are missing before that row.
    pub fn missing(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        let step = self.timeframe.as_ms();
        self.columns.time.windows(2).enumerate().filter_map(move |(i, pair)| {
            let missing = (pair[1] - pair[0]) / step - 1;
            (missing > 0).then_some((i + 1, missing.unsigned_abs()))
        })
    }

    /// Refuses gaps.
    ///
    /// # Errors
    /// [`DataError::Gap`] for the first gap.
    pub fn require_no_gaps(&self) -> Result<(), DataError> {
        match self.missing().next() {
            None => Ok(()),
            Some((row, missing)) => {
                let time = Timestamp::from_ms(self.columns.time[row]);
                Err(DataError::Gap { row, time, missing })
            }
        }
    }

    /// SHA-256 of the timeframe and all values (little-endian, column after column), in hex.
    /// Two series have the same hash only if every bit of every value is the same.
    pub fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.timeframe.as_ms().to_le_bytes());
        hash.update((self.len() as u64).to_le_bytes());
        let mut buffer = Vec::with_capacity(8 * 1024);
        for times in self.time().chunks(1024) {
            buffer.clear();
            buffer.extend(times.iter().flat_map(|t| t.to_le_bytes()));
            hash.update(&buffer);
        }
        for column in [self.open(), self.high(), self.low(), self.close(), self.volume()] {
            for values in column.chunks(1024) {
                buffer.clear();
                buffer.extend(values.iter().flat_map(|v| v.to_le_bytes()));
                hash.update(&buffer);
            }
        }
        crate::hex(&hash.finalize())
    }
}

fn check_lengths(columns: &Columns) -> Result<(), DataError> {
    let expected = columns.time.len();
    for (column, values) in [
        ("open", &columns.open),
        ("high", &columns.high),
        ("low", &columns.low),
        ("close", &columns.close),
        ("volume", &columns.volume),
    ] {
        if values.len() != expected {
            return Err(DataError::Ragged { column, found: values.len(), expected });
        }
    }
    Ok(())
}

fn check_times(timeframe: Timeframe, columns: &Columns) -> Result<(), DataError> {
    let mut previous: Option<i64> = None;
    for (row, &ms) in columns.time.iter().enumerate() {
        let time = Timestamp::from_ms(ms);
        if let Some(before) = previous {
            // The usual case: the next candle. On the grid because the one before is.
            if before.checked_add(timeframe.as_ms()) == Some(ms) && ms <= Timestamp::LATEST.as_ms()
            {
                previous = Some(ms);
                continue;
            }
        }
        if time < Timestamp::EARLIEST || time > Timestamp::LATEST {
            return Err(DataError::Time { row, time });
        }
        if !timeframe.is_aligned(time) {
            return Err(DataError::Misaligned { row, time, timeframe });
        }
        if let Some(before) = previous {
            if ms < before {
                let previous = Timestamp::from_ms(before);
                return Err(DataError::Unsorted { row, time, previous });
            }
            if ms == before {
                let conflicting = columns.candle(row) != columns.candle(row - 1);
                return Err(DataError::Duplicate { row, first: row - 1, time, conflicting });
            }
        }
        previous = Some(ms);
    }
    Ok(())
}

fn check_values(columns: &Columns) -> Result<(), DataError> {
    if all_possible(columns) {
        return Ok(());
    }
    for row in 0..columns.len() {
        let c = columns.candle(row);
        let prices = [("open", c.open), ("high", c.high), ("low", c.low), ("close", c.close)];
        let fault = |column, value, reason| Err(DataError::Value { row, column, value, reason });
        for (column, value) in prices {
            if !value.is_finite() {
                return fault(column, value, "is not a finite number");
            }
            if value <= 0.0 {
                return fault(column, value, "is not above zero");
            }
        }
        if c.high < c.low {
            return fault("high", c.high, "is below the low");
        }
        for (column, value) in [("open", c.open), ("close", c.close)] {
            if value > c.high {
                return fault(column, value, "is above the high");
            }
            if value < c.low {
                return fault(column, value, "is below the low");
            }
        }
        if !c.volume.is_finite() {
            return fault("volume", c.volume, "is not a finite number");
        }
        if c.volume < 0.0 {
            return fault("volume", c.volume, "is negative");
        }
    }
    Ok(())
}

/// Whether no value is impossible: the checks of [`check_values`] without branches, so that they
/// run several rows at a time. Comparisons with NaN are false.
fn all_possible(columns: &Columns) -> bool {
    let rows = columns.len();
    let (open, high) = (&columns.open[..rows], &columns.high[..rows]);
    let (low, close) = (&columns.low[..rows], &columns.close[..rows]);
    let volume = &columns.volume[..rows];
    let mut possible = true;
    for i in 0..rows {
        possible &= (low[i] > 0.0)
            & (low[i] <= open[i])
            & (low[i] <= close[i])
            & (open[i] <= high[i])
            & (close[i] <= high[i])
            & (high[i] <= f64::MAX)
            & (volume[i] >= 0.0)
            & (volume[i] <= f64::MAX);
    }
    possible
}
