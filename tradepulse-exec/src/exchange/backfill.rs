//! The past of a market: page by page from the venue into the store, and only what is missing.

use std::ops::Range;
use std::time::Duration;

use tradepulse_core::exchange::{MarketData, MarketDataError};
use tradepulse_core::market::{Candle, Columns, DataError, Market, Series};
use tradepulse_core::time::Timestamp;

use super::clock_offset::ClockOffset;
use super::retry::Retry;
use crate::store::columnar::{CandleStore, Manifest, StoreError};

/// Candles that are kept in memory before they are stored.
const CHUNK: usize = 50_000;
/// Candles asked for at once; venues give fewer.
const PAGE: usize = 1_000;
/// How often a page is asked for that does not come, and how long the first pause is.
const PATIENCE: Retry = Retry { attempts: 6, pause: Duration::from_millis(500) };

/// How far a backfill has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Candles that were missing at first, at most: a venue may not have all of them.
    pub missing: u64,
    /// Of these, those that have been passed.
    pub passed: u64,
    /// Candles that came.
    pub fetched: u64,
}

/// What a backfill did.
#[derive(Clone, Debug, PartialEq)]
pub struct Filled {
    /// Candles that came.
    pub fetched: u64,
    /// The history as it is now; `None` if there is none.
    pub manifest: Option<Manifest>,
}

/// Asks for the candles of `span` that the store does not have, and stores them as they come:
/// stopped and begun again, it goes on where it was. Where the venue limits requests it waits.
///
/// # Errors
/// What the venue refuses, or does not answer for long; what storing meets. What came before is
/// stored.
pub async fn backfill(
    data: &dyn MarketData,
    store: &CandleStore,
    market: &Market,
    span: Range<Timestamp>,
    mut progress: impl FnMut(Progress),
) -> Result<Filled, BackfillError> {
    let missing = missing(store, market, span)?;
    let length = market.timeframe.as_ms();
    let candles = |span: &Range<i64>| u64::try_from((span.end - span.start) / length).unwrap_or(0);
    let mut state = Progress { missing: missing.iter().map(candles).sum(), ..Progress::default() };
    let mut columns = Columns::default();
    progress(state);
    for span in missing {
        let mut at = span.start;
        let before = state.passed;
        while at < span.end {
            let page = match page(data, market, at).await {
                Ok(page) => page,
                Err(error) => {
                    keep(store, market, &mut columns)?;
                    return Err(error);
                }
            };
            let page = page.into_iter().filter(|candle| candle.open_time.as_ms() < span.end);
            let mut last = None;
            for candle in page {
                last = Some(candle.open_time.as_ms());
                columns.push(candle);
                state.fetched += 1;
            }
            at = last.map_or(span.end, |last| last + length);
            state.passed = before + candles(&(span.start..at));
            if columns.len() >= CHUNK {
                keep(store, market, &mut columns)?;
            }
            progress(state);
        }
    }
    keep(store, market, &mut columns)?;
    let manifest = match store.manifest(market) {
        Err(StoreError::NotFound(_)) => None,
        other => Some(other?),
    };
    Ok(Filled { fetched: state.fetched, manifest })
}

/// The parts of a span that the store has no candles of, milliseconds.
fn missing(
    store: &CandleStore,
    market: &Market,
    span: Range<Timestamp>,
) -> Result<Vec<Range<i64>>, BackfillError> {
    let length = market.timeframe.as_ms();
    // The first candle that opens in the span, and the end of the last that has closed in it.
    let first = span.start.as_ms() + (-span.start.as_ms()).rem_euclid(length);
    let end = market.timeframe.floor(span.end).as_ms();
    let known = match store.load(market, Some(span.start), Some(span.end)) {
        Err(StoreError::NotFound(_)) => Vec::new(),
        other => other?.into_columns().time,
    };
    let mut missing = Vec::new();
    let mut at = first;
    for open in known {
        if open > at {
            missing.push(at..open);
        }
        at = open + length;
    }
    if at < end {
        missing.push(at..end);
    }
    Ok(missing)
}

/// The candles from `at` on. Waits where the venue limits requests, and is patient where it does
/// not answer.
async fn page(
    data: &dyn MarketData,
    market: &Market,
    at: i64,
) -> Result<Vec<Candle>, BackfillError> {
    let unanswered = |error: &MarketDataError| matches!(error, MarketDataError::Unavailable(_));
    loop {
        let ask = || data.candles(&market.symbol, market.timeframe, Timestamp::from_ms(at), PAGE);
        match PATIENCE.run(unanswered, ask).await {
            Err(MarketDataError::RateLimited { until }) => {
                // By the venue's clock; a little more, so that it is not too early by ours.
                let now = match data.time().await {
                    Ok(now) => now,
                    Err(_) => ClockOffset::machine(),
                };
                let ms = until.as_ms().saturating_sub(now.as_ms()).clamp(0, 3_600_000) + 50;
                tokio::time::sleep(Duration::from_millis(ms.unsigned_abs())).await;
            }
            other => return Ok(other?),
        }
    }
}

fn keep(store: &CandleStore, market: &Market, columns: &mut Columns) -> Result<(), BackfillError> {
    if columns.is_empty() {
        return Ok(());
    }
    let series = Series::new(market.timeframe, std::mem::take(columns))?;
    // The market names the venue; there are no files to be noted.
    store.import(market, &series, &[])?;
    Ok(())
}

/// A backfill that could not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackfillError {
    /// The venue.
    #[error(transparent)]
    Venue(#[from] MarketDataError),
    /// The venue's candles cannot be true.
    #[error("the venue's candles cannot be true: {0}")]
    Data(#[from] DataError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}
