//! The markets of a training run: whose candles, and where they come from.

use std::fmt;
use std::path::Path;

use anyhow::{Result, bail};
use tradepulse_core::market::{ExchangeName, Market, Series, Symbol, aggregate};
use tradepulse_core::time::{Timeframe, Timestamp};
use tradepulse_exec::import;
use tradepulse_exec::store::columnar::CandleStore;

use crate::output;

/// Candles of one market, shared by all cells on it.
pub(crate) struct TrainingMarket {
    pub(crate) exchange: ExchangeName,
    pub(crate) symbol: Symbol,
    pub(crate) timeframe: Timeframe,
    pub(crate) series: Series,
    pub(crate) fingerprint: String,
}

impl TrainingMarket {
    pub(crate) fn new(market: Market, series: Series) -> Self {
        let fingerprint = series.sha256();
        let Market { exchange, symbol, timeframe } = market;
        Self { exchange, symbol, timeframe, series, fingerprint }
    }
}

impl fmt::Display for TrainingMarket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.exchange, self.symbol, self.timeframe)
    }
}

/// Exchange of candles that were read from a file and not said to be from anywhere.
const NOWHERE: &str = "file";

/// Which markets are asked for; an empty list means all there are.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) exchanges: &'a [ExchangeName],
    pub(crate) symbols: &'a [Symbol],
    pub(crate) timeframes: &'a [Timeframe],
    pub(crate) from: Option<Timestamp>,
    pub(crate) to: Option<Timestamp>,
}

impl Wanted<'_> {
    /// The one market of a file.
    pub(crate) fn file(&self, file: &Path) -> Result<TrainingMarket> {
        let ([symbol], [timeframe]) = (self.symbols, self.timeframes) else {
            bail!("--data needs one --symbol and one --timeframe");
        };
        let options =
            import::Options { symbol: Some(symbol.clone()), ..import::Options::default() };
        let series = self.part(import::import(&[file], *timeframe, &options)?.series);
        let exchange = match self.exchanges.first() {
            Some(exchange) => exchange.clone(),
            None => NOWHERE.parse()?,
        };
        let market = Market { exchange, symbol: symbol.clone(), timeframe: *timeframe };
        if series.is_empty() {
            bail!("{} has no candles in that time", file.display());
        }
        Ok(TrainingMarket::new(market, series))
    }

    /// Stored candles. A timeframe that is not stored is made of the longest stored one that divides
    /// it. What is asked for and cannot be had is said; the rest is given.
    pub(crate) fn stored(&self, store: &CandleStore) -> Result<Vec<TrainingMarket>> {
        let mut stored = Vec::new();
        for manifest in store.list()? {
            let market = manifest?.market;
            if (self.exchanges.is_empty() || self.exchanges.contains(&market.exchange))
                && (self.symbols.is_empty() || self.symbols.contains(&market.symbol))
            {
                stored.push(market);
            }
        }
        for exchange in self.exchanges {
            if stored.iter().all(|m| m.exchange != *exchange) {
                output::note(format!("no stored candles of {exchange} fit"));
            }
        }
        for symbol in self.symbols {
            if stored.iter().all(|m| m.symbol != *symbol) {
                output::note(format!("no stored candles of {symbol} fit"));
            }
        }
        let mut markets = Vec::new();
        for pair in stored.chunk_by(|a, b| (&a.exchange, &a.symbol) == (&b.exchange, &b.symbol)) {
            let own: Vec<Timeframe> = pair.iter().map(|m| m.timeframe).collect();
            let timeframes = if self.timeframes.is_empty() { &own } else { self.timeframes };
            for &timeframe in timeframes {
                let market = Market { timeframe, ..pair[0].clone() };
                match candles(store, &market, &own)?.map(|series| self.part(series)) {
                    Some(series) if series.is_empty() => {
                        output::note(format!("{market} has no candles in that time"));
                    }
                    Some(series) => markets.push(TrainingMarket::new(market, series)),
                    None => output::note(format!(
                        "{market} is not stored, and no shorter timeframe that divides it"
                    )),
                }
            }
        }
        if markets.is_empty() {
            bail!("no stored candles fit; take some in with `tradepulse import`, or pass --data");
        }
        Ok(markets)
    }

    fn part(&self, series: Series) -> Series {
        match (self.from, self.to) {
            (None, None) => series,
            (from, to) => {
                series.between(from.unwrap_or(Timestamp::EARLIEST), to.unwrap_or(Timestamp::LATEST))
            }
        }
    }
}

/// All candles of a market, made of shorter ones if it is not stored itself.
///
/// # Errors
/// If they cannot be had; with [`StoreError::NotFound`] if there are none.
///
/// [`StoreError::NotFound`]: tradepulse_exec::store::columnar::StoreError::NotFound
pub(super) fn load(store: &CandleStore, market: &Market) -> Result<Series> {
    let mut stored = Vec::new();
    for manifest in store.list()? {
        let Market { exchange, symbol, timeframe } = manifest?.market;
        if (&exchange, &symbol) == (&market.exchange, &market.symbol) {
            stored.push(timeframe);
        }
    }
    match candles(store, market, &stored)? {
        Some(series) => Ok(series),
        None => Ok(store.load(market, None, None)?),
    }
}

/// The candles of a market of which these timeframes are stored; `None` if there is none to make
/// its own of.
fn candles(store: &CandleStore, market: &Market, stored: &[Timeframe]) -> Result<Option<Series>> {
    let wanted = market.timeframe;
    if stored.contains(&wanted) {
        return Ok(Some(store.load(market, None, None)?));
    }
    let divides = |t: &&Timeframe| **t < wanted && wanted.as_ms() % t.as_ms() == 0;
    let Some(&shorter) = stored.iter().filter(divides).max() else { return Ok(None) };
    output::note(format!("{market} is not stored: made of {shorter} candles"));
    let source = Market { timeframe: shorter, ..market.clone() };
    Ok(Some(aggregate(&store.load(&source, None, None)?, wanted)?))
}
