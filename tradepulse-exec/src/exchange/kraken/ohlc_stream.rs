use std::collections::{BTreeMap, VecDeque};

use async_trait::async_trait;
use serde_json::json;
use tradepulse_core::exchange::{CandleStream, FeedEvent, MarketDataError};
use tradepulse_core::market::{Candle, Symbol};
use tradepulse_core::time::Timeframe;

use super::client::PATIENCE;
use super::market_data::interval;
use super::messages::{MethodMessage, OhlcEvent, StreamMessage};
use super::symbols::of_slashed;
use crate::exchange::websocket::TextStream;

/// Candles of the venue as they close, over one connection.
///
/// The venue tells how the newest candle has come to be, and never that it has closed: it has when
/// the next one begins. A market without trades says nothing; its candles have to be asked for.
pub(super) struct OhlcStream {
    stream: TextStream,
    markets: Vec<(Symbol, Timeframe)>,
    forming: Forming,
    closed: VecDeque<FeedEvent>,
}

/// The newest candle of each market.
type Forming = BTreeMap<(Symbol, Timeframe), Candle>;

impl OhlcStream {
    pub(super) async fn connect(
        url: &str,
        markets: &[(Symbol, Timeframe)],
    ) -> Result<Self, MarketDataError> {
        let mut by_interval: BTreeMap<i64, Vec<&str>> = BTreeMap::new();
        for (symbol, timeframe) in markets {
            by_interval.entry(interval(*timeframe)?).or_default().push(symbol.as_str());
        }
        let failed = |error: crate::exchange::websocket::StreamError| {
            MarketDataError::Unavailable(error.to_string())
        };
        let mut stream = TextStream::connect(url, PATIENCE).await.map_err(failed)?;
        for (interval, symbols) in by_interval {
            let request = json!({
                "method": "subscribe", "req_id": interval,
                "params": {
                    "channel": "ohlc", "symbol": symbols, "interval": interval, "snapshot": true,
                },
            });
            stream.send(request.to_string()).await.map_err(failed)?;
        }
        let (forming, closed) = (Forming::new(), VecDeque::new());
        let mut connected = Self { stream, markets: markets.to_vec(), forming, closed };
        // What happens from now on must be told: every subscription is answered first.
        let mut unanswered = markets.len();
        while unanswered > 0 {
            let text = connected.stream.next().await.map_err(failed)?;
            match serde_json::from_str::<MethodMessage>(&text) {
                Ok(answer) if answer.method == "subscribe" && answer.success => unanswered -= 1,
                Ok(answer) if answer.method == "subscribe" => {
                    let reason = answer.error.unwrap_or_default();
                    return Err(MarketDataError::Unavailable(format!("no candles: {reason}")));
                }
                _ => connected.take(&text),
            }
        }
        Ok(connected)
    }

    fn take(&mut self, text: &str) {
        // Answers and messages of other kinds are none of ours.
        let message = serde_json::from_str::<StreamMessage<OhlcEvent>>(text);
        let Ok(StreamMessage { channel, kind, data, .. }) = message else { return };
        if channel != "ohlc" {
            return;
        }
        for event in data {
            let (Some(symbol), Some(candle)) = (of_slashed(&event.symbol), event.candle()) else {
                continue;
            };
            let length_ms = event.interval.saturating_mul(60_000);
            let market = self
                .markets
                .iter()
                .find(|(other, timeframe)| *other == symbol && timeframe.as_ms() == length_ms);
            if let Some(market) = market
                && let Some(candle) = begin(&mut self.forming, market, candle)
                // At first the venue tells of the past, which nobody waits for.
                && kind != "snapshot"
            {
                let (symbol, timeframe) = market.clone();
                self.closed.push_back(FeedEvent::Candle { symbol, timeframe, candle });
            }
        }
    }
}

/// Takes the state of a candle; the one before it, if that has closed by this.
fn begin(forming: &mut Forming, market: &(Symbol, Timeframe), candle: Candle) -> Option<Candle> {
    match forming.get_mut(market) {
        None => {
            forming.insert(market.clone(), candle);
            None
        }
        Some(newest) if newest.open_time <= candle.open_time => {
            let before = std::mem::replace(newest, candle);
            (before.open_time < candle.open_time).then_some(before)
        }
        Some(_) => None,
    }
}

#[async_trait]
impl CandleStream for OhlcStream {
    async fn next(&mut self) -> Result<FeedEvent, MarketDataError> {
        loop {
            if let Some(event) = self.closed.pop_front() {
                return Ok(event);
            }
            let text = self.stream.next().await;
            let text = text.map_err(|error| MarketDataError::Unavailable(error.to_string()))?;
            self.take(&text);
        }
    }
}

#[cfg(test)]
mod tests {
    use tradepulse_core::time::Timestamp;

    use super::*;

    #[test]
    fn a_candle_has_closed_when_the_next_one_begins() {
        let market = ("BTC/USD".parse().unwrap(), Timeframe::M1);
        let candle = |minute: i64, close: f64| {
            let open_time = Timestamp::from_ms(minute * 60_000);
            Candle { open_time, open: 1.0, high: 9.0, low: 1.0, close, volume: 1.0 }
        };
        let mut forming = Forming::new();
        let mut told = Vec::new();
        for (minute, close) in [(1, 2.0), (1, 3.0), (2, 4.0), (1, 5.0), (4, 6.0)] {
            told.extend(begin(&mut forming, &market, candle(minute, close)));
        }
        assert_eq!(told, [candle(1, 3.0), candle(2, 4.0)]);
    }
}
