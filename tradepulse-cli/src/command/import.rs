use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde_json::json;
use tradepulse_core::market::{ExchangeName, Market, Symbol};
use tradepulse_core::time::Timeframe;
use tradepulse_exec::import::{self, OnGap};
use tradepulse_exec::store::columnar::CandleStore;

use crate::arguments::DataDir;
use crate::output::{self, Verdict, number};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Where the candles are from, such as binance
    #[arg(long)]
    exchange: ExchangeName,
    /// Market, such as BTC/USDT
    #[arg(long, value_name = "BASE/QUOTE")]
    symbol: Symbol,
    /// Length of a candle, such as 5m or 1h
    #[arg(long)]
    timeframe: Timeframe,
    /// CSV, .csv.gz or Parquet; joined in this order
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Sort the rows and drop exact duplicates
    #[arg(long)]
    repair: bool,
    /// What to do about missing candles
    #[arg(long, default_value_t = OnGap::Allow, value_name = "error|allow")]
    on_gap: OnGap,
    /// JSON on stdout
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments, place: &DataDir) -> Result<Verdict> {
    let Arguments { exchange, symbol, timeframe, files, repair, on_gap, json } = arguments;
    let options = import::Options {
        repair,
        on_gap,
        symbol: Some(symbol.clone()),
        ..import::Options::default()
    };
    let import = import::import(&files, timeframe, &options)?;
    let market = Market { exchange, symbol, timeframe };
    let store = CandleStore::open(place.path()?);
    let report = store.import(&market, &import.series, &import.sources)?;
    if json {
        output::json(&json!({
            "market": market,
            "added": report.added,
            "known": report.known,
            "repair": import.repair,
            "history": report.manifest,
        }))?;
        return Ok(Verdict::Good);
    }
    if let Some(repair) = import.repair {
        output::line(format!(
            "Repaired: {} rows moved, {} duplicates dropped",
            repair.moved, repair.dropped
        ))?;
    }
    let gaps = report.manifest.gaps;
    output::line(format!(
        "{market}: {} candles added, {} known; the history has {} from {} to {}, with {} gaps \
         ({} candles missing, {} in the longest)",
        number(report.added as f64, 0),
        number(report.known as f64, 0),
        number(report.manifest.rows as f64, 0),
        report.manifest.from,
        report.manifest.to,
        gaps.count,
        gaps.missing,
        gaps.longest
    ))?;
    Ok(Verdict::Good)
}
