use std::sync::Arc;
use std::time::Duration;

use tradepulse_core::market::{Candle, Symbol};
use tradepulse_core::simulation::SimulationError;
use tradepulse_core::time::Timestamp;

use super::handle::VenueSimulator;
use super::venue::lock;

impl VenueSimulator {
    /// Replays candles into a market at the pace of a clock: each takes its length, divided by
    /// `speed`, and forms in four steps (open, the nearer extreme, the other, close). The venue's
    /// clock runs as fast; signatures of the machine's time are accepted then. Ends with the last
    /// candle.
    ///
    /// # Errors
    /// For a market it does not have, and prices that cannot be.
    pub async fn replay(
        &self,
        symbol: &Symbol,
        candles: impl IntoIterator<Item = Candle>,
        speed: f64,
    ) -> Result<(), SimulationError> {
        let shared = Arc::clone(&self.shared);
        let length_ms = {
            let mut venue = lock(&shared);
            venue.run_clock(speed);
            let market = venue.markets.iter().find(|market| market.symbol == *symbol);
            let market = market.ok_or_else(|| SimulationError::UnknownMarket(symbol.clone()))?;
            market.timeframe.as_ms()
        };
        let step = Duration::try_from_secs_f64(length_ms as f64 / 4_000.0 / speed);
        let mut steps = tokio::time::interval(
            step.unwrap_or(Duration::from_millis(1)).max(Duration::from_millis(1)),
        );
        steps.tick().await;
        for candle in candles {
            for forming in path(&candle) {
                lock(&shared).form_candle(symbol, forming);
                steps.tick().await;
            }
            lock(&shared).close_candle(symbol, candle)?;
        }
        Ok(())
    }
}

/// How a candle comes to be.
fn path(candle: &Candle) -> [Candle; 4] {
    let Candle { open, high, low, close, volume, .. } = *candle;
    let (first, second) = if close >= open { (low, high) } else { (high, low) };
    let mut formed = Candle { high: open, low: open, close: open, volume: 0.0, ..*candle };
    let mut share = 0.0;
    [open, first, second, close].map(|price| {
        formed.high = formed.high.max(price);
        formed.low = formed.low.min(price);
        formed.close = price;
        formed.volume = volume * share;
        share += 0.25;
        formed
    })
}

/// Moves candles so that the one at `at` opens at `opens`.
pub fn shifted(candles: &mut [Candle], at: usize, opens: Timestamp) {
    let Some(candle) = candles.get(at) else { return };
    let by = opens.as_ms() - candle.open_time.as_ms();
    for candle in candles {
        candle.open_time = Timestamp::from_ms(candle.open_time.as_ms() + by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_candle_forms_to_what_it_is() {
        let open_time = Timestamp::from_ms(0);
        for (open, close) in [(10.0, 12.0), (12.0, 10.0)] {
            let candle = Candle { open_time, open, high: 13.0, low: 9.0, close, volume: 4.0 };
            let path = path(&candle);
            assert_eq!((path[0].close, path[0].high, path[0].low), (open, open, open));
            assert_eq!(Candle { volume: 4.0, ..path[3] }, candle);
            assert!(path.windows(2).all(|w| w[0].high <= w[1].high && w[0].low >= w[1].low));
        }
        let candle = Candle { open_time, open: 1.0, high: 1.0, low: 1.0, close: 1.0, volume: 0.0 };
        let mut candles = [candle, Candle { open_time: Timestamp::from_ms(60_000), ..candle }];
        shifted(&mut candles, 1, Timestamp::from_ms(600_000));
        assert_eq!(candles.map(|candle| candle.open_time.as_ms()), [540_000, 600_000]);
    }
}
