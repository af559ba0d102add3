//! Closed candles of a venue as they come.
//!
//! Candles are asked for when they have closed, or come by the venue's stream where it has one;
//! what a stream missed is asked for. Whatever the venue does (late candles, holes, duplicates,
//! candles that are still forming, errors), each closed candle comes once and in order.

mod collector;
mod market;
mod stream;
mod warm_up;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tradepulse_core::exchange::{Feed, FeedError, FeedEvent, MarketData};
use tradepulse_core::market::Symbol;
use tradepulse_core::random::Seed;
use tradepulse_core::time::{Timeframe, Timestamp};

use self::collector::Collector;
pub use self::warm_up::warm_up;
use super::Clock;

/// How a live feed goes about it.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveFeedSettings {
    /// Shortest time between two requests for a market whose candles are shorter than this; at
    /// least [`SHORTEST_POLL`](Self::SHORTEST_POLL). Longer candles are asked for when they close.
    pub poll_interval: Duration,
    /// How long after a close it is asked for; venues need a moment.
    pub settling: Duration,
    /// How long after a close a stream may be silent before the candle is asked for. A stream that
    /// did not have it then is made anew.
    pub silence: Duration,
    /// How long a candle that should be there is waited for: then other markets go on without it,
    /// a hole that the venue cannot fill is taken for one, and [`FeedEvent::Stale`] is told.
    pub patience: Duration,
    /// How often [`FeedEvent::Stale`] is told while candles are missing.
    pub stale_interval: Duration,
    /// How long an answer may take.
    pub request_timeout: Duration,
    /// First pause before a request that failed or found nothing is made again; it doubles.
    pub retry_pause: Duration,
    /// Longest pause before such a request.
    pub max_retry_pause: Duration,
    /// Decides how pauses vary.
    pub seed: Seed,
}

impl LiveFeedSettings {
    /// A market is not asked for more often than this.
    pub const SHORTEST_POLL: Duration = Duration::from_secs(30);
}

impl Default for LiveFeedSettings {
    fn default() -> Self {
        Self {
            poll_interval: Duration::from_secs(60),
            settling: Duration::from_secs(1),
            silence: Duration::from_secs(10),
            patience: Duration::from_secs(120),
            stale_interval: Duration::from_secs(300),
            request_timeout: Duration::from_secs(10),
            retry_pause: Duration::from_secs(1),
            max_retry_pause: Duration::from_secs(60),
            seed: Seed(0),
        }
    }
}

#[cfg(feature = "config")]
impl LiveFeedSettings {
    /// Those of a configuration.
    pub fn new(config: &crate::config::Config, seed: Seed) -> Self {
        let timing = &config.timing;
        let seconds = |s: u32| Duration::from_secs(s.into());
        Self {
            poll_interval: seconds(timing.heartbeat_interval),
            patience: 2 * seconds(timing.heartbeat_interval),
            stale_interval: seconds(timing.health_check_interval),
            request_timeout: seconds(timing.request_timeout),
            max_retry_pause: seconds(timing.heartbeat_interval),
            seed,
            ..Self::default()
        }
    }
}

/// The closed candles of some markets of a venue, merged: those that close together in the order of
/// symbol and timeframe. It works in a task of its own until it is dropped.
#[derive(Debug)]
pub struct LiveFeed {
    events: mpsc::Receiver<Result<FeedEvent, FeedError>>,
    task: JoinHandle<()>,
}

impl LiveFeed {
    /// Begins to collect: of each market the candles that open at the given instant or later. Must
    /// be called within a tokio runtime.
    pub fn start(
        data: Arc<dyn MarketData>,
        markets: impl IntoIterator<Item = (Symbol, Timeframe, Timestamp)>,
        clock: Clock,
        settings: LiveFeedSettings,
    ) -> Self {
        let (sender, events) = mpsc::channel(256);
        let collector = Collector::new(data, markets, clock, settings, sender);
        Self { events, task: tokio::spawn(collector.work()) }
    }
}

#[async_trait]
impl Feed for LiveFeed {
    async fn next(&mut self) -> Result<Option<FeedEvent>, FeedError> {
        match self.events.recv().await {
            Some(event) => event.map(Some),
            None => Err(FeedError {
                feed: "live candles".to_owned(),
                reason: "it has ended after an error".to_owned(),
            }),
        }
    }
}

impl Drop for LiveFeed {
    fn drop(&mut self) {
        self.task.abort();
    }
}
