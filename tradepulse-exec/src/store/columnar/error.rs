use std::{
    io,
    path::{Path, PathBuf},
};

use tradepulse_core::{
    market::{Candle, DataError, Market},
    time::{Timeframe, Timestamp},
};

use crate::import::ImportError;

/// A history that cannot be read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The market has no history: import one.
    #[error("no candles of {0} are stored")]
    NotFound(Market),
    /// There is nothing to import.
    #[error("no candles of {0} to store")]
    Empty(Market),
    /// The candles are of another timeframe than the market.
    #[error("{found} candles cannot be stored as {market}")]
    Timeframe {
        /// The market.
        market: Market,
        /// The timeframe of the candles.
        found: Timeframe,
    },
    /// A candle is stored with other values. Nothing was changed.
    #[error(
        "{market}: the candle of {time} is stored with other values: stored {}, now {}",
        values(.stored),
        values(.given)
    )]
    Conflict {
        /// The market.
        market: Market,
        /// The open time of both.
        time: Timestamp,
        /// What is stored.
        stored: Box<Candle>,
        /// What was to be stored.
        given: Box<Candle>,
        /// The row of `given` in the series.
        row: usize,
    },
    /// Another import works on the market: wait for it.
    #[error("another import holds {}", .0.display())]
    Busy(PathBuf),
    /// Written by a later version.
    #[error("{} is of format {found}, this version reads {known}", .path.display())]
    Newer {
        /// The manifest.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The latest format that is known.
        known: u32,
    },
    /// A file of another market than its path says.
    #[error("{} is of {found}, not of {expected}", .path.display())]
    Misplaced {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: String,
        /// What its path says.
        expected: Market,
    },
    /// A damaged file: restore it, or remove the market's folder and import again.
    #[error("{} is damaged: it {reason}", .path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A candle file that is what its manifest says, but cannot be decoded.
    #[error("a stored file of {market} cannot be decoded")]
    Undecodable {
        /// The market.
        market: Market,
        /// What is wrong.
        source: Box<ImportError>,
    },
    /// Stored candles that no checked series has.
    #[error("the stored candles of {market} are impossible")]
    Impossible {
        /// The market.
        market: Market,
        /// What is wrong with them.
        source: DataError,
    },
    /// The system refuses.
    #[error("cannot access {}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl StoreError {
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    pub(super) fn corrupt(path: &Path, reason: impl Into<String>) -> Self {
        Self::Corrupt { path: path.to_owned(), reason: reason.into() }
    }
}

fn values(c: &Candle) -> String {
    format!("open {} high {} low {} close {} volume {}", c.open, c.high, c.low, c.close, c.volume)
}
