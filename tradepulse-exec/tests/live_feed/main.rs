//! Live candles, on a paused clock: whatever the venue does, each closed candle comes once and in
//! order.

#![cfg(feature = "coordinator")]
#![allow(clippy::unwrap_used)]

mod venue;

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use tradepulse_core::exchange::{Feed, FeedEvent};
use tradepulse_core::market::{Candle, Symbol};
use tradepulse_core::random::Seed;
use tradepulse_core::time::{Timeframe, Timestamp};
use tradepulse_exec::coordinator::Clock;
use tradepulse_exec::coordinator::live_feed::{LiveFeed, LiveFeedSettings, warm_up};

use self::venue::{Fault, StreamFault, Venue, candle};

/// Noon of a day, on the grid of an hour.
const BEGUN: i64 = 1_704_110_400_000;

type Key = (Symbol, Timeframe);

fn btc() -> Symbol {
    "BTC/USDT".parse().unwrap()
}

fn markets() -> Vec<Key> {
    let eth: Symbol = "ETH/USDT".parse().unwrap();
    vec![(eth, Timeframe::M1), (btc(), Timeframe::M5), (btc(), Timeframe::M1)]
}

/// What the feed told until it is silent at `until`: candles with the time at which they came, and
/// everything else.
async fn collect(
    venue: Arc<Venue>,
    markets: &[Key],
    from: i64,
    until: i64,
) -> (Vec<(Key, Candle, i64)>, Vec<FeedEvent>) {
    let clock = venue.clock.clone();
    let settings = LiveFeedSettings { seed: Seed(3), ..LiveFeedSettings::default() };
    let from = Timestamp::from_ms(from);
    let markets = markets.iter().map(|(s, t)| (s.clone(), *t, from));
    let mut feed = LiveFeed::start(venue, markets, clock.clone(), settings);
    let (mut candles, mut others) = (Vec::new(), Vec::new());
    let wait = Duration::from_millis((until - clock.now().as_ms()).unsigned_abs());
    let end = tokio::time::sleep(wait);
    tokio::pin!(end);
    loop {
        tokio::select! {
            biased;
            event = feed.next() => match event.unwrap().unwrap() {
                FeedEvent::Candle { symbol, timeframe, candle } => {
                    candles.push(((symbol, timeframe), candle, clock.now().as_ms()));
                }
                other => others.push(other),
            },
            () = &mut end => return (candles, others),
        }
    }
}

/// The candles that close in `from..=until`, in the order in which they are to come.
fn expected(markets: &[Key], from: i64, until: i64, holes: &[i64]) -> Vec<(Key, Candle)> {
    let mut all = Vec::new();
    for (symbol, timeframe) in markets {
        let length = timeframe.as_ms();
        for i in from / length..until / length {
            let candle = candle(symbol, *timeframe, i);
            if candle.open_time.as_ms() >= from && !holes.contains(&candle.open_time.as_ms()) {
                let close = candle.open_time.as_ms() + length;
                all.push((close, (symbol.clone(), *timeframe), candle));
            }
        }
    }
    all.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    all.into_iter().map(|(_, key, candle)| (key, candle)).collect()
}

fn without_time(candles: &[(Key, Candle, i64)]) -> Vec<(Key, Candle)> {
    candles.iter().map(|(key, candle, _)| (key.clone(), *candle)).collect()
}

fn paused() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

fn clock() -> Clock {
    Clock::timers(Timestamp::from_ms(BEGUN))
}

const MINUTE: i64 = 60_000;

#[tokio::test(start_paused = true)]
async fn candles_come_a_moment_after_they_closed_and_are_asked_for_once() {
    let venue = Arc::new(Venue::new(clock(), []));
    let until = BEGUN + 30 * MINUTE + 30_000;
    let (candles, others) = collect(venue.clone(), &markets(), BEGUN, until).await;
    assert_eq!(without_time(&candles), expected(&markets(), BEGUN, until, &[]));
    assert!(others.is_empty(), "{others:?}");
    for ((_, timeframe), candle, came) in &candles {
        let late = came - candle.open_time.as_ms() - timeframe.as_ms();
        assert!((0..=2_000).contains(&late), "{late} ms after the close");
    }
    // Three at the beginning, then one at each close of each market.
    assert_eq!(venue.asked.lock().unwrap().len(), 3 + 30 + 30 + 6);
}

#[tokio::test(start_paused = true)]
async fn what_was_missed_is_caught_up_with_in_pages_and_in_order() {
    let venue = Arc::new(Venue::new(clock(), []));
    let from = BEGUN - 3_000 * MINUTE;
    let until = BEGUN + 90_000;
    let (candles, others) = collect(venue, &markets(), from, until).await;
    assert_eq!(without_time(&candles), expected(&markets(), from, until, &[]));
    assert!(others.is_empty(), "{others:?}");
}

#[tokio::test(start_paused = true)]
async fn a_hole_that_nobody_can_fill_is_waited_for_and_then_passed_over() {
    let holes = [BEGUN + 2 * MINUTE, BEGUN + 3 * MINUTE];
    let mut venue = Venue::new(clock(), []);
    venue.holes = holes.to_vec();
    let key = [(btc(), Timeframe::M1)];
    let until = BEGUN + 15 * MINUTE;
    let (candles, others) = collect(Arc::new(venue), &key, BEGUN, until).await;
    let until = candles.last().unwrap().1.open_time.as_ms() + MINUTE;
    assert!(until >= BEGUN + 14 * MINUTE, "{candles:?}");
    assert_eq!(without_time(&candles), expected(&key, BEGUN, until, &holes));
    // The first hole shows at the close of the third minute, and lasts two of patience.
    let after = candles.iter().find(|(_, c, _)| c.open_time.as_ms() == BEGUN + 4 * MINUTE);
    assert!(after.unwrap().2 >= BEGUN + 5 * MINUTE, "{candles:?}");
    assert!(others.iter().any(|e| matches!(e, FeedEvent::Stale { .. })), "{others:?}");
}

#[tokio::test(start_paused = true)]
async fn one_market_that_is_dead_holds_the_others_up_for_a_while_only() {
    let mut venue = Venue::new(clock(), []);
    // The five minutes of BTC never come.
    venue.holes = (0..10).map(|i| BEGUN + i * 5 * MINUTE).collect();
    let keys = [(btc(), Timeframe::M5), ("ETH/USDT".parse().unwrap(), Timeframe::M1)];
    // Minutes that open with them are holes too.
    let until = BEGUN + 18 * MINUTE;
    let (candles, others) = collect(Arc::new(venue), &keys, BEGUN + MINUTE, until).await;
    let minutes = candles.iter().filter(|((_, t), ..)| *t == Timeframe::M1).count();
    assert!(minutes >= 10, "{candles:?}");
    let stale = others.iter().any(
        |event| matches!(event, FeedEvent::Stale { timeframe, .. } if *timeframe == Timeframe::M5),
    );
    assert!(stale, "{others:?}");
}

#[tokio::test(start_paused = true)]
async fn a_venue_that_does_not_answer_is_asked_less_and_less_and_told_of() {
    let venue = Arc::new(Venue::new(clock(), vec![Fault::Unavailable; 400]));
    let key = [(btc(), Timeframe::M1)];
    let (candles, others) = collect(venue.clone(), &key, BEGUN, BEGUN + 60 * MINUTE).await;
    assert!(candles.is_empty());
    let asked = venue.asked.lock().unwrap().len();
    assert!((60..140).contains(&asked), "asked {asked} times in an hour");
    let trouble = others.iter().filter(|e| matches!(e, FeedEvent::Trouble { .. })).count();
    let stale = others.iter().filter(|e| matches!(e, FeedEvent::Stale { .. })).count();
    assert_eq!(trouble, 1, "{others:?}");
    assert!((10..=12).contains(&stale), "{others:?}");
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_requests_is_kept() {
    let venue = Arc::new(Venue::new(clock(), [Fault::None, Fault::RateLimited(200)]));
    let key = [(btc(), Timeframe::M1)];
    let until = BEGUN + 10 * MINUTE;
    let (candles, _) = collect(venue.clone(), &key, BEGUN, until).await;
    let asked = venue.asked.lock().unwrap();
    assert!(asked[2].as_ms() - asked[1].as_ms() >= 200_000, "{asked:?}");
    let last = candles.last().unwrap().1.open_time.as_ms() + MINUTE;
    assert_eq!(without_time(&candles), expected(&key, BEGUN, last, &[]));
    assert!(last >= BEGUN + 9 * MINUTE);
}

#[tokio::test(start_paused = true)]
async fn a_market_that_there_is_not_ends_the_feed_with_its_name() {
    let data = Arc::new(NoSuchMarket(Venue::new(clock(), [])));
    let markets = [(btc(), Timeframe::M1, Timestamp::from_ms(BEGUN))];
    let mut feed = LiveFeed::start(data, markets, clock(), LiveFeedSettings::default());
    let error = feed.next().await.unwrap_err().to_string();
    assert!(error.contains("BTC/USDT 1m") && error.contains("no such market"), "{error}");
    assert!(feed.next().await.is_err());
}

struct NoSuchMarket(Venue);

#[async_trait::async_trait]
impl tradepulse_core::exchange::MarketData for NoSuchMarket {
    async fn candles(
        &self,
        symbol: &Symbol,
        _: Timeframe,
        _: Timestamp,
        _: usize,
    ) -> Result<Vec<Candle>, tradepulse_core::exchange::MarketDataError> {
        Err(tradepulse_core::exchange::MarketDataError::Symbol(symbol.to_string()))
    }

    async fn trading_rules(
        &self,
        symbol: &Symbol,
    ) -> Result<tradepulse_core::exchange::TradingRules, tradepulse_core::exchange::MarketDataError>
    {
        self.0.trading_rules(symbol).await
    }

    async fn quote(
        &self,
        symbol: &Symbol,
    ) -> Result<tradepulse_core::strategy::Quote, tradepulse_core::exchange::MarketDataError> {
        self.0.quote(symbol).await
    }

    async fn time(&self) -> Result<Timestamp, tradepulse_core::exchange::MarketDataError> {
        self.0.time().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_quicker_than_asking_and_what_it_misses_is_asked_for() {
    let mut venue = Venue::new(clock(), []);
    let faults = [StreamFault::None, StreamFault::Lost, StreamFault::None, StreamFault::Doubled];
    venue.streams = Some(std::sync::Mutex::new(faults.into()));
    let venue = Arc::new(venue);
    let key = [(btc(), Timeframe::M1)];
    let until = BEGUN + 10 * MINUTE + 30_000;
    let (candles, _) = collect(venue.clone(), &key, BEGUN, until).await;
    assert_eq!(without_time(&candles), expected(&key, BEGUN, until, &[]));
    let late: Vec<i64> =
        candles.iter().map(|(_, c, came)| came - c.open_time.as_ms() - MINUTE).collect();
    assert!(late[0] < 1_000 && late[2] < 1_000 && late[9] < 1_000, "{late:?}");
    // The second was lost, and asked for when the stream had been silent for long enough.
    assert!((10_000..12_000).contains(&late[1]), "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_stands_and_tells_nothing_is_made_anew() {
    let mut venue = Venue::new(clock(), []);
    venue.streams = Some(std::sync::Mutex::new([StreamFault::None, StreamFault::Silent].into()));
    let venue = Arc::new(venue);
    let key = [(btc(), Timeframe::M1)];
    let until = BEGUN + 8 * MINUTE + 30_000;
    let (candles, others) = collect(venue.clone(), &key, BEGUN, until).await;
    assert_eq!(without_time(&candles), expected(&key, BEGUN, until, &[]));
    assert_eq!(*venue.connections.lock().unwrap(), 2);
    assert!(others.iter().any(|e| matches!(e, FeedEvent::Trouble { .. })), "{others:?}");
    let last = candles.last().unwrap();
    assert!(last.2 - last.1.open_time.as_ms() - MINUTE < 1_000, "the new stream is used");
}

#[tokio::test(start_paused = true)]
async fn history_is_loaded_in_pages_and_as_far_as_there_is_any() {
    let mut venue = Venue::new(clock(), [Fault::Unavailable, Fault::Doubled, Fault::Forming]);
    venue.since = Timestamp::from_ms(BEGUN - 2_500 * MINUTE);
    let settings = LiveFeedSettings::default();
    let (symbol, now) = (btc(), Timestamp::from_ms(BEGUN + 30_000));
    let market = (&symbol, Timeframe::M1);
    let loaded = warm_up(&venue, market, 1_700, now, &settings).await.unwrap();
    let times: Vec<_> = loaded.iter().map(|c| c.open_time.as_ms()).collect();
    let all: Vec<_> = (1..=1_700).rev().map(|i| BEGUN - i * MINUTE).collect();
    assert_eq!(times, all);
    let loaded = warm_up(&venue, market, 9_000, now, &settings).await.unwrap();
    assert_eq!(loaded.len(), 2_500);
    venue.faults = std::sync::Mutex::new(vec![Fault::Unavailable; 50].into());
    let error = warm_up(&venue, market, 10, now, &settings).await.unwrap_err();
    assert!(error.to_string().contains("502"), "{error}");
}

fn faults() -> impl Strategy<Value = Vec<Fault>> {
    let fault = prop_oneof![
        6 => Just(Fault::None),
        1 => Just(Fault::Unavailable),
        1 => (1..20_u8).prop_map(Fault::RateLimited),
        1 => Just(Fault::Hangs),
        2 => (1..3_u8).prop_map(Fault::Late),
        2 => (0..9_u8).prop_map(Fault::Hole),
        2 => Just(Fault::Doubled),
        2 => Just(Fault::Forming),
        1 => Just(Fault::Impossible),
    ];
    proptest::collection::vec(fault, 0..120)
}

fn stream_faults() -> impl Strategy<Value = Option<Vec<StreamFault>>> {
    let fault = prop_oneof![
        8 => Just(StreamFault::None),
        2 => Just(StreamFault::Lost),
        2 => Just(StreamFault::Doubled),
        1 => Just(StreamFault::Ends),
        1 => Just(StreamFault::Silent),
    ];
    proptest::option::of(proptest::collection::vec(fault, 0..60))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn each_closed_candle_comes_once_and_in_order(
        faults in faults(),
        streams in stream_faults(),
        before in 0_i64..20,
    ) {
        let (candles, wanted) = paused().block_on(async {
            let mut venue = Venue::new(clock(), faults.clone());
            venue.streams = streams.map(|s| std::sync::Mutex::new(s.into()));
            let from = BEGUN - before * MINUTE;
            // The faults are over long before the end.
            let until = BEGUN + 240 * MINUTE + 30_000;
            let (candles, _) = collect(Arc::new(venue), &markets(), from, until).await;
            (candles, expected(&markets(), from, until, &[]))
        });
        for market in markets() {
            let of = |all: Vec<(Key, Candle)>| -> Vec<Candle> {
                all.into_iter().filter(|(key, _)| *key == market).map(|(_, c)| c).collect()
            };
            prop_assert_eq!(of(without_time(&candles)), of(wanted.clone()));
        }
        for ((_, timeframe), candle, came) in &candles {
            prop_assert!(candle.open_time.as_ms() + timeframe.as_ms() <= *came);
        }
    }
}
