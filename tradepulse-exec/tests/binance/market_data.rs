//! Candles, rules, quotes; candles as they close.

use std::time::Duration;

use tradepulse_core::exchange::{CandleStream, FeedEvent, MarketData, MarketDataError};
use tradepulse_core::market::Candle;
use tradepulse_core::time::{Timeframe, Timestamp};
use tradepulse_exec::simulator::Dialect;

use crate::scene::{DIALECTS, candle, data, settings, start, symbol};

fn minutes(count: i64) -> Vec<Candle> {
    (0..count).map(|minute| candle(minute, [100.0 + minute as f64; 4])).collect()
}

#[tokio::test]
async fn candles_come_in_pages_oldest_first() {
    for dialect in DIALECTS {
        let simulator = start(settings(dialect, minutes(2_500))).await;
        let data = data(dialect, &simulator).await;
        let mut from = Timestamp::from_ms(0);
        let mut all: Vec<Candle> = Vec::new();
        loop {
            let page = data.candles(&symbol(), Timeframe::M1, from, 5_000).await.unwrap();
            let Some(last) = page.last() else { break };
            from = Timestamp::from_ms(last.open_time.as_ms() + 60_000);
            all.extend(page);
        }
        assert_eq!(all, minutes(2_500), "{dialect}");
        let few = data.candles(&symbol(), Timeframe::M1, Timestamp::from_ms(61_000), 3).await;
        let few: Vec<i64> = few.unwrap().iter().map(|c| c.open_time.as_ms() / 60_000).collect();
        assert_eq!(few, [2, 3, 4], "{dialect}");
        let hours = data.candles(&symbol(), Timeframe::H1, Timestamp::from_ms(0), 2).await.unwrap();
        assert_eq!((hours[1].open, hours[1].close), (160.0, 219.0), "{dialect}");
        assert_eq!(hours[1].volume, 60_000.0, "{dialect}");
    }
}

#[tokio::test]
async fn the_candle_that_is_still_open_is_not_given_out() {
    let simulator = start(settings(Dialect::Binance, Vec::new())).await;
    let data = data(Dialect::Binance, &simulator).await;
    let now = data.time().await.unwrap();
    let open = Timeframe::M1.floor(now).as_ms() / 60_000;
    simulator.trade(&symbol(), candle(open - 1, [100.0; 4])).unwrap();
    simulator.form(&symbol(), candle(open, [100.0, 101.0, 100.0, 101.0]));
    let from = Timestamp::from_ms((open - 5) * 60_000);
    // A minute may end while this runs: then there are two, and the second has closed.
    let candles = data.candles(&symbol(), Timeframe::M1, from, 10).await.unwrap();
    let now = data.time().await.unwrap().as_ms();
    assert_eq!(candles[0].open_time.as_ms(), (open - 1) * 60_000);
    assert!(candles.iter().all(|candle| candle.open_time.as_ms() + 60_000 <= now));
}

#[tokio::test]
async fn rules_quotes_and_what_is_not_there() {
    for dialect in DIALECTS {
        let simulator = start(settings(dialect, minutes(10))).await;
        let data = data(dialect, &simulator).await;
        let rules = data.trading_rules(&symbol()).await.unwrap();
        assert_eq!(rules.price_tick, Some("0.01".parse().unwrap()), "{dialect}");
        let instrument = rules.instrument;
        assert_eq!(instrument.kind, dialect.kind());
        assert_eq!(instrument.quantity_step, Some("0.00001".parse().unwrap()));
        assert_eq!(instrument.min_notional, Some("5".parse().unwrap()));
        let quote = data.quote(&symbol()).await.unwrap();
        assert_eq!((quote.bid, quote.ask), (109.0, 109.0), "{dialect}");
        let nowhere = "NO/SUCH".parse().unwrap();
        let from = Timestamp::from_ms(0);
        let missing = data.candles(&nowhere, Timeframe::M1, from, 1).await;
        assert_eq!(missing, Err(MarketDataError::Symbol("NO/SUCH".into())), "{dialect}");
        assert!(matches!(data.quote(&nowhere).await, Err(MarketDataError::Symbol(_))));
        assert!(matches!(data.trading_rules(&nowhere).await, Err(MarketDataError::Symbol(_))));
        let odd = data.candles(&symbol(), "7m".parse().unwrap(), from, 1).await;
        assert_eq!(odd, Err(MarketDataError::Timeframe("7m".into())), "{dialect}");
    }
}

#[tokio::test]
async fn the_limiter_stops_before_the_venue_does() {
    let mut settings = settings(Dialect::Binance, minutes(10));
    settings.weight_limit = 40;
    let simulator = start(settings).await;
    let data = data(Dialect::Binance, &simulator).await;
    let mut refused = None;
    for _ in 0..200 {
        match data.candles(&symbol(), Timeframe::M1, Timestamp::from_ms(0), 10).await {
            Ok(_) => {}
            Err(MarketDataError::RateLimited { until }) => refused = Some(until),
            Err(error) => panic!("{error}"),
        }
        if refused.is_some() {
            break;
        }
    }
    let until = refused.unwrap();
    assert_eq!(until.as_ms() % 60_000, 0, "a window ends with the minute");
    assert!(until > data.time().await.map_or(Timestamp::from_ms(0), |now| now));
}

/// The next candle; fails if none comes.
async fn next(stream: &mut Box<dyn CandleStream>) -> Result<i64, MarketDataError> {
    let event = tokio::time::timeout(Duration::from_secs(20), stream.next()).await.unwrap()?;
    let FeedEvent::Candle { symbol: of, timeframe, candle } = event else {
        panic!("{event:?}");
    };
    assert_eq!((of, timeframe), (symbol(), Timeframe::M1));
    Ok(candle.open_time.as_ms() / 60_000)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn candles_stream_once_they_have_closed_until_the_stream_breaks() {
    for dialect in DIALECTS {
        let simulator = start(settings(dialect, minutes(5))).await;
        let data = data(dialect, &simulator).await;
        let markets = [(symbol(), Timeframe::M1)];
        let mut stream = data.stream(&markets).await.unwrap();
        simulator.form(&symbol(), candle(5, [104.0, 105.0, 104.0, 105.0]));
        for minute in 5..8 {
            simulator.trade(&symbol(), candle(minute, [105.0; 4])).unwrap();
        }
        for minute in 5..8 {
            assert_eq!(next(&mut stream).await, Ok(minute), "{dialect}");
        }
        simulator.disconnect();
        assert!(matches!(next(&mut stream).await, Err(MarketDataError::Unavailable(_))));
        let mut stream = data.stream(&markets).await.unwrap();
        simulator.trade(&symbol(), candle(8, [105.0; 4])).unwrap();
        assert_eq!(next(&mut stream).await, Ok(8), "{dialect}");
    }
}
