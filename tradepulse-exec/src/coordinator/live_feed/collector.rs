use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::task::{JoinHandle, JoinSet};
use tradepulse_core::exchange::{FeedError, FeedEvent, MarketData, MarketDataError};
use tradepulse_core::market::{Candle, Symbol};
use tradepulse_core::time::{Timeframe, Timestamp};

use super::LiveFeedSettings;
use super::market::{Market, next};
use super::stream::{StreamNews, keep_open};
use crate::coordinator::Clock;
use crate::coordinator::back_off::BackOff;

/// Candles asked for at once.
const PAGE: usize = 1000;

/// Asks, listens, and hands out what came in order.
pub(super) struct Collector {
    data: Arc<dyn MarketData>,
    clock: Clock,
    settings: LiveFeedSettings,
    markets: Vec<Market>,
    /// One for each market.
    asks: Vec<Ask>,
    answers: JoinSet<(usize, Result<Vec<Candle>, MarketDataError>)>,
    events: mpsc::Sender<Result<FeedEvent, FeedError>>,
    silent: Arc<Notify>,
    stream_stands: bool,
}

/// When a market is asked for next.
struct Ask {
    at: i64,
    under_way: bool,
    /// Whether a stream should have told what is asked for.
    overdue: bool,
    back_off: BackOff,
}

/// The feed is not wanted any more, or cannot go on.
struct Over;

impl Collector {
    pub(super) fn new(
        data: Arc<dyn MarketData>,
        markets: impl IntoIterator<Item = (Symbol, Timeframe, Timestamp)>,
        clock: Clock,
        settings: LiveFeedSettings,
        events: mpsc::Sender<Result<FeedEvent, FeedError>>,
    ) -> Self {
        let markets: Vec<_> =
            markets.into_iter().map(|(symbol, t, from)| Market::new(symbol, t, from)).collect();
        let now = clock.now().as_ms();
        let LiveFeedSettings { retry_pause, max_retry_pause, seed, .. } = settings;
        let ask = |market: &Market| Ask {
            at: now,
            under_way: false,
            overdue: false,
            back_off: BackOff::new(
                retry_pause,
                max_retry_pause,
                seed,
                &format!("{} {}", market.symbol, market.timeframe),
            ),
        };
        Self {
            asks: markets.iter().map(ask).collect(),
            data,
            clock,
            settings,
            markets,
            answers: JoinSet::new(),
            events,
            silent: Arc::default(),
            stream_stands: false,
        }
    }

    /// Works until nobody listens, or the feed cannot go on.
    pub(super) async fn work(mut self) {
        let (sender, mut news) = mpsc::channel(256);
        let stream = AbortOnDrop(self.connect(sender));
        let mut listens = true;
        loop {
            if self.hand_out().await.is_err() {
                break;
            }
            self.ask();
            let pause = self.pause();
            let events = self.events.clone();
            let went_on = tokio::select! {
                biased;
                () = events.closed() => Err(Over),
                Some(answer) = self.answers.join_next() => match answer {
                    Ok((i, answer)) => self.answered(i, answer).await,
                    // Only a panic in an adapter comes here.
                    Err(error) => self.fail(error.to_string()).await,
                },
                told = news.recv(), if listens => match told {
                    Some(told) => self.told(told).await,
                    None => {
                        listens = false;
                        Ok(())
                    }
                },
                () = tokio::time::sleep(pause) => Ok(()),
            };
            if went_on.is_err() {
                break;
            }
        }
        drop(stream);
    }

    fn connect(&self, news: mpsc::Sender<StreamNews>) -> JoinHandle<()> {
        let markets = self.markets.iter().map(|m| (m.symbol.clone(), m.timeframe)).collect();
        let LiveFeedSettings { retry_pause, max_retry_pause, seed, request_timeout, .. } =
            self.settings;
        let back_off = BackOff::new(retry_pause, max_retry_pause, seed, "stream");
        let (data, silent) = (Arc::clone(&self.data), Arc::clone(&self.silent));
        tokio::spawn(keep_open(data, markets, news, silent, back_off, request_timeout))
    }

    async fn hand_out(&mut self) -> Result<(), Over> {
        let now = self.clock.now().as_ms();
        let patience = ms(self.settings.patience);
        while let Some(event) = next(&mut self.markets, now, patience) {
            self.send(event).await?;
        }
        let every = ms(self.settings.stale_interval);
        for i in 0..self.markets.len() {
            if self.markets[i].is_stale(now, patience, every) {
                let market = &self.markets[i];
                let (symbol, timeframe) = (market.symbol.clone(), market.timeframe);
                let since = market.wanted();
                self.send(FeedEvent::Stale { symbol, timeframe, since }).await?;
            }
        }
        Ok(())
    }

    async fn send(&self, event: FeedEvent) -> Result<(), Over> {
        self.events.send(Ok(event)).await.map_err(|_| Over)
    }

    async fn fail(&self, reason: String) -> Result<(), Over> {
        let error = FeedError { feed: "live candles".to_owned(), reason };
        let _ = self.events.send(Err(error)).await;
        Err(Over)
    }

    /// Asks for what is due.
    fn ask(&mut self) {
        let now = self.clock.now().as_ms();
        for (i, (ask, market)) in self.asks.iter_mut().zip(&self.markets).enumerate() {
            if ask.under_way || ask.at > now {
                continue;
            }
            ask.under_way = true;
            let data = Arc::clone(&self.data);
            let (symbol, timeframe, from) =
                (market.symbol.clone(), market.timeframe, market.wanted());
            let patience = self.settings.request_timeout;
            self.answers.spawn(async move {
                let asked = data.candles(&symbol, timeframe, from, PAGE);
                let answer = tokio::time::timeout(patience, asked).await;
                let late = || MarketDataError::Unavailable(format!("nothing for {patience:?}"));
                (i, answer.unwrap_or_else(|_| Err(late())))
            });
        }
    }

    /// Until when there is nothing to do, if nothing comes.
    fn pause(&self) -> Duration {
        let now = self.clock.now().as_ms();
        let asks = self.asks.iter().filter(|ask| !ask.under_way).map(|ask| ask.at);
        let (patience, every) = (ms(self.settings.patience), ms(self.settings.stale_interval));
        let looks = self.markets.iter().filter_map(|market| market.wakes_at(patience, every));
        let at = asks.chain(looks).min().unwrap_or(now + 60_000);
        Duration::from_millis(u64::try_from(at - now).unwrap_or(0).max(1))
    }

    async fn answered(
        &mut self,
        i: usize,
        answer: Result<Vec<Candle>, MarketDataError>,
    ) -> Result<(), Over> {
        let now = self.clock.now().as_ms();
        let overdue = std::mem::take(&mut self.asks[i].overdue);
        self.asks[i].under_way = false;
        let market = &mut self.markets[i];
        let label = format!("{} {}", market.symbol, market.timeframe);
        let length = market.timeframe.as_ms();
        let failed = match answer {
            Ok(candles) => match candles.iter().find_map(impossible) {
                None => {
                    let closed = candles.iter().filter(|c| c.open_time.as_ms() + length <= now);
                    let mut moved = false;
                    for candle in closed {
                        moved |= market.offer(*candle);
                    }
                    if moved {
                        self.got_further(i, now);
                        if overdue && self.stream_stands {
                            self.silent.notify_waiters();
                        }
                        return Ok(());
                    }
                    market.missed(now);
                    let behind = market.next_close() <= now || market.has_hole();
                    if !behind || market.answered_in_vain(now, ms(self.settings.patience)) {
                        self.got_further(i, now);
                        return Ok(());
                    }
                    None
                }
                Some(reason) => Some(MarketDataError::Impossible(reason)),
            },
            Err(error) => Some(error),
        };
        market.missed(now);
        self.asks[i].at = now + ms(self.asks[i].back_off.next());
        let Some(error) = failed else { return Ok(()) };
        let reason = format!("{label}: {error}");
        match error {
            MarketDataError::Symbol(_)
            | MarketDataError::Timeframe(_)
            | MarketDataError::Unsupported(_) => return self.fail(reason).await,
            MarketDataError::RateLimited { until } => {
                self.asks[i].at = self.asks[i].at.max(until.as_ms());
            }
            _ => {}
        }
        // The first of a row; that it lasts is told by candles that are missing.
        if self.asks[i].back_off.tries() == 1 {
            self.send(FeedEvent::Trouble { reason }).await?;
        }
        Ok(())
    }

    async fn told(&mut self, news: StreamNews) -> Result<(), Over> {
        let now = self.clock.now().as_ms();
        match news {
            StreamNews::Event(FeedEvent::Candle { symbol, timeframe, candle }) => {
                let found = self
                    .markets
                    .iter()
                    .position(|m| m.symbol == symbol && m.timeframe == timeframe);
                let Some(i) = found.filter(|_| impossible(&candle).is_none()) else {
                    return Ok(());
                };
                if self.markets[i].offer(candle) {
                    self.got_further(i, now);
                } else if self.markets[i].has_hole() && self.asks[i].back_off.tries() == 0 {
                    self.asks[i].at = now;
                }
            }
            StreamNews::Event(event) => self.send(event).await?,
            StreamNews::Opened => {
                self.stream_stands = true;
                for i in 0..self.markets.len() {
                    if self.markets[i].next_close() > now {
                        self.schedule(i, now);
                    } else if self.asks[i].back_off.tries() == 0 {
                        // What came while it did not stand.
                        self.asks[i].at = now;
                    }
                }
            }
            StreamNews::Lost(reason) => {
                if std::mem::take(&mut self.stream_stands) {
                    let reason = format!("the stream of candles was lost: {reason}");
                    self.send(FeedEvent::Trouble { reason }).await?;
                }
                for i in 0..self.markets.len() {
                    if self.asks[i].back_off.tries() == 0 {
                        self.schedule(i, now);
                    }
                }
            }
            StreamNews::None => {}
        }
        Ok(())
    }

    /// Candles have come: what failed before is over.
    fn got_further(&mut self, i: usize, now: i64) {
        self.asks[i].back_off.reset();
        self.schedule(i, now);
    }

    fn schedule(&mut self, i: usize, now: i64) {
        let at = self.due(i).max(now);
        self.asks[i].at = at;
        self.asks[i].overdue = self.stream_stands && at > now;
    }

    /// When the candle that is wanted next is to be asked for.
    fn due(&self, i: usize) -> i64 {
        let market = &self.markets[i];
        let close = market.next_close();
        if self.stream_stands {
            return close + ms(self.settings.silence);
        }
        let poll = ms(self.settings.poll_interval.max(LiveFeedSettings::SHORTEST_POLL));
        let length = market.timeframe.as_ms();
        // Every close, or every so many where they come faster than is asked for.
        let period = length * ((poll + length - 1) / length);
        let behind = close.rem_euclid(period);
        let at = if behind == 0 { close } else { close + period - behind };
        at + ms(self.settings.settling)
    }
}

/// Ends a task with the value.
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

/// What no candle can be, if it is that.
pub(super) fn impossible(candle: &Candle) -> Option<String> {
    let Candle { open_time, open, high, low, close, volume } = *candle;
    let finite = [open, high, low, close].iter().all(|p| p.is_finite() && *p > 0.0);
    let holds = high >= open.max(close).max(low) && low <= open.min(close);
    if finite && holds && volume.is_finite() && volume >= 0.0 {
        return None;
    }
    let prices = format!("open {open}, high {high}, low {low}, close {close}, volume {volume}");
    Some(format!("the candle of {open_time} has {prices}"))
}
