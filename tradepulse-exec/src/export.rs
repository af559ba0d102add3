//! Candles into files: CSV, gzipped CSV and Parquet. What is written reads back bit for bit.

mod parquet;

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    str::FromStr,
};

use flate2::{Compression, write::GzEncoder};
use tradepulse_core::market::Series;

use crate::atomic;

pub(crate) use self::parquet::CREATED_BY;
pub use self::parquet::write_parquet;

/// The kind of a file of candles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Text: `timestamp_ms,open,high,low,close,volume`.
    Csv,
    /// The same, gzipped.
    CsvGz,
    /// Parquet: `timestamp_ms` is a timestamp, the others are doubles.
    Parquet,
}

impl Format {
    /// The format that the ending of a name stands for: `.csv`, `.csv.gz` or `.parquet`.
    pub fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
        [(".csv", Self::Csv), (".csv.gz", Self::CsvGz), (".parquet", Self::Parquet)]
            .into_iter()
            .find_map(|(ending, format)| name.ends_with(ending).then_some(format))
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "csv" => Ok(Self::Csv),
            "csv.gz" => Ok(Self::CsvGz),
            "parquet" => Ok(Self::Parquet),
            _ => Err(format!("{text:?} is none of csv, csv.gz, parquet")),
        }
    }
}

/// Writes a series to a file, in the format its ending stands for. The file appears when it is
/// complete; one that was there is replaced.
///
/// ```
/// use tradepulse_core::market::{Candle, Columns, Series};
/// use tradepulse_core::time::{Timeframe, Timestamp};
/// use tradepulse_exec::{export::export, import::{Options, import}};
///
/// let mut columns = Columns::default();
/// columns.push(Candle {
///     open_time: Timestamp::from_ms(0),
///     open: 0.1 + 0.2, high: 1.0, low: 0.1, close: 0.7, volume: 1e-9,
/// });
/// let series = Series::new(Timeframe::M1, columns)?;
/// let folder = tempfile::tempdir()?;
/// for name in ["a.csv", "a.csv.gz", "a.parquet"] {
///     let file = folder.path().join(name);
///     export(&series, &file)?;
///     assert_eq!(import(&[&file], Timeframe::M1, &Options::default())?.series, series);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`ExportError::Format`] for another ending, else what writing met.
pub fn export(series: &Series, path: &Path) -> Result<(), ExportError> {
    let format = Format::of(path).ok_or_else(|| ExportError::Format(path.to_owned()))?;
    let fill = |file: &mut File| match format {
        Format::Csv => {
            let mut out = BufWriter::with_capacity(256 * 1024, file);
            write_csv(series, &mut out)?;
            out.flush()
        }
        Format::CsvGz => {
            let gz = GzEncoder::new(file, Compression::default());
            let mut out = BufWriter::with_capacity(256 * 1024, gz);
            write_csv(series, &mut out)?;
            out.into_inner().map_err(io::IntoInnerError::into_error)?.finish()?;
            Ok(())
        }
        Format::Parquet => write_parquet(series, &[], file),
    };
    atomic::write(path, fill)
        .and_then(|()| atomic::sync_folder(path.parent().unwrap_or(Path::new("."))))
        .map_err(|source| ExportError::Io { file: path.to_owned(), source })
}

/// Writes a series as CSV, every number with as many digits as it needs to read back the same.
///
/// # Errors
/// What writing met.
pub fn write_csv(series: &Series, mut out: impl Write) -> io::Result<()> {
    writeln!(out, "timestamp_ms,open,high,low,close,volume")?;
    for c in series.candles() {
        let time = c.open_time.as_ms();
        writeln!(out, "{time},{},{},{},{},{}", c.open, c.high, c.low, c.close, c.volume)?;
    }
    Ok(())
}

/// Candles that cannot be exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The ending of the name stands for no format.
    #[error("{} does not end with .csv, .csv.gz or .parquet", .0.display())]
    Format(PathBuf),
    /// The file cannot be written.
    #[error("cannot write {}", .file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}
