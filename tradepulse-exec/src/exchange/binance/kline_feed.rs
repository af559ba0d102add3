use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;
use tradepulse_core::exchange::{Feed, FeedError, FeedEvent, MarketData, MarketDataError};
use tradepulse_core::market::{Candle, Symbol};
use tradepulse_core::time::{Timeframe, Timestamp};

use super::market_data::{BinanceMarketData, interval};
use super::messages::{Combined, KlineEvent};
use super::symbols::venue_symbol;
use crate::exchange::reconnect::Backoff;
use crate::exchange::websocket::TextStream;

/// How long a stream may be silent: the venue pings every 20 seconds.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long after its end a candle may come, milliseconds; then it is asked for.
const GRACE_MS: i64 = 3_000;
/// How often a candle that does not come is asked for.
const POLL_MS: i64 = 5_000;

/// Candles of a venue as they close.
///
/// They come by stream; what is missing after a break, or does not come in time, is asked for. The
/// feed is as healthy as its data is fresh: where neither brings the candle that should be there,
/// it says so once, and goes on trying.
pub struct BinanceFeed {
    data: BinanceMarketData,
    markets: Vec<FedMarket>,
    stream: Option<TextStream>,
    backoff: Backoff,
    connect_at: Option<Instant>,
    told: VecDeque<FeedEvent>,
}

struct FedMarket {
    symbol: Symbol,
    name: String,
    interval: &'static str,
    timeframe: Timeframe,
    /// Open time of the last candle that was told.
    last: Timestamp,
    /// Something may be missing: it is asked for as soon as may be.
    behind: bool,
    ask_at: Timestamp,
    stale: bool,
}

impl FedMarket {
    fn next_open(&self) -> Timestamp {
        later(self.last, self.timeframe.as_ms())
    }

    /// When the next candle is overdue.
    fn due(&self) -> Timestamp {
        later(self.last, 2 * self.timeframe.as_ms() + GRACE_MS)
    }

    fn tell(&mut self, candle: Candle) -> FeedEvent {
        self.last = candle.open_time;
        self.stale = false;
        FeedEvent::Candle { symbol: self.symbol.clone(), timeframe: self.timeframe, candle }
    }
}

fn later(time: Timestamp, ms: i64) -> Timestamp {
    Timestamp::from_ms(time.as_ms().saturating_add(ms))
}

impl BinanceFeed {
    pub(super) fn new(
        data: BinanceMarketData,
        markets: impl IntoIterator<Item = (Symbol, Timeframe)>,
    ) -> Result<Self, MarketDataError> {
        let now = data.client.clock.now();
        let market = |(symbol, timeframe): (Symbol, Timeframe)| {
            // The last one that has closed.
            let last = later(timeframe.floor(now), -timeframe.as_ms());
            Ok(FedMarket {
                name: venue_symbol(&symbol),
                symbol,
                interval: interval(timeframe)?,
                timeframe,
                last,
                behind: true,
                ask_at: now,
                stale: false,
            })
        };
        let markets: Result<Vec<_>, MarketDataError> = markets.into_iter().map(market).collect();
        Ok(Self {
            data,
            markets: markets?,
            stream: None,
            backoff: Backoff::default(),
            connect_at: None,
            told: VecDeque::new(),
        })
    }

    /// Candles that closed before the feed began are told too, from the one that opened at `from`:
    /// what a run missed while it was away.
    #[must_use]
    pub fn starting_at(mut self, from: Timestamp) -> Self {
        for market in &mut self.markets {
            let last = later(market.timeframe.floor(from), -market.timeframe.as_ms());
            market.last = market.last.min(last);
        }
        self
    }

    async fn connect(&mut self) -> bool {
        if let Some(at) = self.connect_at {
            tokio::time::sleep_until(at).await;
        }
        let names: Vec<String> = self
            .markets
            .iter()
            .map(|market| format!("{}@kline_{}", market.name.to_lowercase(), market.interval))
            .collect();
        let url = self.data.client.endpoints.market_stream(&names);
        match TextStream::connect(&url, PATIENCE).await {
            Ok(stream) => {
                self.stream = Some(stream);
                self.connect_at = None;
                true
            }
            Err(_) => {
                self.lose_stream();
                false
            }
        }
    }

    fn lose_stream(&mut self) {
        self.stream = None;
        self.connect_at = Some(Instant::now() + self.backoff.failed());
        for market in &mut self.markets {
            market.behind = true;
        }
    }

    /// Asks for what is missing. All of it is told in the order in which it closed.
    async fn catch_up(&mut self) {
        let now = self.data.client.clock.now();
        let mut found = Vec::new();
        for at in 0..self.markets.len() {
            let market = &self.markets[at];
            let overdue = market.behind || now >= market.due();
            if !overdue || now < market.ask_at {
                continue;
            }
            let (symbol, timeframe) = (market.symbol.clone(), market.timeframe);
            let answer = self.data.candles(&symbol, timeframe, market.next_open(), 1_000).await;
            let market = &mut self.markets[at];
            market.ask_at = later(now, POLL_MS);
            match answer {
                Ok(candles) => {
                    // A full page: there may be more.
                    market.behind = candles.len() >= 999;
                    if market.behind {
                        market.ask_at = now;
                    }
                    found.extend(candles.into_iter().map(|candle| (at, candle)));
                }
                Err(MarketDataError::RateLimited { until }) => market.ask_at = until,
                Err(_) => {}
            }
        }
        found.sort_by_key(|(at, candle)| {
            (candle.open_time.as_ms() + self.markets[*at].timeframe.as_ms(), *at)
        });
        for (at, candle) in found {
            let market = &mut self.markets[at];
            if candle.open_time > market.last {
                let event = market.tell(candle);
                self.told.push_back(event);
            }
        }
        for market in &mut self.markets {
            if now >= market.due()
                && now >= later(market.last, 3 * market.timeframe.as_ms())
                && !market.stale
            {
                market.stale = true;
                let (symbol, since) = (market.symbol.clone(), market.last);
                self.told.push_back(FeedEvent::Stale { symbol, since });
            }
        }
    }

    /// How long until something has to be asked for.
    fn until_next_question(&self) -> Duration {
        let now = self.data.client.clock.now();
        let waits = self.markets.iter().map(|market| {
            let at = if market.behind { market.ask_at } else { market.due().max(market.ask_at) };
            at.as_ms().saturating_sub(now.as_ms()).max(0)
        });
        let ms = waits.min().unwrap_or(POLL_MS);
        Duration::from_millis(u64::try_from(ms).unwrap_or_default())
    }

    fn hear(&mut self, text: &str) {
        // Answers and messages of other kinds are none of ours.
        let Ok(Combined::<KlineEvent> { data }) = serde_json::from_str(text) else { return };
        self.backoff.succeeded();
        let market = self
            .markets
            .iter_mut()
            .find(|market| market.name == data.symbol && market.interval == data.kline.interval);
        let Some(market) = market else { return };
        if !data.kline.closed {
            return;
        }
        let candle = data.kline.candle();
        if candle.open_time == market.next_open() && !market.behind {
            let event = market.tell(candle);
            self.told.push_back(event);
        } else if candle.open_time > market.last {
            // There is a hole before it.
            market.behind = true;
            market.ask_at = Timestamp::from_ms(data.at);
        }
    }
}

#[async_trait]
impl Feed for BinanceFeed {
    async fn next(&mut self) -> Result<Option<FeedEvent>, FeedError> {
        loop {
            if let Some(event) = self.told.pop_front() {
                return Ok(Some(event));
            }
            let wait = self.until_next_question();
            if wait.is_zero() {
                self.catch_up().await;
                continue;
            }
            let Some(stream) = &mut self.stream else {
                tokio::select! {
                    _ = self.connect() => {}
                    () = tokio::time::sleep(wait) => {}
                }
                continue;
            };
            tokio::select! {
                heard = stream.next() => match heard {
                    Ok(text) => self.hear(&text),
                    Err(_) => self.lose_stream(),
                },
                () = tokio::time::sleep(wait) => {}
            }
        }
    }
}

impl fmt::Debug for BinanceFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let markets = self.markets.iter().map(|market| (&market.symbol, market.timeframe));
        f.debug_list().entries(markets).finish()
    }
}
