use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;
use tradepulse_core::exchange::{CandleStream, FeedEvent, MarketData, MarketDataError};
use tradepulse_core::market::{Candle, Symbol};
use tradepulse_core::time::{Timeframe, Timestamp};

use super::market_data::CoinbaseMarketData;
use super::messages::{CandleMessage, StreamMessage, product_id};
use crate::exchange::websocket::TextStream;

/// How long the stream may be silent: heartbeats come every second.
const PATIENCE: Duration = Duration::from_secs(20);
/// The length of the stream's candles.
const LENGTH: Timeframe = Timeframe::M5;
/// How often, and how long apart, a candle that has closed is asked for.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(500);

/// Candles of the venue as they close, over one connection. A socket that stays open and says
/// nothing has ended.
///
/// The stream tells of candles that are open. When the next one begins, the one before has closed,
/// and what became of it is asked for: its last trades may not have been told of.
pub(super) struct ClosedCandles {
    data: CoinbaseMarketData,
    stream: TextStream,
    /// By the name of the market: when its candle opened that is open now.
    open: BTreeMap<String, (Symbol, Option<Timestamp>)>,
    /// Closed, and to be asked for.
    closed: Vec<(Symbol, Timestamp)>,
}

/// An event of the channel of candles.
#[derive(Deserialize)]
pub(super) struct CandlesEvent {
    #[serde(default)]
    pub(super) candles: Vec<CandleMessage>,
}

impl CoinbaseMarketData {
    pub(super) async fn candle_stream(
        &self,
        markets: &[(Symbol, Timeframe)],
    ) -> Result<ClosedCandles, MarketDataError> {
        if markets.iter().any(|(_, timeframe)| *timeframe != LENGTH) {
            return Err(MarketDataError::Unsupported("a stream of candles but those of 5m"));
        }
        let failed = |error: crate::exchange::websocket::StreamError| {
            MarketDataError::Unavailable(error.to_string())
        };
        let names: Vec<String> = markets.iter().map(|(symbol, _)| product_id(symbol)).collect();
        let url = self.client.endpoints.market_stream();
        let mut stream = TextStream::connect(url, PATIENCE).await.map_err(failed)?;
        for request in [
            json!({ "type": "subscribe", "channel": "candles", "product_ids": names }),
            json!({ "type": "subscribe", "channel": "heartbeats" }),
        ] {
            stream.send(request.to_string()).await.map_err(failed)?;
        }
        let open = markets.iter().map(|(symbol, _)| (product_id(symbol), (symbol.clone(), None)));
        let (data, open) = (self.clone(), open.collect());
        let mut candles = ClosedCandles { data, stream, open, closed: Vec::new() };
        loop {
            let text = candles.stream.next().await.map_err(failed)?;
            let Ok(message) = serde_json::from_str::<StreamMessage>(&text) else { continue };
            if let Some(error) = message.error() {
                return Err(MarketDataError::Unavailable(error.to_owned()));
            }
            let is_confirmed = message.confirms("candles");
            // The candles that are open may be told of before.
            candles.take(message);
            if is_confirmed {
                return Ok(candles);
            }
        }
    }
}

impl ClosedCandles {
    /// Takes a message of the stream: whose candle has closed.
    fn take(&mut self, message: StreamMessage) {
        if message.channel != "candles" {
            return;
        }
        for event in message.events {
            let Ok(mut event) = serde_json::from_value::<CandlesEvent>(event) else { continue };
            event.candles.sort_by_key(|candle| candle.candle().open_time);
            for told in &event.candles {
                let opened = told.candle().open_time;
                // Markets in USDC are told of as those in USD.
                let name = told.product_id.as_str();
                let dollars = format!("{name}C");
                for name in [name, &dollars] {
                    let Some((symbol, open)) = self.open.get_mut(name) else { continue };
                    match *open {
                        Some(before) if opened > before => {
                            self.closed.push((symbol.clone(), before));
                            *open = Some(opened);
                        }
                        None => *open = Some(opened),
                        Some(_) => {}
                    }
                }
            }
        }
    }

    /// The candle that opened then. `None` where the venue has none: the stream told of one that
    /// had no trades.
    async fn ask(
        &self,
        symbol: &Symbol,
        opened: Timestamp,
    ) -> Result<Option<Candle>, MarketDataError> {
        for attempt in 1.. {
            match self.data.candles(symbol, LENGTH, opened, 1).await {
                Ok(candles) => {
                    let found = candles.first().copied().filter(|c| c.open_time == opened);
                    if found.is_some() || attempt == ATTEMPTS {
                        return Ok(found);
                    }
                }
                Err(error) if attempt == ATTEMPTS => return Err(error),
                Err(_) => {}
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(None)
    }
}

#[async_trait]
impl CandleStream for ClosedCandles {
    async fn next(&mut self) -> Result<FeedEvent, MarketDataError> {
        loop {
            if let Some((symbol, opened)) = self.closed.first().cloned() {
                let candle = self.ask(&symbol, opened).await?;
                self.closed.remove(0);
                if let Some(candle) = candle {
                    return Ok(FeedEvent::Candle { symbol, timeframe: LENGTH, candle });
                }
                continue;
            }
            let text = self.stream.next().await;
            let text = text.map_err(|error| MarketDataError::Unavailable(error.to_string()))?;
            // Messages of other kinds are none of ours.
            if let Ok(message) = serde_json::from_str(&text) {
                self.take(message);
            }
        }
    }
}
