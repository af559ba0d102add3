//! Backfill: only what is missing is asked for, in pages, past limits and failures, and what came
//! is kept.

#![allow(clippy::unwrap_used)]

use std::sync::Mutex;

use async_trait::async_trait;
use tradepulse_core::exchange::{MarketData, MarketDataError, TradingRules};
use tradepulse_core::market::{Candle, Market, Symbol};
use tradepulse_core::strategy::Quote;
use tradepulse_core::time::{Timeframe, Timestamp};
use tradepulse_exec::exchange::backfill::{BackfillError, Progress, backfill};
use tradepulse_exec::store::columnar::CandleStore;

const PAGE: usize = 100;

/// A venue whose candles are one a minute; it fails as it is told, and notes what it is asked.
#[derive(Default)]
struct Minutes {
    candles: std::ops::Range<i64>,
    /// None are there from the first to the second.
    hole: std::ops::Range<i64>,
    failures: Mutex<Vec<MarketDataError>>,
    /// Candles from this one on are refused.
    refused: Option<i64>,
    asked: Mutex<Vec<i64>>,
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_ms(minute * 60_000)
}

#[async_trait]
impl MarketData for Minutes {
    async fn candles(
        &self,
        _: &Symbol,
        _: Timeframe,
        from: Timestamp,
        limit: usize,
    ) -> Result<Vec<Candle>, MarketDataError> {
        self.asked.lock().unwrap().push(from.as_ms() / 60_000);
        if let Some(failure) = self.failures.lock().unwrap().pop() {
            return Err(failure);
        }
        if self.refused.is_some_and(|first| from >= at(first)) {
            return Err(MarketDataError::Unsupported("candles so young"));
        }
        let minutes = self.candles.clone().filter(|minute| !self.hole.contains(minute));
        let candle = |minute| {
            let (open, high, low, close, volume) = (10.0, 12.0, 9.0, 11.0, 1.0);
            Candle { open_time: at(minute), open, high, low, close, volume }
        };
        let minutes = minutes.filter(|minute| at(*minute) >= from);
        Ok(minutes.take(limit.min(PAGE)).map(candle).collect())
    }

    async fn trading_rules(&self, symbol: &Symbol) -> Result<TradingRules, MarketDataError> {
        Err(MarketDataError::Symbol(symbol.to_string()))
    }

    async fn quote(&self, symbol: &Symbol) -> Result<Quote, MarketDataError> {
        Err(MarketDataError::Symbol(symbol.to_string()))
    }

    async fn time(&self) -> Result<Timestamp, MarketDataError> {
        Ok(at(10_000))
    }
}

fn market() -> Market {
    let (exchange, symbol) = ("venue".parse().unwrap(), "ONE/TWO".parse().unwrap());
    Market { exchange, symbol, timeframe: Timeframe::M1 }
}

#[tokio::test(start_paused = true)]
async fn only_what_is_missing_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let store = CandleStore::open(folder.path());
    let venue = Minutes { candles: 0..1_000, hole: 400..450, ..Minutes::default() };
    let mut last = Progress::default();
    let filled = backfill(&venue, &store, &market(), at(300)..at(500), |p| last = p).await.unwrap();
    assert_eq!(filled.fetched, 150);
    assert_eq!(last, Progress { missing: 200, passed: 200, fetched: 150 });
    let gaps = filled.manifest.unwrap().gaps;
    assert_eq!((gaps.count, gaps.missing), (1, 50));

    venue.asked.lock().unwrap().clear();
    let filled = backfill(&venue, &store, &market(), at(250)..at(600), drop).await.unwrap();
    assert_eq!(filled.fetched, 150);
    // Before, the hole, after: nothing that is there is asked for again.
    assert_eq!(*venue.asked.lock().unwrap(), [250, 400, 500]);
    assert_eq!(filled.manifest.unwrap().rows, 300);
}

#[tokio::test(start_paused = true)]
async fn limits_and_failures_are_waited_out() {
    let folder = tempfile::tempdir().unwrap();
    let store = CandleStore::open(folder.path());
    let failures = vec![
        MarketDataError::Unavailable("no answer".into()),
        MarketDataError::RateLimited { until: at(10_001) },
        MarketDataError::Unavailable("no answer".into()),
    ];
    let failures = Mutex::new(failures);
    let venue = Minutes { candles: 0..250, failures, ..Minutes::default() };
    let before = tokio::time::Instant::now();
    let filled = backfill(&venue, &store, &market(), at(0)..at(250), drop).await.unwrap();
    assert_eq!(filled.fetched, 250);
    assert_eq!(*venue.asked.lock().unwrap(), [0, 0, 0, 0, 100, 200]);
    // The clock of this test runs by itself: a minute passed until the limit ended.
    assert!(before.elapsed().as_secs() >= 60, "{:?}", before.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_the_venue_does_not_have_is_an_error_and_what_came_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = CandleStore::open(folder.path());
    let failures = Mutex::new(vec![MarketDataError::Symbol("ONE/TWO".into())]);
    let venue = Minutes { candles: 0..50, failures, ..Minutes::default() };
    let refused = backfill(&venue, &store, &market(), at(0)..at(50), drop).await;
    assert!(matches!(refused, Err(BackfillError::Venue(MarketDataError::Symbol(_)))));
    let filled = backfill(&venue, &store, &market(), at(2_000)..at(3_000), drop).await.unwrap();
    assert_eq!((filled.fetched, filled.manifest), (0, None));
    // A candle that has not closed at the end of the span is not one of it.
    let end = Timestamp::from_ms(at(30).as_ms() + 30_000);
    let filled = backfill(&venue, &store, &market(), at(0)..end, drop).await.unwrap();
    assert_eq!(filled.fetched, 30);
    // What came before a failure is not asked for again.
    let refused = Some(150);
    let venue = Minutes { candles: 100..300, refused, ..Minutes::default() };
    let failed = backfill(&venue, &store, &market(), at(100)..at(300), drop).await;
    assert!(matches!(failed, Err(BackfillError::Venue(MarketDataError::Unsupported(_)))));
    let venue = Minutes { candles: 100..300, ..Minutes::default() };
    backfill(&venue, &store, &market(), at(100)..at(300), drop).await.unwrap();
    assert_eq!(*venue.asked.lock().unwrap(), [200]);
}
