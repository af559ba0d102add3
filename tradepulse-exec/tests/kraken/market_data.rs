//! Candles, rules, quotes; candles as they close.

use std::time::Duration;

use tradepulse_core::exchange::{CandleStream, FeedEvent, MarketData, MarketDataError};
use tradepulse_core::market::Candle;
use tradepulse_core::time::{Timeframe, Timestamp};
use tradepulse_exec::exchange::kraken::{KrakenMarketData, KrakenSettings};
use tradepulse_exec::exchange::rate_limit::FallingCounter;

use crate::scene::{access, candle, data, settings, start, symbol};

fn minutes(count: i64) -> Vec<Candle> {
    (0..count).map(|minute| candle(minute, [100.0 + minute as f64; 4])).collect()
}

async fn opened(
    data: &KrakenMarketData,
    from_ms: i64,
    limit: usize,
) -> Result<Vec<i64>, MarketDataError> {
    let from = Timestamp::from_ms(from_ms);
    let candles = data.candles(&symbol(), Timeframe::M1, from, limit).await?;
    Ok(candles.iter().map(|candle| candle.open_time.as_ms() / 60_000).collect())
}

/// Candles since a time are those after it, and there are no more than 720, whatever is asked for.
#[tokio::test]
async fn candles_since_a_time_begin_with_the_one_that_opened_then() {
    let simulator = start(settings(minutes(2_500))).await;
    let data = data(&simulator).await;
    assert_eq!(opened(&data, 2_490 * 60_000, 3).await, Ok(vec![2_490, 2_491, 2_492]));
    assert_eq!(opened(&data, 2_490 * 60_000 + 1, 2).await, Ok(vec![2_491, 2_492]));
    assert_eq!(opened(&data, 2_499 * 60_000, 9).await, Ok(vec![2_499]));
    assert_eq!(opened(&data, 2_500 * 60_000, 9).await, Ok(vec![]));
    // The venue's 720, of which the last is open.
    let all = opened(&data, 1_781 * 60_000, 5_000).await.unwrap();
    assert_eq!((all.len(), all[0], all[718]), (719, 1_781, 2_499));
    let refused = opened(&data, 1_780 * 60_000, 1).await;
    assert!(matches!(refused, Err(MarketDataError::Unsupported(why)) if why.contains("CSV")));
}

#[tokio::test]
async fn candles_of_other_lengths_are_put_together() {
    let simulator = start(settings(minutes(2_500))).await;
    let data = data(&simulator).await;
    let from = Timestamp::from_ms(3_600_000);
    let hours = data.candles(&symbol(), Timeframe::H1, from, 2).await.unwrap();
    assert_eq!((hours[0].open, hours[0].close, hours[0].volume), (160.0, 219.0, 60_000.0));
    let odd = data.candles(&symbol(), "7m".parse().unwrap(), from, 1).await;
    assert_eq!(odd, Err(MarketDataError::Timeframe("7m".into())));
}

#[tokio::test]
async fn the_candle_that_is_still_open_is_not_given_out() {
    let simulator = start(settings(minutes(5))).await;
    simulator.form(&symbol(), candle(5, [104.0, 105.0, 104.0, 105.0]));
    let data = data(&simulator).await;
    assert_eq!(opened(&data, 3 * 60_000, 9).await, Ok(vec![3, 4]));
}

/// `BTC/USD` is asked for as `XBTUSD` and answered as `XXBTZUSD`.
#[tokio::test]
async fn names_of_markets_are_the_usual_ones() {
    for (name, asked) in [("BTC/USD", "XBTUSD"), ("BTC/USDT", "XBTUSDT"), ("ETH/BTC", "ETHXBT")] {
        let mut settings = settings(minutes(10));
        settings.markets[0].symbol = name.parse().unwrap();
        let simulator = start(settings).await;
        let data = data(&simulator).await;
        let symbol = name.parse().unwrap();
        let from = Timestamp::from_ms(0);
        let candles = data.candles(&symbol, Timeframe::M1, from, 5).await.unwrap();
        assert_eq!(candles.len(), 5, "{name}");
        assert_eq!(data.quote(&symbol).await.unwrap().bid, 109.0, "{name}");
        assert!(data.trading_rules(&symbol).await.is_ok(), "{name}");
        let url = format!("{}/0/public/Ticker?pair={asked}", simulator.rest_url());
        let body = reqwest::get(url).await.unwrap().text().await.unwrap();
        let key = if name == "BTC/USD" { "XXBTZUSD" } else { "X" };
        assert!(body.contains(key), "{name}: {body}");
    }
}

#[tokio::test]
async fn rules_quotes_and_what_is_not_there() {
    let simulator = start(settings(minutes(10))).await;
    let data = data(&simulator).await;
    let rules = data.trading_rules(&symbol()).await.unwrap();
    assert_eq!(rules.price_tick, Some("0.01".parse().unwrap()));
    assert_eq!(rules.instrument.quantity_step, Some("0.00001".parse().unwrap()));
    assert_eq!(rules.instrument.min_quantity, Some("0.00001".parse().unwrap()));
    assert_eq!(rules.instrument.min_notional, Some("5".parse().unwrap()));
    let quote = data.quote(&symbol()).await.unwrap();
    assert_eq!((quote.bid, quote.ask), (109.0, 109.0));
    // Refused with HTTP 200 and an error in the body.
    let nowhere = "NO/SUCH".parse().unwrap();
    let missing = data.candles(&nowhere, Timeframe::M1, Timestamp::from_ms(0), 1).await;
    assert_eq!(missing, Err(MarketDataError::Symbol("NO/SUCH".into())));
    assert!(matches!(data.quote(&nowhere).await, Err(MarketDataError::Symbol(_))));
    assert!(matches!(data.trading_rules(&nowhere).await, Err(MarketDataError::Symbol(_))));
}

#[tokio::test]
async fn the_limiter_stops_before_the_venue_does() {
    let simulator = start(settings(minutes(10))).await;
    let market_limit = FallingCounter { most: 5.0, per_second: 0.001 };
    let settings = KrakenSettings { market_limit, ..access(&simulator, None) };
    let data = KrakenMarketData::connect(settings).await.unwrap();
    let mut taken = 0;
    let until = loop {
        match opened(&data, 0, 1).await {
            Ok(_) => taken += 1,
            Err(MarketDataError::RateLimited { until }) => break until,
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(taken, 4, "one question was for the time");
    assert!(until > Timestamp::from_ms(0));
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
async fn candles_stream_when_the_next_one_begins_until_the_stream_breaks() {
    let simulator = start(settings(minutes(5))).await;
    let data = data(&simulator).await;
    let markets = [(symbol(), Timeframe::M1)];
    let mut stream = data.stream(&markets).await.unwrap();
    simulator.form(&symbol(), candle(5, [104.0, 105.0, 104.0, 105.0]));
    for minute in 5..8 {
        simulator.trade(&symbol(), candle(minute, [105.0; 4])).unwrap();
    }
    for minute in 4..7 {
        assert_eq!(next(&mut stream).await, Ok(minute));
    }
    simulator.disconnect();
    assert!(matches!(next(&mut stream).await, Err(MarketDataError::Unavailable(_))));
    let mut stream = data.stream(&markets).await.unwrap();
    simulator.trade(&symbol(), candle(8, [105.0; 4])).unwrap();
    assert_eq!(next(&mut stream).await, Ok(7));
    let nowhere = [("NO/SUCH".parse().unwrap(), Timeframe::M1)];
    let refused = data.stream(&nowhere).await.map(|_| ());
    assert!(matches!(refused, Err(MarketDataError::Unavailable(why)) if why.contains("NO/SUCH")));
}
