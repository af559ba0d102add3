use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{FeedEvent, MarketDataError};
use crate::market::{Candle, Instrument, Symbol};
use crate::money::Price;
use crate::strategy::Quote;
use crate::time::{Timeframe, Timestamp};

/// A venue's rules for orders in one market.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TradingRules {
    /// Steps and minimums of quantities.
    pub instrument: Instrument,
    /// Prices are multiples of this, if given.
    pub price_tick: Option<Price>,
}

/// Market data of a venue, on request.
///
/// Candles are closed: one that is still forming is never given out. They come oldest first, on
/// the grid of their timeframe, without duplicates.
#[async_trait]
pub trait MarketData: Send + Sync {
    /// Candles that opened at `from` or later, at most `limit` of them or what the venue gives at
    /// once, whichever is fewer. Empty if there are none.
    ///
    /// # Errors
    /// [`MarketDataError`].
    async fn candles(
        &self,
        symbol: &Symbol,
        timeframe: Timeframe,
        from: Timestamp,
        limit: usize,
    ) -> Result<Vec<Candle>, MarketDataError>;

    /// The rules for orders.
    ///
    /// # Errors
    /// [`MarketDataError`].
    async fn trading_rules(&self, symbol: &Symbol) -> Result<TradingRules, MarketDataError>;

    /// Best bid and ask.
    ///
    /// # Errors
    /// [`MarketDataError`].
    async fn quote(&self, symbol: &Symbol) -> Result<Quote, MarketDataError>;

    /// The venue's clock.
    ///
    /// # Errors
    /// [`MarketDataError`].
    async fn time(&self) -> Result<Timestamp, MarketDataError>;

    /// Candles of these markets as they close, over one connection. Where the venue has no such
    /// stream, which is the default, they are asked for.
    ///
    /// # Errors
    /// [`MarketDataError::Unsupported`] if there is no stream; the others if it cannot be had now.
    async fn stream(
        &self,
        markets: &[(Symbol, Timeframe)],
    ) -> Result<Box<dyn CandleStream>, MarketDataError> {
        let _ = markets;
        Err(MarketDataError::Unsupported("a stream of candles"))
    }
}

/// Candles as a venue tells of them without being asked.
///
/// Candles are closed, and nothing is filled in: some may be missing, doubled or late. A stream
/// does not connect again by itself; whoever reads it asks for what it missed.
#[async_trait]
pub trait CandleStream: Send {
    /// What comes next: a closed candle, or a quote. Dropping the future loses nothing.
    ///
    /// # Errors
    /// Whatever ended the stream. It is over then.
    async fn next(&mut self) -> Result<FeedEvent, MarketDataError>;
}
