//! Closed trades as a file for spreadsheets: `trades.csv`, one row each, appended when they close.
//!
//! The columns are those of [`TradeRecord`], in order and under the same names: `run`, `sequence`,
//! `wallet`, `configuration_id`, `exchange`, `symbol`, `timeframe`, `strategy`, `side` (`long`,
//! `short`), `entry_time_ms`, `entry_price`, `exit_time_ms`, `exit_price`, `quantity` (base
//! currency), `fees`, `profit` (quote currency, after fees and funding), `profit_pct` (percent of
//! the entry's notional), `exit_reason`, `holding` (candles), `ambiguous` (`true`, `false`),
//! `slippage`, `funding`. Times are milliseconds since the Unix epoch; numbers have as many digits
//! as they need to read back the same.
//!
//! The store is the record; this file is a copy, and can be written anew from it. One process
//! appends at a time ([`InstanceLock`](super::lock::InstanceLock)).

use std::{
    collections::HashSet,
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use serde_json::Value;
use tradepulse_core::store::{
    StoreError,
    trading::{Record, TradeRecord, TradingRecord},
};

use crate::atomic;

/// A `trades.csv` to append to.
#[derive(Debug)]
pub struct TradesCsv {
    path: PathBuf,
    file: File,
    /// Bytes that are whole rows.
    length: u64,
    /// The first two fields of each row: its key.
    keys: HashSet<String>,
    repaired: u64,
    /// Whether a write failed and what it left is still there.
    torn: bool,
}

impl TradesCsv {
    /// Opens the file, or makes it with its header. A last row that was cut off by a crash is
    /// removed: append its trade again.
    ///
    /// # Errors
    /// [`TradesCsvError::Foreign`] if the file has another header: it is left as it is.
    pub fn open(path: &Path) -> Result<Self, TradesCsvError> {
        let io = |source| TradesCsvError::Io { path: path.to_owned(), source };
        let header = header();
        let mut options = File::options();
        let mut file = options.create(true).read(true).append(true).open(path).map_err(io)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io)?;
        let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
        let known = bytes[..whole].starts_with(header.as_bytes())
            || (whole == 0 && header.as_bytes().starts_with(&bytes));
        if !known {
            return Err(TradesCsvError::Foreign { path: path.to_owned() });
        }
        let rows = String::from_utf8_lossy(&bytes[..whole]);
        let keys = rows.lines().skip(1).filter_map(key).map(str::to_owned).collect();
        let (length, repaired) = (whole as u64, (bytes.len() - whole) as u64);
        let mut csv = Self { path: path.to_owned(), file, length, keys, repaired, torn: false };
        if repaired > 0 {
            csv.file.set_len(length).and_then(|()| csv.file.sync_all()).map_err(io)?;
        }
        if whole == 0 {
            csv.write(&header)?;
            let folder = path.parent().unwrap_or(Path::new(""));
            atomic::sync_folder(folder).map_err(io)?;
        }
        Ok(csv)
    }

    /// How many bytes of a row that was cut off were removed when it was opened.
    pub fn repaired(&self) -> u64 {
        self.repaired
    }

    /// Appends a trade and makes it durable. `false` if its run and sequence number are there
    /// already: nothing is written then.
    ///
    /// # Errors
    /// [`TradesCsvError::Trade`] if the trade cannot be a row, [`TradesCsvError::Io`] if it could
    /// not be written: the file is as it was.
    pub fn append(&mut self, trade: &TradeRecord) -> Result<bool, TradesCsvError> {
        let row = row(trade)?;
        let key = key(&row).unwrap_or_default().to_owned();
        if self.keys.contains(&key) {
            return Ok(false);
        }
        self.write(&row)?;
        self.keys.insert(key);
        Ok(true)
    }

    /// Appends whole lines with one write.
    fn write(&mut self, lines: &str) -> Result<(), TradesCsvError> {
        match self.try_write(lines) {
            Ok(()) => {
                self.length += lines.len() as u64;
                Ok(())
            }
            Err(source) => {
                self.torn = self.file.set_len(self.length).is_err();
                Err(TradesCsvError::Io { path: self.path.clone(), source })
            }
        }
    }

    fn try_write(&mut self, lines: &str) -> io::Result<()> {
        if self.torn {
            self.file.set_len(self.length)?;
            self.torn = false;
        }
        self.file.write_all(lines.as_bytes())?;
        self.file.sync_data()
    }
}

/// Writes the header and these trades, as a file of its own has them.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] if a trade cannot be a row; what writing met.
pub fn write(out: &mut dyn Write, trades: &[TradeRecord]) -> io::Result<()> {
    out.write_all(header().as_bytes())?;
    for trade in trades {
        let row = row(trade).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
        out.write_all(row.as_bytes())?;
    }
    Ok(())
}

fn header() -> String {
    let names: Vec<_> = TradeRecord::TABLE.columns.iter().map(|c| c.name).collect();
    names.join(",") + "\n"
}

fn row(trade: &TradeRecord) -> Result<String, TradesCsvError> {
    let unfit = |reason: String| TradesCsvError::Trade {
        run: trade.run.clone(),
        sequence: trade.sequence,
        reason,
    };
    let flat = TradingRecord::from(trade.clone()).flat();
    let flat = flat.map_err(|e: StoreError| unfit(e.to_string()))?;
    let mut row = String::new();
    for column in TradeRecord::TABLE.columns {
        if !row.is_empty() {
            row.push(',');
        }
        match flat.get(column.name).unwrap_or(&Value::Null) {
            Value::String(text) if text.contains(['\n', '\r']) => {
                return Err(unfit(format!("{} has more than one line", column.name)));
            }
            Value::String(text) if row.is_empty() || text.contains(['"', ',']) => {
                row.push('"');
                row.push_str(&text.replace('"', "\"\""));
                row.push('"');
            }
            Value::String(text) => row.push_str(text),
            value => row.push_str(&value.to_string()),
        }
    }
    row.push('\n');
    Ok(row)
}

/// The first two fields of a row, as written: the run is always quoted.
fn key(row: &str) -> Option<&str> {
    let mut quoted = false;
    let mut commas = row.char_indices().filter(|(_, c)| {
        quoted ^= *c == '"';
        *c == ',' && !quoted
    });
    let (end, _) = commas.nth(1)?;
    row.get(..end)
}

/// A `trades.csv` that cannot be appended to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TradesCsvError {
    /// Another file, or one of another version: move it away, or name another.
    #[error(
        "{} does not begin with the header of trades: move it away or name another file; it was \
         left as it is",
        .path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The trade cannot be a row: correct it.
    #[error("trade {sequence} of run {run} cannot be a row: {reason}")]
    Trade {
        /// Its run.
        run: String,
        /// Its number.
        sequence: u64,
        /// What is wrong.
        reason: String,
    },
    /// The file cannot be used.
    #[error("cannot write {}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}
