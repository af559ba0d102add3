use tradepulse_core::exchange::TradingRules;
use tradepulse_core::market::{Candle, Symbol};
use tradepulse_core::money::Price;
use tradepulse_core::time::{Timeframe, Timestamp};

use super::settings::SimulatedMarket;

/// A market as its candles tell it.
#[derive(Debug)]
pub(super) struct Market {
    pub(super) symbol: Symbol,
    /// `BTCUSDT`.
    pub(super) name: String,
    pub(super) rules: TradingRules,
    pub(super) timeframe: Timeframe,
    pub(super) candles: Vec<Candle>,
    /// The candle that is still open, as far as it has come.
    pub(super) forming: Option<Candle>,
}

impl Market {
    pub(super) fn new(market: SimulatedMarket) -> Self {
        let SimulatedMarket { symbol, rules, timeframe, history } = market;
        let name = format!("{}{}", symbol.base(), symbol.quote());
        Self { symbol, name, rules, timeframe, candles: history, forming: None }
    }

    /// The last price.
    pub(super) fn last(&self) -> Option<Price> {
        let candle = self.forming.as_ref().or(self.candles.last())?;
        let price = Price::from_f64(candle.close).ok()?;
        Some(self.rules.price_tick.map_or(price, |tick| price.floor_to(tick)))
    }

    /// The candles of the last day.
    pub(super) fn day(&self) -> &[Candle] {
        let count = usize::try_from(86_400_000 / self.timeframe.as_ms()).unwrap_or(1).max(1);
        &self.candles[self.candles.len().saturating_sub(count)..]
    }

    /// Candles of this length that opened in the span, and whether each is closed: oldest first
    /// from `start` on, or else the newest.
    pub(super) fn candles(
        &self,
        timeframe: Timeframe,
        start: Option<Timestamp>,
        end: Option<Timestamp>,
        limit: usize,
    ) -> Option<Vec<Candle>> {
        if timeframe.as_ms() % self.timeframe.as_ms() != 0 {
            return None;
        }
        let start_ms = start.map_or(i64::MIN, Timestamp::as_ms);
        let end_ms = end.map_or(i64::MAX, Timestamp::as_ms);
        // Those that a longer candle is made of begin with its first.
        let first = if timeframe == self.timeframe {
            start_ms
        } else {
            start_ms.saturating_sub(timeframe.as_ms())
        };
        let from = self.candles.partition_point(|candle| candle.open_time.as_ms() < first);
        let mut found: Vec<Candle> = Vec::new();
        let mut take = |candle: &Candle| {
            let open_time = timeframe.floor(candle.open_time);
            match found.last_mut() {
                Some(last) if last.open_time == open_time => {
                    last.high = last.high.max(candle.high);
                    last.low = last.low.min(candle.low);
                    last.close = candle.close;
                    last.volume += candle.volume;
                }
                _ => found.push(Candle { open_time, ..*candle }),
            }
            found.len()
        };
        for candle in self.candles[from..].iter().chain(&self.forming) {
            if candle.open_time.as_ms() > end_ms.saturating_add(timeframe.as_ms()) {
                break;
            }
            // One before the start may be among them, and one more completes the last.
            if take(candle) > limit + 2 && start.is_some() {
                break;
            }
        }
        found.retain(|c| (start_ms..=end_ms).contains(&c.open_time.as_ms()));
        if start.is_some() {
            found.truncate(limit);
        } else {
            found.drain(..found.len().saturating_sub(limit));
        }
        Some(found)
    }
}
