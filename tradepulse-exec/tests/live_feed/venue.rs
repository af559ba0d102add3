//! A venue whose candles come with the clock, and with faults.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;
use tradepulse_core::exchange::{
    CandleStream, FeedEvent, MarketData, MarketDataError, TradingRules,
};
use tradepulse_core::market::{Candle, Symbol};
use tradepulse_core::strategy::Quote;
use tradepulse_core::time::{Timeframe, Timestamp};
use tradepulse_exec::coordinator::Clock;

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// The venue does not answer intelligibly.
    Unavailable,
    /// Too many requests, for so many seconds.
    RateLimited(u8),
    /// It does not answer at all.
    Hangs,
    /// The last so many closed candles are not there yet.
    Late(u8),
    /// One candle of the answer is missing.
    Hole(u8),
    /// Every candle comes twice, and the order is turned round.
    Doubled,
    /// The candle that is still forming comes too.
    Forming,
    /// A candle that cannot be.
    Impossible,
}

/// Candle number `i` of a market, counted from the epoch.
pub(crate) fn candle(symbol: &Symbol, timeframe: Timeframe, i: i64) -> Candle {
    let base = 100.0 + symbol.to_string().len() as f64;
    let open = base + (i % 17) as f64;
    let close = base + ((i + 1) % 17) as f64;
    Candle {
        open_time: Timestamp::from_ms(i * timeframe.as_ms()),
        open,
        high: open.max(close) + 0.5,
        low: open.min(close) - 0.5,
        close,
        volume: 1.0 + (i % 5) as f64,
    }
}

/// What a stream does with a candle that has closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamFault {
    None,
    /// It is not told.
    Lost,
    /// It is told twice.
    Doubled,
    /// The connection ends instead.
    Ends,
    /// From here on nothing is told, and the connection stands.
    Silent,
}

pub(crate) struct Venue {
    pub(crate) clock: Clock,
    pub(crate) faults: Mutex<VecDeque<Fault>>,
    /// Open times of candles that the venue never has.
    pub(crate) holes: Vec<i64>,
    /// Where history begins.
    pub(crate) since: Timestamp,
    pub(crate) asked: Mutex<Vec<Timestamp>>,
    pub(crate) streams: Option<Mutex<VecDeque<StreamFault>>>,
    pub(crate) connections: Mutex<u32>,
}

impl Venue {
    pub(crate) fn new(clock: Clock, faults: impl IntoIterator<Item = Fault>) -> Self {
        Self {
            clock,
            faults: Mutex::new(faults.into_iter().collect()),
            holes: Vec::new(),
            since: Timestamp::from_ms(0),
            asked: Mutex::default(),
            streams: None,
            connections: Mutex::default(),
        }
    }
}

#[async_trait]
impl MarketData for Venue {
    async fn candles(
        &self,
        symbol: &Symbol,
        timeframe: Timeframe,
        from: Timestamp,
        limit: usize,
    ) -> Result<Vec<Candle>, MarketDataError> {
        let now = self.clock.now().as_ms();
        self.asked.lock().unwrap().push(self.clock.now());
        let fault = self.faults.lock().unwrap().pop_front().unwrap_or(Fault::None);
        let length = timeframe.as_ms();
        let from = from.max(self.since).as_ms();
        let first = (from + length - 1).div_euclid(length);
        let mut end = now.div_euclid(length);
        let mut extra = Vec::new();
        match fault {
            Fault::Unavailable => return Err(MarketDataError::Unavailable("502".into())),
            Fault::RateLimited(seconds) => {
                let until = Timestamp::from_ms(now + i64::from(seconds) * 1000);
                return Err(MarketDataError::RateLimited { until });
            }
            Fault::Hangs => tokio::time::sleep(Duration::from_secs(3600)).await,
            Fault::Late(count) => end -= i64::from(count),
            Fault::Forming => extra.push(candle(symbol, timeframe, end)),
            Fault::Impossible => {
                let wrong = candle(symbol, timeframe, end - 1);
                extra.push(Candle { high: wrong.low - 1.0, ..wrong });
            }
            _ => {}
        }
        let all = (first..end).take(limit).map(|i| candle(symbol, timeframe, i));
        let mut all: Vec<_> = all.filter(|c| !self.holes.contains(&c.open_time.as_ms())).collect();
        if let Fault::Hole(which) = fault
            && !all.is_empty()
        {
            all.remove(usize::from(which) % all.len());
        }
        all.extend(extra);
        if fault == Fault::Doubled {
            all = all.iter().rev().flat_map(|c| [*c, *c]).collect();
        }
        Ok(all)
    }

    async fn trading_rules(&self, _: &Symbol) -> Result<TradingRules, MarketDataError> {
        Ok(TradingRules::default())
    }

    async fn quote(&self, symbol: &Symbol) -> Result<Quote, MarketDataError> {
        // Where the candle that is forming began.
        let now = candle(symbol, Timeframe::M1, self.clock.now().as_ms() / 60_000).open;
        Ok(Quote { bid: now, ask: now })
    }

    async fn time(&self) -> Result<Timestamp, MarketDataError> {
        Ok(self.clock.now())
    }

    async fn stream(
        &self,
        markets: &[(Symbol, Timeframe)],
    ) -> Result<Box<dyn CandleStream>, MarketDataError> {
        let Some(faults) = &self.streams else {
            return Err(MarketDataError::Unsupported("a stream of candles"));
        };
        *self.connections.lock().unwrap() += 1;
        let (sender, receiver) = mpsc::channel(64);
        let mut faults = std::mem::take(&mut *faults.lock().unwrap());
        let (markets, clock) = (markets.to_vec(), self.clock.clone());
        tokio::spawn(async move {
            let mut told: Vec<i64> =
                markets.iter().map(|(_, t)| clock.now().as_ms().div_euclid(t.as_ms())).collect();
            loop {
                let closes = markets.iter().zip(&told).map(|((_, t), i)| (i + 1) * t.as_ms());
                let at = closes.min().unwrap_or(i64::MAX);
                let wait = (at - clock.now().as_ms()).max(0).unsigned_abs();
                tokio::time::sleep(Duration::from_millis(wait)).await;
                for ((symbol, timeframe), i) in markets.iter().zip(&mut told) {
                    if (*i + 1) * timeframe.as_ms() > clock.now().as_ms() {
                        continue;
                    }
                    let closed = candle(symbol, *timeframe, *i);
                    *i += 1;
                    let event = FeedEvent::Candle {
                        symbol: symbol.clone(),
                        timeframe: *timeframe,
                        candle: closed,
                    };
                    let times = match faults.pop_front().unwrap_or(StreamFault::None) {
                        StreamFault::None => 1,
                        StreamFault::Lost => 0,
                        StreamFault::Doubled => 2,
                        StreamFault::Ends => return,
                        StreamFault::Silent => {
                            sender.closed().await;
                            return;
                        }
                    };
                    for _ in 0..times {
                        if sender.send(event.clone()).await.is_err() {
                            return;
                        }
                    }
                }
            }
        });
        Ok(Box::new(Told(receiver)))
    }
}

struct Told(mpsc::Receiver<FeedEvent>);

#[async_trait]
impl CandleStream for Told {
    async fn next(&mut self) -> Result<FeedEvent, MarketDataError> {
        let told = self.0.recv().await;
        told.ok_or_else(|| MarketDataError::Unavailable("the connection ended".into()))
    }
}
