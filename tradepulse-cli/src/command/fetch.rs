use std::ops::Range;

use anyhow::Result;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tradepulse_core::market::{ExchangeName, Market, Symbol};
use tradepulse_core::time::{Timeframe, Timestamp};
use tradepulse_exec::exchange::backfill::{Filled, Progress, backfill};
use tradepulse_exec::exchange::venue::{Venue, VenueAccess};
use tradepulse_exec::store::columnar::CandleStore;

use crate::arguments::{DataDir, VenueArguments, require_order};
use crate::output::{self, Verdict, number};

#[derive(Args)]
pub(crate) struct Arguments {
    /// The exchange, such as binance
    #[arg(long)]
    exchange: ExchangeName,
    /// Market, such as BTC/USDT
    #[arg(long, value_name = "BASE/QUOTE")]
    symbol: Symbol,
    /// Length of a candle, such as 5m or 1h
    #[arg(long)]
    timeframe: Timeframe,
    /// First instant (a date, or RFC 3339)
    #[arg(long, value_name = "TIME")]
    from: Timestamp,
    /// End, exclusive [default: now]
    #[arg(long, value_name = "TIME")]
    to: Option<Timestamp>,
    #[command(flatten)]
    venue: VenueArguments,
    /// JSON on stdout
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments, place: &DataDir) -> Result<Verdict> {
    let Arguments { exchange, symbol, timeframe, from, to, venue, json } = arguments;
    require_order(Some(from), to)?;
    let store = CandleStore::open(place.path()?);
    let market = Market { exchange, symbol, timeframe };
    let adapter = Venue::of_name(&market.exchange)?;
    let access = venue.access()?;
    let span = from..to.unwrap_or(Timestamp::LATEST);
    let filled = fetch(&store, adapter, access, &market, span)?;
    if json {
        output::json(&json!({
            "market": market,
            "fetched": filled.fetched,
            "history": filled.manifest,
        }))?;
        return Ok(Verdict::Good);
    }
    let fetched = number(filled.fetched as f64, 0);
    let Some(manifest) = filled.manifest else {
        output::line(format!("{market}: the exchange has no candles in this span"))?;
        return Ok(Verdict::Good);
    };
    let gaps = manifest.gaps;
    output::line(format!(
        "{market}: {fetched} candles fetched; the history has {} from {} to {}, with {} gaps ({} \
         candles missing, {} in the longest)",
        number(manifest.rows as f64, 0),
        manifest.from,
        manifest.to,
        gaps.count,
        gaps.missing,
        gaps.longest
    ))?;
    Ok(Verdict::Good)
}

/// Asks an exchange for what the store does not have of a span, and shows how far it has come.
pub(crate) fn fetch(
    store: &CandleStore,
    adapter: Venue,
    access: VenueAccess,
    market: &Market,
    span: Range<Timestamp>,
) -> Result<Filled> {
    let runtime = crate::records::runtime()?;
    let bar = progress_bar();
    let filled = runtime.block_on(async {
        let data = adapter.market_data(access).await?;
        // Candles are of the venue's time, not of this machine's.
        let now = data.time().await?;
        let span = span.start..span.end.min(now);
        let progress = |state: Progress| {
            bar.set_length(state.missing);
            bar.set_position(state.passed);
        };
        Ok(backfill(data.as_ref(), store, market, span, progress).await?)
    });
    bar.finish_and_clear();
    if filled.is_err() && bar.position() > 0 {
        output::note("what was stored stays; the same command goes on from there");
    }
    filled
}

fn progress_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} candles, {per_sec}, {eta} left");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
