//! Candle history in columnar files: one folder a market, one Parquet file a year (a month, for
//! timeframes below five minutes), and a manifest.
//!
//! ```text
//! <data dir>/candles/binance/BTC-USDT/5m/manifest.json
//!                                        2023-9f86d081884c7d65.parquet
//!                                        2024-60303ae22b998861.parquet
//! ```
//!
//! # What holds
//! - The manifest names the files that count and is replaced in one step, last. A crash at any
//!   instant leaves the old history or the new one; what it leaves behind besides is ignored, and
//!   removed by the next import.
//! - A file's name holds a hash of its candles, so a file is never changed after it was named.
//! - Loading verifies each file's size, CRC-32, market and row count, and checks the candles as
//!   every [`Series`] is checked: a damaged history is refused, never half-read. The SHA-256 of the
//!   whole series is verified by [`CandleStore::check`].
//! - One import at a time may change a market (a file lock); loads need no lock.
//!
//! # Why Parquet
//! 1,000,000 5m candles (prices with two decimals, volume with five), `parquet` and `arrow-ipc`
//! 60.1, one core of a two-core virtual machine (AMD EPYC, SHA extensions), files in the page
//! cache. Loading is the median of 15 fresh processes that read, verify a CRC-32, build the columns
//! and check them; writing includes fsync.
//!
//! | format | one file: write, load | a file a year: write, load | size |
//! |---|---|---|---|
//! | **Parquet, times as differences, numbers plain** | 69 ms, 44 ms | **63 ms, 27 ms** | 40 MB |
//! | Parquet, all plain | 73 ms, 48 ms | 71 ms, 28 ms | 48 MB |
//! | Parquet, the first with LZ4 | 111 ms, 47 ms | 112 ms, 35 ms | 26 MB |
//! | Parquet, the first with Snappy | 109 ms, 59 ms | 109 ms, 47 ms | 27 MB |
//! | Parquet, byte-stream split and Zstandard | 62 ms, 56 ms | 87 ms, 47 ms | 25 MB |
//! | Parquet, the first with Zstandard | 124 ms, 64 ms | 149 ms, 58 ms | 22 MB |
//! | Arrow IPC | 61 ms, 45 ms | 67 ms, 28 ms | 48 MB |
//! | Arrow IPC with LZ4 | 126 ms, 95 ms | 122 ms, 165 ms | 32 MB |
//! | bare little-endian columns (for information) | 53 ms, 23 ms | 56 ms, 23 ms | 48 MB |
//!
//! Most of each load is the operating system handing out memory for the columns. The two formats
//! are equally fast; Parquet is smaller, is what every other tool reads, and has to be read anyway,
//! while Arrow IPC would be a second library (29 s of processor time to compile where Parquet takes
//! 20 s). SHA-256 on every load would add 27 ms, and several times that on processors without SHA
//! extensions: therefore a CRC-32 (1 ms) on load and SHA-256 in [`CandleStore::check`].
//!
//! The code as it is, measured by `cargo bench -p tradepulse-benches --bench import`: load 30 ms;
//! from CSV to the store 0.22 s, from gzipped CSV 0.38 s, from Parquet 0.22 s; peak memory of an
//! import from CSV 1.3 times the columns, with repair 2.3 times.

mod error;
mod lock;
mod manifest;
mod merge;
mod part;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tradepulse_core::{
    market::{ExchangeName, Market, Series, Symbol},
    time::{Timeframe, Timestamp},
};

pub use self::{
    error::StoreError,
    manifest::{Manifest, Part},
};
use self::{lock::Lock, manifest::MANIFEST};
use crate::{atomic, import::Source};

/// The candle histories in a data directory.
///
/// ```
/// use tradepulse_core::market::{Candle, Columns, Market, Series};
/// use tradepulse_core::time::{Timeframe, Timestamp};
/// use tradepulse_exec::store::columnar::CandleStore;
///
/// let mut columns = Columns::default();
/// for i in 0..3 {
///     columns.push(Candle {
///         open_time: Timestamp::from_ms(1_704_067_200_000 + i * 300_000),
///         open: 100.0, high: 101.0, low: 99.0, close: 100.5, volume: 7.0,
///     });
/// }
/// let series = Series::new(Timeframe::M5, columns)?;
/// let market = Market {
///     exchange: "binance".parse()?,
///     symbol: "BTC/USDT".parse()?,
///     timeframe: Timeframe::M5,
/// };
///
/// let folder = tempfile::tempdir()?;
/// let store = CandleStore::open(folder.path());
/// let report = store.import(&market, &series, &[])?;
/// assert_eq!((report.added, report.known), (3, 0));
/// assert_eq!(store.load(&market, None, None)?, series);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct CandleStore {
    root: PathBuf,
}

/// What an import did.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Candles that are new.
    pub added: u64,
    /// Candles that were there already, with the same values.
    pub known: u64,
    /// The history as it is now.
    pub manifest: Manifest,
}

/// What [`CandleStore::check`] found in a sound history.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// The history.
    pub manifest: Manifest,
    /// Files in the folder that no history needs: left by a crash, removed by the next import.
    pub leftovers: Vec<PathBuf>,
}

impl CandleStore {
    /// The store in `data_dir`, in its folder `candles`. Nothing is made until something is kept.
    pub fn open(data_dir: impl AsRef<Path>) -> Self {
        Self { root: data_dir.as_ref().join("candles") }
    }

    /// The folder of a market. Its parts cannot be other than single names: see [`Symbol`] and
    /// [`ExchangeName`].
    pub fn folder(&self, market: &Market) -> PathBuf {
        self.root
            .join(market.exchange.as_str())
            .join(market.symbol.dashed())
            .join(market.timeframe.to_string())
    }

    /// Adds `series` to the history of `market`, merged by time; `sources` are noted.
    ///
    /// A candle that is there already with the same values is fine. Nothing changes unless all is
    /// written.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if a candle is there with other values, [`StoreError::Timeframe`]
    /// if the series is of another timeframe, [`StoreError::Empty`] if it is empty,
    /// [`StoreError::Busy`] if another import works on the market; else damage of what is there,
    /// or what writing met.
    pub fn import(
        &self,
        market: &Market,
        series: &Series,
        sources: &[Source],
    ) -> Result<Report, StoreError> {
        if series.timeframe() != market.timeframe {
            let (market, found) = (market.clone(), series.timeframe());
            return Err(StoreError::Timeframe { market, found });
        }
        if series.is_empty() {
            return Err(StoreError::Empty(market.clone()));
        }
        let folder = self.folder(market);
        self.make(&folder)?;
        let _lock = Lock::take(&folder)?;
        let old = match Manifest::read(&folder, market) {
            Err(StoreError::NotFound(_)) => None,
            other => Some(other?),
        };
        let stored = old.as_ref().map(|m| part::load(&folder, m, &m.parts)).transpose()?;
        let merged = match stored {
            Some(stored) => Some(merge::merge(market, stored, series)?),
            None => None,
        };
        let whole = merged.as_ref().unwrap_or(series);
        let old_parts = old.as_ref().map_or(&[][..], |m| &m.parts);
        let parts = part::write(&folder, market, whole, old_parts)?;
        let mut noted = old.as_ref().map_or(Vec::new(), |m| m.sources.clone());
        noted.extend(sources.iter().filter(|s| !noted.contains(s)).cloned().collect::<Vec<_>>());
        let manifest = Manifest::new(market.clone(), whole, parts, noted);
        if old.as_ref() != Some(&manifest) {
            atomic::sync_folder(&folder).map_err(|e| StoreError::io(&folder, e))?;
            manifest.write(&folder)?;
        }
        for leftover in leftovers(&folder, &manifest)? {
            fs::remove_file(&leftover).map_err(|e| StoreError::io(&leftover, e))?;
        }
        let added = manifest.rows - old.as_ref().map_or(0, |m| m.rows);
        Ok(Report { added, known: series.len() as u64 - added, manifest })
    }

    /// The candles of `market` that open at `from` or later and before `to`; without limits, all.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if the market has no history, else what is damaged.
    pub fn load(
        &self,
        market: &Market,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    ) -> Result<Series, StoreError> {
        let folder = self.folder(market);
        let mut manifest = Manifest::read(&folder, market)?;
        loop {
            let wanted = manifest.parts_between(from, to);
            match part::load(&folder, &manifest, wanted) {
                Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                    // An import may just have replaced the file: then the manifest is another.
                    let now = Manifest::read(&folder, market)?;
                    if now == manifest {
                        let path = folder.join(MANIFEST);
                        return Err(StoreError::corrupt(&path, "names a file that is not there"));
                    }
                    manifest = now;
                }
                Err(error) => return Err(error),
                Ok(series) if from.is_none() && to.is_none() => return Ok(series),
                Ok(series) => {
                    let from = from.unwrap_or(Timestamp::EARLIEST);
                    return Ok(series.between(from, to.unwrap_or(Timestamp::LATEST)));
                }
            }
        }
    }

    /// What is known about the history of `market`, without loading it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if it has none, else what is wrong with its manifest.
    pub fn manifest(&self, market: &Market) -> Result<Manifest, StoreError> {
        Manifest::read(&self.folder(market), market)
    }

    /// The manifests of all histories, in order of exchange, symbol and timeframe. A manifest that
    /// cannot be read is an error in its place; folders that are no market's are passed over.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn list(&self) -> Result<Vec<Result<Manifest, StoreError>>, StoreError> {
        // The folder may be missing, but what has its place must not be something else.
        let data_dir = self.root.parent().unwrap_or(&self.root);
        for folder in [data_dir, &self.root] {
            if folder.exists() && !folder.is_dir() {
                return Err(StoreError::io(folder, io::ErrorKind::NotADirectory.into()));
            }
        }
        let mut markets = Vec::new();
        for exchange in names(&self.root)? {
            let path = self.root.join(&exchange);
            let Ok(exchange) = exchange.parse::<ExchangeName>() else { continue };
            for symbol in names(&path)? {
                let path = path.join(&symbol);
                let Ok(symbol) = symbol.replacen('-', "/", 1).parse::<Symbol>() else { continue };
                for timeframe in names(&path)? {
                    let Ok(timeframe) = timeframe.parse::<Timeframe>() else { continue };
                    let (exchange, symbol) = (exchange.clone(), symbol.clone());
                    markets.push(Market { exchange, symbol, timeframe });
                }
            }
        }
        markets.sort();
        let manifests = markets.iter().map(|m| self.manifest(m));
        Ok(manifests.filter(|m| !matches!(m, Err(StoreError::NotFound(_)))).collect())
    }

    /// Verifies the whole history of `market`: everything that a load verifies, and that rows,
    /// times, gaps and SHA-256 are those of the manifest.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self, market: &Market) -> Result<Check, StoreError> {
        let folder = self.folder(market);
        let manifest = Manifest::read(&folder, market)?;
        let series = part::load(&folder, &manifest, &manifest.parts)?;
        let found = Manifest::new(
            market.clone(),
            &series,
            manifest.parts.clone(),
            manifest.sources.clone(),
        );
        let path = folder.join(MANIFEST);
        if found.sha256 != manifest.sha256 {
            return Err(StoreError::corrupt(&path, "has another SHA-256 than the candles"));
        }
        if (found.rows, found.from, found.to, found.gaps)
            != (manifest.rows, manifest.from, manifest.to, manifest.gaps)
        {
            return Err(StoreError::corrupt(&path, "does not describe the candles"));
        }
        Ok(Check { leftovers: leftovers(&folder, &manifest)?, manifest })
    }

    /// Makes the folder, each of its parents durable.
    fn make(&self, folder: &Path) -> Result<(), StoreError> {
        if folder.is_dir() {
            return Ok(());
        }
        fs::create_dir_all(folder).map_err(|e| StoreError::io(folder, e))?;
        let above = self.root.parent();
        for parent in folder.ancestors().skip(1).take_while(|p| Some(*p) != above) {
            atomic::sync_folder(parent).map_err(|e| StoreError::io(parent, e))?;
        }
        Ok(())
    }
}

/// The names in a folder that are UTF-8; none if there is no folder.
fn names(folder: &Path) -> Result<Vec<String>, StoreError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(e) => return Err(StoreError::io(folder, e)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| StoreError::io(folder, e))?;
        names.extend(entry.file_name().into_string().ok());
    }
    names.sort();
    Ok(names)
}

/// Files of ours in the folder of a market that its manifest does not name.
fn leftovers(folder: &Path, manifest: &Manifest) -> Result<Vec<PathBuf>, StoreError> {
    let ours = |name: &String| {
        (name.starts_with('.') && name.ends_with(atomic::UNFINISHED)) || Part::is_name(name)
    };
    let needed = |name: &String| manifest.parts.iter().any(|p| &p.file == name);
    let names = names(folder)?.into_iter().filter(|n| ours(n) && !needed(n));
    Ok(names.map(|n| folder.join(n)).collect())
}
