use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use tradepulse_core::market::{ExchangeName, Market, Series, Symbol};
use tradepulse_core::time::{Timeframe, Timestamp};
use tradepulse_exec::import::{self, OnGap};
use tradepulse_exec::store::columnar::CandleStore;

use super::DataDir;
use crate::output;

/// Which candles: a file, or a market of the store.
#[derive(Args, Clone, Debug)]
pub(crate) struct MarketArguments {
    /// Read candles from this file (CSV, .csv.gz or Parquet) instead of the store
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Exchange of stored candles, or of the file's
    #[arg(long)]
    exchange: Option<ExchangeName>,
    /// Market, such as BTC/USDT
    #[arg(long, value_name = "BASE/QUOTE")]
    symbol: Option<Symbol>,
    /// Length of a candle, such as 5m or 1h [default for a file: its shortest distance of two rows]
    #[arg(long)]
    timeframe: Option<Timeframe>,
    /// First instant (a date, or RFC 3339)
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// End, exclusive (a date, or RFC 3339)
    #[arg(long, value_name = "TIME")]
    to: Option<Timestamp>,
    /// Sort the rows of the file and drop exact duplicates
    #[arg(long)]
    repair: bool,
    /// What to do about missing candles
    #[arg(long, default_value_t = OnGap::Allow, value_name = "error|allow")]
    on_gap: OnGap,
}

/// Candles, and what they are called.
#[derive(Debug)]
pub(crate) struct LoadedMarket {
    pub(crate) series: Series,
    pub(crate) symbol: Option<Symbol>,
    pub(crate) exchange: Option<ExchangeName>,
}

impl MarketArguments {
    /// The file that candles are read from, if one was given.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.data.as_deref()
    }

    pub(crate) fn load(&self, place: &DataDir) -> Result<LoadedMarket> {
        require_order(self.from, self.to)?;
        let all = match (&self.data, &self.exchange, &self.symbol, self.timeframe) {
            (Some(file), ..) => self.read(file)?,
            (None, Some(exchange), Some(symbol), Some(timeframe)) => {
                let (exchange, symbol) = (exchange.clone(), symbol.clone());
                let market = Market { exchange, symbol, timeframe };
                CandleStore::open(place.path()?).load(&market, None, None)?
            }
            _ => {
                bail!("pass --data FILE, or --exchange, --symbol and --timeframe of stored candles")
            }
        };
        let series = match (self.from, self.to) {
            (None, None) => all,
            (from, to) => {
                let from = from.unwrap_or(Timestamp::EARLIEST);
                let part = all.between(from, to.unwrap_or(Timestamp::LATEST));
                if part.is_empty()
                    && let Some((first, end)) = all.span()
                {
                    bail!("no candles in that time: there are some from {first} to {end}");
                }
                part
            }
        };
        if self.on_gap == OnGap::Error {
            series.require_no_gaps()?;
        }
        let (symbol, exchange) = (self.symbol.clone(), self.exchange.clone());
        Ok(LoadedMarket { series, symbol, exchange })
    }

    fn read(&self, file: &Path) -> Result<Series> {
        let options = import::Options {
            repair: self.repair,
            on_gap: OnGap::Allow,
            symbol: self.symbol.clone(),
            ..import::Options::default()
        };
        let import = import::import(&[file], self.timeframe.unwrap_or(Timeframe::M1), &options)?;
        if let Some(repair) = import.repair {
            output::note(format!(
                "repaired {}: {} rows moved, {} duplicates dropped",
                file.display(),
                repair.moved,
                repair.dropped
            ));
        }
        match self.timeframe {
            Some(_) => Ok(import.series),
            None => with_shortest_distance(file, import.series),
        }
    }
}

/// Refuses a time that ends before it begins.
pub(crate) fn require_order(from: Option<Timestamp>, to: Option<Timestamp>) -> Result<()> {
    if let (Some(from), Some(to)) = (from, to)
        && from >= to
    {
        bail!("--from {from} is not before --to {to}");
    }
    Ok(())
}

/// Candles of a file whose timeframe is the shortest distance between its rows.
pub(crate) fn read_detail(file: &Path) -> Result<Series> {
    let import = import::import(&[file], Timeframe::M1, &import::Options::default())?;
    with_shortest_distance(file, import.series)
}

fn with_shortest_distance(file: &Path, series: Series) -> Result<Series> {
    let distances = series.time().windows(2).map(|pair| pair[1] - pair[0]);
    let shortest = distances
        .min()
        .with_context(|| format!("{}: one row does not tell the timeframe", file.display()))?;
    Series::new(Timeframe::from_ms(shortest)?, series.into_columns()).with_context(|| {
        format!("{}: the rows have no common timeframe; pass --timeframe", file.display())
    })
}
