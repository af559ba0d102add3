use std::ops::Range;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Candle;
use crate::time::{Timeframe, Timestamp};

/// Candles as six columns of equal length, one entry a candle, nothing checked yet.
///
/// This is what an importer fills; [`Series::new`] checks it.
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

    fn slice(&self, rows: Range<usize>) -> Self {
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

/// What is wrong with a row of market data. Rows are counted from 0 in the order given.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The columns differ in length.
    #[error("column {column} has {found} rows, the time column has {expected}")]
    Ragged {
        /// The column that differs.
        column: &'static str,
        /// Its length.
        found: usize,
        /// The length of the time column.
        expected: usize,
    },
    /// A value that no candle can have.
    #[error("row {row}: {column} {value} {reason}")]
    Value {
        /// Row of the value.
        row: usize,
        /// Column of the value.
        column: &'static str,
        /// The value.
        value: f64,
        /// Why it is impossible.
        reason: &'static str,
    },
    /// A time that cannot be written as a date with a four-digit year.
    #[error("row {row}: time {time} is not in the years 1 to 9999")]
    Time {
        /// Row of the time.
        row: usize,
        /// The time.
        time: Timestamp,
    },
    /// An open time off the grid of the timeframe.
    #[error("row {row}: time {time} is not the open time of a {timeframe} candle")]
    Misaligned {
        /// Row of the time.
        row: usize,
        /// The time.
        time: Timestamp,
        /// The timeframe that was declared.
        timeframe: Timeframe,
    },
    /// A row older than the one before it.
    #[error("row {row}: time {time} is before that of the previous row ({previous})")]
    Unsorted {
        /// The row that steps back.
        row: usize,
        /// Its time.
        time: Timestamp,
        /// The time of the row before.
        previous: Timestamp,
    },
    /// The same time twice.
    #[error("row {row}: time {time} appears a second time{}", if *.conflicting { " with other values" } else { "" })]
    Duplicate {
        /// The second row.
        row: usize,
        /// The row that had the time first.
        first: usize,
        /// The time both have.
        time: Timestamp,
        /// Whether the two rows differ in a price or the volume.
        conflicting: bool,
    },
    /// A gap, where gaps are not allowed.
    #[error("row {row}: {missing} candles are missing before {time}")]
    Gap {
        /// The first row after the gap.
        row: usize,
        /// Its time.
        time: Timestamp,
        /// How many candles are missing.
        missing: u64,
    },
}

impl DataError {
    /// The row at fault, if the error is about one row.
    pub fn row(&self) -> Option<usize> {
        match *self {
            Self::Ragged { .. } => None,
            Self::Value { row, .. }
            | Self::Time { row, .. }
            | Self::Misaligned { row, .. }
            | Self::Unsorted { row, .. }
            | Self::Duplicate { row, .. }
            | Self::Gap { row, .. } => Some(row),
        }
    }

    /// What is wrong, without the row: for messages that name the place in words of their own.
    pub fn reason(&self) -> String {
        let text = self.to_string();
        match (self.row(), text.split_once(": ")) {
            (Some(_), Some((_, reason))) => reason.to_owned(),
            _ => text,
        }
    }

    /// The column at fault.
    pub fn column(&self) -> &'static str {
        match *self {
            Self::Ragged { column, .. } | Self::Value { column, .. } => column,
            _ => "time",
        }
    }
}

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

impl DataError {
    /// The same error about the rows that `origin` maps to.
    fn with_rows(mut self, origin: &[usize]) -> Self {
        match &mut self {
            Self::Ragged { .. } => {}
            Self::Duplicate { row, first, .. } => {
                (*row, *first) = (origin[*row], origin[*first]);
            }
            Self::Value { row, .. }
            | Self::Time { row, .. }
            | Self::Misaligned { row, .. }
            | Self::Unsorted { row, .. }
            | Self::Gap { row, .. } => *row = origin[*row],
        }
        self
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

#[cfg(test)]
mod tests {
    use super::*;

    fn candle(minute: i64, close: f64) -> Candle {
        Candle {
            open_time: Timestamp::from_ms(minute * 60_000),
            open: 10.0,
            high: 12.0,
            low: 8.0,
            close,
            volume: 1.0,
        }
    }

    fn columns(rows: &[Candle]) -> Columns {
        let mut columns = Columns::default();
        rows.iter().for_each(|c| columns.push(*c));
        columns
    }

    fn refused(rows: &[Candle]) -> DataError {
        Series::new(Timeframe::M1, columns(rows)).unwrap_err()
    }

    #[test]
    fn impossible_rows_are_named() {
        let good = candle(0, 10.0);
        let bad = |change: fn(&mut Candle)| {
            let mut c = candle(1, 10.0);
            change(&mut c);
            refused(&[good, c])
        };
        for (error, column) in [
            (bad(|c| c.open = f64::NAN), "open"),
            (bad(|c| c.high = f64::INFINITY), "high"),
            (bad(|c| c.low = -1.0), "low"),
            (bad(|c| c.low = 0.0), "low"),
            (bad(|c| c.high = 7.0), "high"),
            (bad(|c| c.close = 13.0), "close"),
            (bad(|c| c.open = 7.0), "open"),
            (bad(|c| c.volume = -0.5), "volume"),
            (bad(|c| c.volume = f64::NAN), "volume"),
            (bad(|c| c.open_time = Timestamp::from_ms(60_001)), "time"),
            (bad(|c| c.open_time = Timestamp::from_ms(i64::MAX)), "time"),
            (bad(|c| c.open_time = Timestamp::from_ms(i64::MIN)), "time"),
        ] {
            assert_eq!((error.row(), error.column()), (Some(1), column), "{error}");
        }
        let mut short = columns(&[good]);
        short.close.clear();
        assert!(matches!(
            Series::new(Timeframe::M1, short),
            Err(DataError::Ragged { column: "close", found: 0, expected: 1 })
        ));
    }

    #[test]
    fn order_and_duplicates() {
        assert!(matches!(
            refused(&[candle(2, 10.0), candle(1, 10.0)]),
            DataError::Unsorted { row: 1, .. }
        ));
        assert!(matches!(
            refused(&[candle(1, 10.0), candle(1, 10.0)]),
            DataError::Duplicate { row: 1, conflicting: false, .. }
        ));
        assert!(matches!(
            refused(&[candle(1, 10.0), candle(1, 11.0)]),
            DataError::Duplicate { row: 1, conflicting: true, .. }
        ));
    }

    #[test]
    fn repair_sorts_and_drops_but_never_chooses() {
        let rows = [candle(2, 9.0), candle(1, 10.0), candle(2, 9.0), candle(4, 11.0)];
        let (series, report) = Series::repair(Timeframe::M1, columns(&rows)).unwrap();
        assert_eq!(series.time(), [60_000, 120_000, 240_000]);
        assert_eq!(report, Repair { moved: 1, dropped: 1 });
        assert_eq!(series.gaps(), Gaps { count: 1, missing: 1, longest: 1 });
        assert!(matches!(series.require_no_gaps(), Err(DataError::Gap { row: 2, .. })));

        let rows = [candle(2, 9.0), candle(1, 10.0), candle(2, 9.5)];
        let error = Series::repair(Timeframe::M1, columns(&rows)).unwrap_err();
        assert!(matches!(error, DataError::Duplicate { row: 2, first: 0, conflicting: true, .. }));
        assert_eq!(
            error.reason(),
            "time 1970-01-01T00:02:00Z appears a second time with other values"
        );
        let mut bad = candle(1, 10.0);
        bad.low = 0.0;
        let error = Series::repair(Timeframe::M1, columns(&[candle(2, 9.0), bad])).unwrap_err();
        assert_eq!(error.row(), Some(1));
    }

    #[test]
    fn selections_and_hash() {
        let rows: Vec<_> = (0..5).map(|m| candle(m, 10.0)).collect();
        let series = Series::new(Timeframe::M1, columns(&rows)).unwrap();
        let part = series.between(Timestamp::from_ms(60_000), Timestamp::from_ms(180_000));
        assert_eq!(part.time(), [60_000, 120_000]);
        assert_eq!(part, series.slice(1..3));
        assert!(series.between(Timestamp::from_ms(9), Timestamp::from_ms(3)).is_empty());
        assert_eq!(series.span().unwrap().1.as_ms(), 300_000);
        assert_eq!(series.sha256().len(), 64);
        assert_ne!(series.sha256(), part.sha256());
    }
}
