use std::time::Duration;

use async_trait::async_trait;
use tradepulse_core::exchange::{Feed, FeedError, FeedEvent};
use tradepulse_core::market::{Series, Symbol};

/// How fast a replay goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ReplaySpeed {
    /// As fast as it can.
    Max,
    /// So many times as fast as it was.
    Times(f64),
}

/// Stored candles as they came, at any speed.
///
/// Candles come in the order of their close times; of those that close together the shorter ones
/// first, then by the order of the series given.
#[derive(Debug)]
pub struct ReplayFeed {
    series: Vec<(Symbol, Series, usize)>,
    speed: ReplaySpeed,
    last_ms: Option<i64>,
}

impl ReplayFeed {
    /// A replay of these series; `clock` is moved along.
    pub fn new(series: impl IntoIterator<Item = (Symbol, Series)>, speed: ReplaySpeed) -> Self {
        let series = series.into_iter().map(|(symbol, series)| (symbol, series, 0)).collect();
        Self { series, speed, last_ms: None }
    }

    /// Skips candles that closed at `until` or before.
    #[must_use]
    pub fn after(mut self, until: tradepulse_core::time::Timestamp) -> Self {
        for (_, series, next) in &mut self.series {
            let length = series.timeframe().as_ms();
            *next = series.time().partition_point(|open| open + length <= until.as_ms());
        }
        self
    }

    /// Candles that are left.
    pub fn len(&self) -> usize {
        self.series.iter().map(|(_, series, next)| series.len() - next).sum()
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    async fn pause(&mut self, close_ms: i64) {
        let ReplaySpeed::Times(times) = self.speed else { return };
        if let Some(last) = self.last_ms
            && times > 0.0
        {
            let seconds = (close_ms - last) as f64 / 1_000.0 / times;
            tokio::time::sleep(Duration::try_from_secs_f64(seconds).unwrap_or_default()).await;
        }
    }
}

#[async_trait]
impl Feed for ReplayFeed {
    async fn next(&mut self) -> Result<Option<FeedEvent>, FeedError> {
        let next = self.series.iter().enumerate().filter_map(|(i, (_, series, next))| {
            (*next < series.len())
                .then(|| (series.close_time(*next).as_ms(), series.timeframe().as_ms(), i))
        });
        let Some((close_ms, _, i)) = next.min() else { return Ok(None) };
        self.pause(close_ms).await;
        self.last_ms = Some(close_ms);
        let (symbol, series, next) = &mut self.series[i];
        let event = FeedEvent::Candle {
            symbol: symbol.clone(),
            timeframe: series.timeframe(),
            candle: series.candle(*next),
        };
        *next += 1;
        Ok(Some(event))
    }
}
