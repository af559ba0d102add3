use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use tradepulse_core::exchange::{CandleStream, FeedEvent, MarketDataError};
use tradepulse_core::market::Symbol;
use tradepulse_core::time::Timeframe;

use super::market_data::{BinanceMarketData, interval};
use super::messages::{Combined, KlineEvent};
use super::symbols::venue_symbol;
use crate::exchange::websocket::TextStream;

/// How long a stream may be silent: candles that are still open come every few seconds, and the
/// venue pings every 20 seconds, futures every 3 minutes.
const PATIENCE: Duration = Duration::from_secs(60);
const FUTURES_PATIENCE: Duration = Duration::from_secs(200);

/// Candles of a venue as they close, over one connection. A socket that stays open and says nothing
/// has ended.
pub(super) struct KlineStream {
    stream: TextStream,
    markets: BTreeMap<(String, &'static str), (Symbol, Timeframe)>,
}

impl BinanceMarketData {
    pub(super) async fn klines(
        &self,
        markets: &[(Symbol, Timeframe)],
    ) -> Result<KlineStream, MarketDataError> {
        let key = |(symbol, timeframe): &(Symbol, Timeframe)| {
            let name = (venue_symbol(symbol), interval(*timeframe)?);
            Ok((name, (symbol.clone(), *timeframe)))
        };
        let markets: Result<BTreeMap<_, _>, MarketDataError> = markets.iter().map(key).collect();
        let markets = markets?;
        let names = markets
            .keys()
            .map(|(name, interval)| format!("{}@kline_{interval}", name.to_lowercase()));
        let endpoints = &self.client.endpoints;
        let url = endpoints.market_stream(&names.collect::<Vec<_>>());
        let patience = if endpoints.venue.is_futures() { FUTURES_PATIENCE } else { PATIENCE };
        let stream = TextStream::connect(&url, patience).await;
        let stream = stream.map_err(|error| MarketDataError::Unavailable(error.to_string()))?;
        Ok(KlineStream { stream, markets })
    }
}

#[async_trait]
impl CandleStream for KlineStream {
    async fn next(&mut self) -> Result<FeedEvent, MarketDataError> {
        loop {
            let text = self.stream.next().await;
            let text = text.map_err(|error| MarketDataError::Unavailable(error.to_string()))?;
            // Answers and messages of other kinds are none of ours.
            let Ok(Combined::<KlineEvent> { data }) = serde_json::from_str(&text) else { continue };
            if !data.kline.closed {
                continue;
            }
            let market = self.markets.iter().find(|((name, interval), _)| {
                *name == data.symbol && *interval == data.kline.interval
            });
            if let Some((_, (symbol, timeframe))) = market {
                let (symbol, timeframe) = (symbol.clone(), *timeframe);
                return Ok(FeedEvent::Candle { symbol, timeframe, candle: data.kline.candle() });
            }
        }
    }
}
