//! Candles, rules, quotes; candles as they close.

use std::time::Duration;

use serde_json::Value;
use tradepulse_core::exchange::{CandleStream, FeedEvent, MarketData, MarketDataError};
use tradepulse_core::market::Candle;
use tradepulse_core::time::{Timeframe, Timestamp};
use tradepulse_exec::exchange::coinbase::{CoinbaseMarketData, CoinbaseSettings};

use crate::scene::{access, candle, data, settings, start, symbol};

fn minutes(count: i64) -> Vec<Candle> {
    (0..count).map(|minute| candle(minute, [100.0 + minute as f64; 4])).collect()
}

fn minute(minute: i64) -> Timestamp {
    Timestamp::from_ms(minute * 60_000)
}

fn opened(candles: &[Candle]) -> Vec<i64> {
    candles.iter().map(|candle| candle.open_time.as_ms() / 60_000).collect()
}

/// The venue's answers are newest first and in seconds; the adapter's are not.
#[tokio::test]
async fn candles_come_in_pages_of_300_oldest_first() {
    let simulator = start(settings(minutes(2_500))).await;
    let path = "/api/v3/brokerage/market/products/BTC-USDT/candles";
    let url = format!("{}{path}?start=0&end=180&granularity=ONE_MINUTE", simulator.rest_url());
    let raw = reqwest::get(url).await.unwrap().text().await.unwrap();
    let raw: Value = serde_json::from_str(&raw).unwrap();
    let starts: Vec<&str> =
        raw["candles"].as_array().unwrap().iter().filter_map(|c| c["start"].as_str()).collect();
    assert_eq!(starts, ["180", "120", "60", "0"]);

    let data = data(&simulator).await;
    let mut from = minute(0);
    let (mut all, mut pages): (Vec<Candle>, Vec<usize>) = Default::default();
    loop {
        let page = data.candles(&symbol(), Timeframe::M1, from, 5_000).await.unwrap();
        let Some(last) = page.last() else { break };
        from = Timestamp::from_ms(last.open_time.as_ms() + 60_000);
        pages.push(page.len());
        all.extend(page);
    }
    assert_eq!(all, minutes(2_500));
    assert_eq!(pages, [300, 300, 300, 300, 300, 300, 300, 300, 100]);
    let few = data.candles(&symbol(), Timeframe::M1, Timestamp::from_ms(61_000), 3).await;
    assert_eq!(opened(&few.unwrap()), [2, 3, 4]);
    let hours = data.candles(&symbol(), Timeframe::H1, minute(0), 2).await.unwrap();
    assert_eq!((hours[1].open, hours[1].close, hours[1].volume), (160.0, 219.0, 60_000.0));
}

/// The venue has no candles for times without trades: a page can be empty and more can follow.
#[tokio::test]
async fn candles_are_found_behind_a_long_silence() {
    let silence = 3 * 365 * 1_440 + 700;
    let mut history = minutes(5);
    history.extend((silence..silence + 5).map(|minute| candle(minute, [200.0; 4])));
    let simulator = start(settings(history)).await;
    let data = data(&simulator).await;
    let found = data.candles(&symbol(), Timeframe::M1, minute(5), 100).await.unwrap();
    assert_eq!(opened(&found)[0], silence);
    let found = data.candles(&symbol(), Timeframe::H1, minute(60), 100).await.unwrap();
    assert_eq!(opened(&found), [silence / 60 * 60]);
    let none = data.candles(&symbol(), Timeframe::M1, minute(silence + 5), 100).await.unwrap();
    assert_eq!(none, []);
}

#[tokio::test]
async fn the_candle_that_is_still_open_is_not_given_out() {
    let simulator = start(settings(Vec::new())).await;
    let data = data(&simulator).await;
    let now = data.time().await.unwrap();
    let open = Timeframe::M1.floor(now).as_ms() / 60_000;
    simulator.trade(&symbol(), candle(open - 1, [100.0; 4])).unwrap();
    simulator.form(&symbol(), candle(open, [100.0, 101.0, 100.0, 101.0]));
    // A minute may end while this runs: then there are two, and the second has closed.
    let candles = data.candles(&symbol(), Timeframe::M1, minute(open - 5), 10).await.unwrap();
    let now = data.time().await.unwrap().as_ms();
    assert_eq!(opened(&candles)[0], open - 1);
    assert!(candles.iter().all(|candle| candle.open_time.as_ms() + 60_000 <= now));
}

#[tokio::test]
async fn rules_quotes_and_what_is_not_there() {
    let simulator = start(settings(minutes(10))).await;
    let data = data(&simulator).await;
    let rules = data.trading_rules(&symbol()).await.unwrap();
    assert_eq!(rules.price_tick, Some("0.01".parse().unwrap()));
    assert_eq!(rules.instrument.quantity_step, Some("0.00001".parse().unwrap()));
    assert_eq!(rules.instrument.min_notional, Some("5".parse().unwrap()));
    let quote = data.quote(&symbol()).await.unwrap();
    assert_eq!((quote.bid, quote.ask), (109.0, 109.0));
    let nowhere = "NO/SUCH".parse().unwrap();
    let missing = data.candles(&nowhere, Timeframe::M1, minute(0), 1).await;
    assert_eq!(missing, Err(MarketDataError::Symbol("NO/SUCH".into())));
    assert!(matches!(data.quote(&nowhere).await, Err(MarketDataError::Symbol(_))));
    assert!(matches!(data.trading_rules(&nowhere).await, Err(MarketDataError::Symbol(_))));
    let odd = data.candles(&symbol(), "3m".parse().unwrap(), minute(0), 1).await;
    assert_eq!(odd, Err(MarketDataError::Timeframe("3m".into())));
}

#[tokio::test]
async fn the_limiter_stops_before_the_venue_does() {
    let mut settings = settings(minutes(10));
    settings.weight_limit = 10;
    let simulator = start(settings).await;
    // What the venue allows by its documentation.
    let access = CoinbaseSettings { requests_per_second: None, ..access(&simulator, None) };
    let data = CoinbaseMarketData::connect(access).await.unwrap();
    let mut refused = None;
    for _ in 0..200 {
        match data.candles(&symbol(), Timeframe::M1, minute(0), 10).await {
            Ok(_) => {}
            Err(MarketDataError::RateLimited { until }) => refused = Some(until),
            Err(error) => panic!("{error}"),
        }
        if refused.is_some() {
            break;
        }
    }
    assert!(refused.is_some(), "two hundred requests were not too many");
}

/// The next candle; fails if none comes.
async fn next(stream: &mut Box<dyn CandleStream>) -> Result<Candle, MarketDataError> {
    let event = tokio::time::timeout(Duration::from_secs(20), stream.next()).await.unwrap()?;
    let FeedEvent::Candle { symbol: of, timeframe, candle } = event else {
        panic!("{event:?}");
    };
    assert_eq!((of, timeframe), (symbol(), Timeframe::M5));
    Ok(candle)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn candles_stream_once_they_have_closed_until_the_stream_breaks() {
    let simulator = start(settings(minutes(5))).await;
    let data = data(&simulator).await;
    let one = [(symbol(), Timeframe::M1)];
    let unsupported = data.stream(&one).await.err();
    assert!(matches!(unsupported, Some(MarketDataError::Unsupported(_))), "{unsupported:?}");
    let five = [(symbol(), Timeframe::M5)];
    let mut stream = data.stream(&five).await.unwrap();
    simulator.form(&symbol(), candle(5, [104.0, 105.0, 104.0, 105.0]));
    for minute in 5..16 {
        simulator.trade(&symbol(), candle(minute, [minute as f64 + 100.0; 4])).unwrap();
    }
    for first in [0, 5, 10] {
        let candle = next(&mut stream).await.unwrap();
        assert_eq!(candle.open_time, minute(first));
        assert_eq!((candle.open, candle.close), (100.0 + first as f64, 104.0 + first as f64));
        assert_eq!(candle.volume, 5_000.0);
    }
    simulator.disconnect();
    assert!(matches!(next(&mut stream).await, Err(MarketDataError::Unavailable(_))));
    let mut stream = data.stream(&five).await.unwrap();
    for minute in 16..21 {
        simulator.trade(&symbol(), candle(minute, [105.0; 4])).unwrap();
    }
    assert_eq!(next(&mut stream).await.unwrap().open_time, minute(15));
}
