use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::MarketDataError;
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
}
