use crate::time::{Timeframe, Timestamp};

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

    /// The same error about the rows that `origin` maps to.
    pub(super) fn with_rows(mut self, origin: &[usize]) -> Self {
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
