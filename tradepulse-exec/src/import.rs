//! Candles from files: CSV, gzipped CSV, Parquet, and zip archives of one CSV file such as those of
//! Binance Vision, told apart by their first bytes; and the [funding rates](read_funding) of
//! perpetuals.
//!
//! # CSV
//! UTF-8, one candle a line, fields separated by commas, semicolons or tabs. Columns are found by
//! their names in the header, whatever their case and order; others are ignored:
//!
//! | column | names |
//! |---|---|
//! | time | `timestamp`, `time`, `open_time`, `opentime`, `unix`; without any of these `date`, `datetime`. With `_s`, `_ms`, `_us` or `_ns` at the end the unit is known |
//! | open, high, low, close | the same, or `o`, `h`, `l`, `c` |
//! | volume | `volume`, `vol`, `v`, `base_volume`, `volume_base`; without any of these `Volume BTC` where `BTC` is the base currency, or the only column of that kind |
//!
//! A file without a header is read if each line has the 12 columns of Binance's public archive, or
//! the 7 of Kraken's. A first line that is a bare web address, as some archives have, is skipped.
//!
//! # Times
//! The time of a candle is its **open**. Integers are seconds, milliseconds, microseconds or
//! nanoseconds since 1970; which, is decided for each file by the magnitude of its first time
//! (seconds from 10⁸, milliseconds from 10¹¹, microseconds from 10¹⁴, nanoseconds from 10¹⁷: in
//! each unit the years 1973 to 5138), and a row of another magnitude is an error. Smaller numbers
//! are accepted only where the column's name says the unit. Texts are RFC 3339 or
//! `YYYY-MM-DD HH:MM:SS`, which is UTC unless an offset follows.
//!
//! # Parquet
//! The same names. Times may be timestamps of any unit, dates, integers, floats or texts; numbers
//! may be floats of 32 or 64 bits, integers or texts. Compression: none, Snappy, LZ4, gzip, and
//! Zstandard with the feature `zstd`.
//!
//! # Errors
//! Every error names the file, and where there is one the line (of a CSV file; the header is line
//! 1) or row (of a Parquet file; the first is 1) and the column.

mod archive;
mod csv;
mod error;
mod funding;
mod header;
mod parquet;
mod place;
mod time_column;

use std::{
    fmt,
    fs::File,
    io::{BufRead, BufReader, Read, Seek},
    path::Path,
    str::FromStr,
};

use serde::{Deserialize, Serialize};
use tradepulse_core::{
    market::{Columns, DataError, Repair, Series, Symbol},
    time::Timeframe,
};

pub(crate) use self::parquet::ParquetFile;
use self::place::Origins;
pub use self::{
    csv::read_csv, error::ImportError, funding::read_funding, parquet::read_parquet, place::Place,
};

/// What to do about missing candles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnGap {
    /// Accept them; [`Series::gaps`] counts them.
    #[default]
    Allow,
    /// Refuse the data.
    Error,
}

impl FromStr for OnGap {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "allow" => Ok(Self::Allow),
            "error" => Ok(Self::Error),
            _ => Err(format!("{text:?} is neither \"allow\" nor \"error\"")),
        }
    }
}

impl fmt::Display for OnGap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Allow => "allow",
            Self::Error => "error",
        })
    }
}

/// How to import.
#[derive(Clone, Debug)]
pub struct Options {
    /// Sort the rows and drop exact duplicates ([`Series::repair`]) instead of refusing them.
    pub repair: bool,
    /// What to do about missing candles.
    pub on_gap: OnGap,
    /// The symbol, if known: decides which of several volume columns is meant.
    pub symbol: Option<Symbol>,
    /// The most rows that are read; more are an error.
    pub max_rows: usize,
}

impl Default for Options {
    /// No repair, gaps allowed, symbol unknown, at most 50 million rows (95 years of minutes).
    fn default() -> Self {
        Self { repair: false, on_gap: OnGap::Allow, symbol: None, max_rows: 50_000_000 }
    }
}

/// A file that candles came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its name, without the folder.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Candles it held.
    pub rows: u64,
}

/// Rows as they were read, not checked yet, and where each came from.
#[derive(Debug, Default)]
pub struct Rows {
    columns: Columns,
    origins: Origins,
}

impl Rows {
    /// No rows yet, with room for `rows`.
    pub fn with_capacity(rows: usize) -> Self {
        Self { columns: Columns::with_capacity(rows), origins: Origins::default() }
    }

    /// The columns.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Gives up the origins.
    pub fn into_columns(self) -> Columns {
        self.columns
    }

    /// Where row `row` came from; `None` if there is no such row.
    pub fn place(&self, row: usize) -> Option<Place> {
        (row < self.columns.len()).then(|| self.origins.place(row)).flatten()
    }
}

/// Checked candles out of files.
#[derive(Debug)]
pub struct Import {
    /// The candles.
    pub series: Series,
    /// The files they came from.
    pub sources: Vec<Source>,
    /// What the repair did, if one was asked for.
    pub repair: Option<Repair>,
    origins: Option<Origins>,
}

impl Import {
    /// Where the candle `row` of the series came from; `None` after a repair, which moves rows, or
    /// if there is no such row.
    pub fn place(&self, row: usize) -> Option<Place> {
        let origins = self.origins.as_ref()?;
        (row < self.series.len()).then(|| origins.place(row)).flatten()
    }
}

/// Reads `files`, joined in the order given, and checks what they hold.
///
/// ```
/// use tradepulse_core::time::Timeframe;
/// use tradepulse_exec::import::{Options, import};
///
/// let folder = tempfile::tempdir()?;
/// let file = folder.path().join("btc.csv");
/// std::fs::write(&file, "Date,Open,High,Low,Close,Volume\n\
///     2024-01-01 00:00:00,42283.58,42397.23,42261.02,42397.23,155.25731\n\
///     2024-01-01 00:05:00,42397.22,42432.74,42385.26,42409.96,141.31102\n")?;
/// let import = import(&[&file], Timeframe::M5, &Options::default())?;
/// assert_eq!(import.series.close(), [42397.23, 42409.96]);
/// assert_eq!(import.place(1).map(|p| p.line()), Some(3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The first thing that is wrong, in the order of the files: see [`ImportError`].
pub fn import<P: AsRef<Path>>(
    files: &[P],
    timeframe: Timeframe,
    options: &Options,
) -> Result<Import, ImportError> {
    let mut rows = Rows::default();
    let mut sources = Vec::with_capacity(files.len());
    for file in files {
        sources.push(read_file(file.as_ref(), options, &mut rows)?);
    }
    if rows.columns.is_empty() {
        return Err(ImportError::NoFiles);
    }
    let Rows { columns, origins } = rows;
    let at = |error: DataError| ImportError::at(&origins, error);
    if options.repair {
        let (series, repair) = Series::repair(timeframe, columns).map_err(at)?;
        if options.on_gap == OnGap::Error {
            series.require_no_gaps().map_err(|error| ImportError::GapAfterRepair { error })?;
        }
        return Ok(Import { series, sources, repair: Some(repair), origins: None });
    }
    let series = Series::new(timeframe, columns).map_err(at)?;
    if options.on_gap == OnGap::Error {
        series.require_no_gaps().map_err(at)?;
    }
    Ok(Import { series, sources, repair: None, origins: Some(origins) })
}

fn read_file(path: &Path, options: &Options, rows: &mut Rows) -> Result<Source, ImportError> {
    let before = rows.columns.len();
    let (content, bytes) = open(path)?;
    match content {
        Content::Parquet(file) => read_parquet(file, path, options, rows)?,
        Content::Text(text) => read_csv(text, path, options, rows)?,
    }
    let read = rows.columns.len() - before;
    if read == 0 {
        return Err(ImportError::Empty { file: path.to_owned() });
    }
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    Ok(Source { name, bytes, rows: read as u64 })
}

/// A file by what its first bytes say it is.
enum Content {
    Parquet(File),
    /// Text, unpacked.
    Text(Box<dyn BufRead>),
}

/// Opens a file, and says how many bytes it has.
fn open(path: &Path) -> Result<(Content, u64), ImportError> {
    let io = |source| ImportError::Io { file: path.to_owned(), source };
    let mut file = File::open(path).map_err(io)?;
    let bytes = file.metadata().map_err(io)?.len();
    let mut magic = Vec::with_capacity(4);
    file.by_ref().take(4).read_to_end(&mut magic).map_err(io)?;
    file.rewind().map_err(io)?;
    let content = match magic.as_slice() {
        b"PAR1" => Content::Parquet(file),
        [0x1f, 0x8b, ..] => {
            let text = flate2::bufread::MultiGzDecoder::new(BufReader::new(file));
            Content::Text(Box::new(BufReader::with_capacity(csv::BUFFER, text)))
        }
        [b'P', b'K', 3, 4] => Content::Text(archive::open(path, file)?),
        [0x28, 0xb5, 0x2f, 0xfd] => {
            return Err(ImportError::format(path, "is compressed with zstd: unpack it"));
        }
        _ => Content::Text(Box::new(BufReader::with_capacity(csv::BUFFER, file))),
    };
    Ok((content, bytes))
}
