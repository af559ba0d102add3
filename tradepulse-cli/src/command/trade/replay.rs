//! A dry run on candles of the past: which candles, and what is shown of it.

use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use tradepulse_core::desk::Desk;
use tradepulse_core::exchange::FeedEvent;
use tradepulse_core::market::{Market, Series, Symbol};
use tradepulse_core::store::trading::{EventLevel, TradingRecord};
use tradepulse_core::time::Timestamp;
use tradepulse_exec::config::Config;
use tradepulse_exec::coordinator::{Observer, Plan};
use tradepulse_exec::import;
use tradepulse_exec::store::columnar::CandleStore;

use crate::arguments::DataDir;

/// From when to when; open at either end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) from: Option<Timestamp>,
    pub(crate) to: Option<Timestamp>,
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((from, to)) = text.split_once("..") else {
            return Err("expected FROM..TO, such as 2024-06-01..2024-07-01".to_owned());
        };
        let instant = |text: &str| {
            if text.is_empty() {
                return Ok(None);
            }
            text.parse().map(Some).map_err(|error| format!("{error}"))
        };
        Ok(Self { from: instant(from)?, to: instant(to)? })
    }
}

/// The candles that a plan needs, from a file or from the store.
pub(crate) fn series(
    plan: &Plan,
    config: &Config,
    file: Option<&Path>,
    place: &DataDir,
) -> Result<Vec<(Symbol, Series)>> {
    let markets = plan.markets();
    if let Some(file) = file {
        let [(symbol, timeframe)] = &markets[..] else {
            bail!("--data is one market, and the configuration trades {}", markets.len());
        };
        let options =
            import::Options { symbol: Some(symbol.clone()), ..import::Options::default() };
        let series = import::import(&[file], *timeframe, &options)?.series;
        return Ok(vec![(symbol.clone(), series)]);
    }
    let store = CandleStore::open(place.path()?);
    markets
        .into_iter()
        .map(|(symbol, timeframe)| {
            let exchange = config.exchange.name.clone();
            let market = Market { exchange, symbol: symbol.clone(), timeframe };
            let series = store.load(&market, None, None).with_context(|| {
                format!(
                    "candles of {} {symbol} {timeframe}: take some in with `tradepulse import`",
                    config.exchange.name
                )
            })?;
            Ok((symbol, series))
        })
        .collect()
}

/// A bar that shows how far a replay is.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// A bar for so many candles.
    pub(crate) fn bar(candles: usize) -> ProgressBar {
        let style =
            ProgressStyle::with_template("{bar:30} {pos}/{len} candles, {per_sec}, {eta} left");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        ProgressBar::new(candles as u64).with_style(style)
    }

    /// Moves this bar, which others may move too.
    pub(crate) fn of(bar: &ProgressBar) -> Self {
        Self(bar.clone())
    }
}

impl Observer for Progress {
    fn stored(&mut self, _records: &[TradingRecord]) {}

    fn fed(&mut self, event: &FeedEvent, _desk: &Desk) {
        if matches!(event, FeedEvent::Candle { .. }) {
            self.0.inc(1);
        }
    }

    fn noted(&mut self, _level: EventLevel, _text: &str) {}
}
