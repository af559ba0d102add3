use std::{io, path::Path, path::PathBuf};

use tradepulse_core::market::{DataError, FundingError};

use super::place::{Origins, Place};

/// Candles that cannot be imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// A file that cannot be read, or whose compression is damaged.
    #[error("cannot read {}", .file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file of a kind that is not known.
    #[error("{} {reason}", .file.display())]
    Format {
        /// The file.
        file: PathBuf,
        /// What it is.
        reason: String,
    },
    /// Something in a Parquet file that cannot be decoded.
    #[error("cannot read {} as Parquet", .file.display())]
    Parquet {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        source: parquet::errors::ParquetError,
    },
    /// No column of this kind.
    #[error("{}: no column for {column}; found: {}", .file.display(), .found.join(", "))]
    MissingColumn {
        /// The file.
        file: PathBuf,
        /// What is missing.
        column: &'static str,
        /// The names of all columns.
        found: Vec<String>,
    },
    /// Several columns of one kind.
    #[error("{}: more than one column for {column}: {}", .file.display(), .found.join(", "))]
    DoubledColumn {
        /// The file.
        file: PathBuf,
        /// The kind.
        column: &'static str,
        /// The names of the columns of that kind.
        found: Vec<String>,
    },
    /// A column of a type that no candle has.
    #[error("{}: column {column} is of type {found}, which cannot be read", .file.display())]
    ColumnType {
        /// The file.
        file: PathBuf,
        /// The column.
        column: &'static str,
        /// Its type.
        found: String,
    },
    /// A line that is not a line of the table.
    #[error("{place}: {reason}")]
    Line {
        /// Where.
        place: Place,
        /// What is wrong.
        reason: String,
    },
    /// A value that cannot be read.
    #[error("{place}, column {column}: {text:?} {reason}")]
    Value {
        /// Where.
        place: Place,
        /// The column.
        column: &'static str,
        /// The value as found.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A candle that is impossible, out of order, doubled, or after a gap.
    #[error(
        "{place}, column {}: {}{}",
        .error.column(),
        .error.reason(),
        .first.as_ref().map(|p| format!(" (first in {p})")).unwrap_or_default()
    )]
    Data {
        /// Where.
        place: Place,
        /// What is wrong.
        error: Box<DataError>,
        /// Of a duplicate: where the time appeared first.
        first: Option<Place>,
    },
    /// A funding payment that is impossible or out of order.
    #[error("{place}: {}", .error.reason())]
    Funding {
        /// Where.
        place: Place,
        /// What is wrong; its row counts the payments of the file from 0.
        error: FundingError,
    },
    /// A gap that remains after the repair, while gaps are not allowed.
    #[error("after the repair, {}", .error.reason())]
    GapAfterRepair {
        /// The gap; its row is counted in the repaired series.
        error: DataError,
    },
    /// A file without candles.
    #[error("{} holds no candles", .file.display())]
    Empty {
        /// The file.
        file: PathBuf,
    },
    /// More rows than allowed.
    #[error("{}: more than {max} candles", .file.display())]
    TooMany {
        /// The file being read.
        file: PathBuf,
        /// How many are allowed.
        max: usize,
    },
    /// No file was given.
    #[error("no file to import")]
    NoFiles,
}

impl ImportError {
    pub(super) fn format(file: &Path, reason: &str) -> Self {
        Self::Format { file: file.to_owned(), reason: reason.to_owned() }
    }

    pub(super) fn line(place: Place, reason: &str) -> Self {
        Self::Line { place, reason: reason.to_owned() }
    }

    /// `error` about a row, with the place that row came from.
    pub(super) fn at(origins: &Origins, error: DataError) -> Self {
        let first = match error {
            DataError::Duplicate { first, .. } => origins.place(first),
            _ => None,
        };
        match error.row().and_then(|row| origins.place(row)) {
            Some(place) => Self::Data { place, error: Box::new(error), first },
            // Only columns of unequal length have no row, and the readers never make those.
            None => Self::Format { file: PathBuf::new(), reason: error.to_string() },
        }
    }
}
