#[cfg(feature = "venues")]
mod fill;
mod gaps;

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use serde_json::json;
use tradepulse_core::market::{ExchangeName, Market, Symbol, SyntheticMarket};
use tradepulse_core::random::Seed;
use tradepulse_core::time::{Timeframe, Timestamp};
use tradepulse_exec::export::export;
use tradepulse_exec::store::columnar::{CandleStore, StoreError};

use crate::arguments::{DataDir, require_order};
use crate::output::{self, Verdict, number};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// List the stored candles
    Ls {
        /// JSON on stdout
        #[arg(long)]
        json: bool,
    },
    /// Verify stored candles against their manifests and hashes
    Check {
        #[command(flatten)]
        which: Filter,
        /// JSON on stdout
        #[arg(long)]
        json: bool,
    },
    /// List where candles are missing
    Gaps {
        #[command(flatten)]
        which: Filter,
        /// JSON on stdout
        #[arg(long)]
        json: bool,
    },
    /// Ask the exchanges for the candles that are missing
    #[cfg(feature = "venues")]
    Fill {
        #[command(flatten)]
        which: Filter,
        #[command(flatten)]
        venue: crate::arguments::VenueArguments,
        /// JSON on stdout
        #[arg(long)]
        json: bool,
    },
    /// Write stored candles to a .csv, .csv.gz or .parquet file
    Export {
        #[arg(long)]
        exchange: ExchangeName,
        /// Market, such as BTC/USDT
        #[arg(long, value_name = "BASE/QUOTE")]
        symbol: Symbol,
        /// Length of a candle
        #[arg(long)]
        timeframe: Timeframe,
        /// First instant
        #[arg(long, value_name = "TIME")]
        from: Option<Timestamp>,
        /// End, exclusive
        #[arg(long, value_name = "TIME")]
        to: Option<Timestamp>,
        /// The file; its ending decides the format
        file: PathBuf,
    },
    /// Make up candles from a seed and store them under the exchange `synthetic`
    Synthetic {
        /// Name of the market, such as ONE/USDT
        #[arg(long, value_name = "BASE/QUOTE")]
        symbol: Symbol,
        /// Length of a candle
        #[arg(long, default_value = "5m")]
        timeframe: Timeframe,
        /// Number of candles
        #[arg(long, value_parser = clap::value_parser!(u32).range(2..=10_000_000))]
        candles: u32,
        /// Same seed, same candles
        #[arg(long, default_value_t = 42)]
        seed: u64,
    },
}

/// Which histories; all without it.
#[derive(Args)]
struct Filter {
    /// Only this exchange
    #[arg(long)]
    exchange: Option<ExchangeName>,
    /// Only this market
    #[arg(long, value_name = "BASE/QUOTE")]
    symbol: Option<Symbol>,
    /// Only this timeframe
    #[arg(long)]
    timeframe: Option<Timeframe>,
}

impl Filter {
    fn is_some(&self) -> bool {
        self.exchange.is_some() || self.symbol.is_some() || self.timeframe.is_some()
    }

    fn covers(&self, market: &Market) -> bool {
        self.exchange.as_ref().is_none_or(|e| *e == market.exchange)
            && self.symbol.as_ref().is_none_or(|s| *s == market.symbol)
            && self.timeframe.is_none_or(|t| t == market.timeframe)
    }
}

pub(crate) fn run(arguments: Arguments, place: &DataDir) -> Result<Verdict> {
    let store = CandleStore::open(place.path()?);
    match arguments.action {
        Action::Ls { json } => list(&store, json),
        Action::Check { which, json } => check(&store, &which, json),
        Action::Gaps { which, json } => gaps::gaps(&store, &which, json),
        #[cfg(feature = "venues")]
        Action::Fill { which, venue, json } => fill::fill(&store, &which, &venue, json),
        Action::Export { exchange, symbol, timeframe, from, to, file } => {
            let market = Market { exchange, symbol, timeframe };
            require_order(from, to)?;
            let series = store.load(&market, from, to)?;
            if series.is_empty() {
                let stored = store.manifest(&market)?;
                bail!(
                    "no candles in that time: there are some from {} to {}",
                    stored.from,
                    stored.to
                );
            }
            export(&series, &file)?;
            let candles = number(series.len() as f64, 0);
            output::line(format!("{market}: {candles} candles written to {}", file.display()))?;
            Ok(Verdict::Good)
        }
        Action::Synthetic { symbol, timeframe, candles, seed } => {
            let market = Market { exchange: "synthetic".parse()?, symbol, timeframe };
            let candles = candles as usize;
            let made = SyntheticMarket { candles, ..SyntheticMarket::new(Seed(seed), timeframe) };
            let report = store.import(&market, &made.generate()?, &[])?;
            let rows = number(report.manifest.rows as f64, 0);
            output::line(format!("{market}: {rows} made-up candles stored"))?;
            Ok(Verdict::Good)
        }
    }
}

fn list(store: &CandleStore, json: bool) -> Result<Verdict> {
    let (mut manifests, mut broken) = (Vec::new(), Vec::new());
    for entry in store.list()? {
        match entry {
            Ok(manifest) => manifests.push(manifest),
            Err(error) => broken.push(error.to_string()),
        }
    }
    if json {
        output::json(&json!({ "histories": manifests, "unreadable": broken }))?;
    } else if manifests.is_empty() && broken.is_empty() {
        output::line("No candles are stored. Take some in with: tradepulse import")?;
    } else {
        let header = ["market", "candles", "from", "to", "gaps", "missing"];
        let mut table = output::table(&header, &[1, 4, 5]);
        for m in &manifests {
            table.add_row([
                m.market.to_string(),
                number(m.rows as f64, 0),
                m.from.to_string(),
                m.to.to_string(),
                number(m.gaps.count as f64, 0),
                number(m.gaps.missing as f64, 0),
            ]);
        }
        output::line(table)?;
        for error in &broken {
            output::line(format!("Unreadable: {error}"))?;
        }
    }
    Ok(if broken.is_empty() { Verdict::Good } else { Verdict::Bad })
}

fn check(store: &CandleStore, which: &Filter, json: bool) -> Result<Verdict> {
    let mut results = Vec::new();
    for entry in store.list()? {
        let checked = match entry {
            Ok(manifest) if !which.covers(&manifest.market) => continue,
            Ok(manifest) => (manifest.market.to_string(), store.check(&manifest.market)),
            Err(error) => ("unreadable".to_owned(), Err(error)),
        };
        results.push(checked);
    }
    if results.is_empty() && which.is_some() {
        bail!("nothing stored fits; `tradepulse data ls` shows what is");
    }
    let sound = results.iter().all(|(_, result)| result.is_ok());
    if json {
        let rows = results.iter().map(|(market, result)| check_json(market, result));
        output::json(&rows.collect::<Vec<_>>())?;
    } else {
        for (market, result) in &results {
            output::line(match result {
                Ok(check) => {
                    let m = &check.manifest;
                    let candles = number(m.rows as f64, 0);
                    format!("{market}: sound, {candles} candles, sha256 {}", m.sha256)
                }
                Err(error) => format!("{market}: DAMAGED: {error}"),
            })?;
        }
        if results.is_empty() {
            output::line("No candles are stored")?;
        }
    }
    Ok(if sound { Verdict::Good } else { Verdict::Bad })
}

fn check_json(
    market: &str,
    result: &Result<tradepulse_exec::store::columnar::Check, StoreError>,
) -> serde_json::Value {
    match result {
        Ok(check) => json!({
            "market": market,
            "sound": true,
            "manifest": check.manifest,
            "leftovers": check.leftovers,
        }),
        Err(error) => json!({ "market": market, "sound": false, "error": error.to_string() }),
    }
}
