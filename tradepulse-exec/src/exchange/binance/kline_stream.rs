use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use tradepulse_core::exchange::{FeedEvent, MarketDataError};
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

/// Candles of a venue as they close, over one connection.
///
/// Nothing is filled in, and it does not connect again: what it missed has to be asked for.
pub struct BinanceStream {
    stream: TextStream,
    markets: BTreeMap<(String, &'static str), (Symbol, Timeframe)>,
}

impl BinanceMarketData {
    /// Connects to the candles of these markets as they close.
    ///
    /// # Errors
    /// If there are no candles of one of these lengths, or no connection.
    pub async fn candle_stream(
        &self,
        markets: &[(Symbol, Timeframe)],
    ) -> Result<BinanceStream, MarketDataError> {
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
        Ok(BinanceStream { stream, markets })
    }
}

impl BinanceStream {
    /// The next candle that closes. Dropping the future loses nothing.
    ///
    /// # Errors
    /// What ended the stream; a socket that stays open and says nothing has ended.
    pub async fn next(&mut self) -> Result<FeedEvent, MarketDataError> {
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

impl fmt::Debug for BinanceStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.markets.values()).finish()
    }
}
