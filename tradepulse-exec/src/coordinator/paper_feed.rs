use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use tradepulse_core::exchange::{Feed, FeedError, FeedEvent};
use tradepulse_core::market::{Candle, Symbol};
use tradepulse_core::simulation::SimulatedExchange;
use tradepulse_core::strategy::Quote;
use tradepulse_core::time::{Timeframe, Timestamp};

/// A venue that lives on the market data of another one.
pub trait FollowsMarket: Send + Sync {
    /// A candle has closed: fills come of it, as [`Exchange::drain`] is called. One that the venue
    /// has met already, before a restart perhaps, is passed over.
    ///
    /// [`Exchange::drain`]: tradepulse_core::exchange::Exchange::drain
    ///
    /// # Errors
    /// If the venue does not know the market, or the candle comes out of order.
    fn candle(
        &self,
        symbol: &Symbol,
        timeframe: Timeframe,
        candle: Candle,
    ) -> Result<(), FeedError>;

    /// Best bid and ask have changed.
    ///
    /// # Errors
    /// If the venue does not know the market.
    fn quote(&self, symbol: &Symbol, quote: Quote, at: Timestamp) -> Result<(), FeedError>;

    /// Fills waiting market orders at the last close, at the time `at`: how a replay ends.
    ///
    /// # Errors
    /// If the venue does not know the market.
    fn fill_at_close(&self, symbol: &Symbol, at: Timestamp) -> Result<(), FeedError>;
}

impl FollowsMarket for SimulatedExchange {
    fn candle(
        &self,
        symbol: &Symbol,
        timeframe: Timeframe,
        candle: Candle,
    ) -> Result<(), FeedError> {
        let close = Timestamp::from_ms(candle.open_time.as_ms() + timeframe.as_ms());
        if self.last_close(symbol).is_some_and(|last| close <= last) {
            return Ok(());
        }
        self.begin(symbol, &candle, timeframe).map_err(|error| refused(&error))
    }

    fn quote(&self, symbol: &Symbol, quote: Quote, at: Timestamp) -> Result<(), FeedError> {
        Self::quote(self, symbol, quote, at).map_err(|error| refused(&error))
    }

    fn fill_at_close(&self, symbol: &Symbol, at: Timestamp) -> Result<(), FeedError> {
        Self::fill_at_close(self, symbol, at).map_err(|error| refused(&error))
    }
}

#[cfg(feature = "paper")]
impl FollowsMarket for crate::exchange::paper::PaperExchange {
    fn candle(
        &self,
        symbol: &Symbol,
        timeframe: Timeframe,
        candle: Candle,
    ) -> Result<(), FeedError> {
        let close = Timestamp::from_ms(candle.open_time.as_ms() + timeframe.as_ms());
        if self.last_close(symbol).is_some_and(|last| close <= last) {
            return Ok(());
        }
        self.begin(symbol, &candle, timeframe).map_err(|error| refused(&error))
    }

    fn quote(&self, symbol: &Symbol, quote: Quote, at: Timestamp) -> Result<(), FeedError> {
        Self::quote(self, symbol, quote, at).map_err(|error| refused(&error))
    }

    fn fill_at_close(&self, symbol: &Symbol, at: Timestamp) -> Result<(), FeedError> {
        Self::fill_at_close(self, symbol, at).map_err(|error| refused(&error))
    }
}

fn refused(error: &dyn std::error::Error) -> FeedError {
    FeedError { feed: "the simulated venue".to_owned(), reason: error.to_string() }
}

/// A feed in front of a venue that lives on it: the venue meets what comes before anybody else
/// sees it. Of a market's candles the venue meets those of one timeframe, the shortest that is
/// traded.
pub struct PaperFeed<F> {
    inner: F,
    venue: Arc<dyn FollowsMarket>,
    timeframes: BTreeMap<Symbol, Timeframe>,
}

impl<F: Feed> PaperFeed<F> {
    /// `markets`: what is traded.
    pub fn new(
        inner: F,
        venue: Arc<dyn FollowsMarket>,
        markets: impl IntoIterator<Item = (Symbol, Timeframe)>,
    ) -> Self {
        let mut timeframes: BTreeMap<Symbol, Timeframe> = BTreeMap::new();
        for (symbol, timeframe) in markets {
            let shortest = timeframes.entry(symbol).or_insert(timeframe);
            *shortest = timeframe.min(*shortest);
        }
        Self { inner, venue, timeframes }
    }
}

#[async_trait]
impl<F: Feed> Feed for PaperFeed<F> {
    async fn next(&mut self) -> Result<Option<FeedEvent>, FeedError> {
        let event = self.inner.next().await?;
        match &event {
            Some(FeedEvent::Candle { symbol, timeframe, candle })
                if self.timeframes.get(symbol) == Some(timeframe) =>
            {
                self.venue.candle(symbol, *timeframe, *candle)?;
            }
            Some(FeedEvent::Quote { symbol, quote, at }) => {
                self.venue.quote(symbol, *quote, *at)?;
            }
            _ => {}
        }
        Ok(event)
    }
}
