use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tradepulse_core::exchange::{CandleStream, MarketData, MarketDataError, TradingRules};
use tradepulse_core::market::{Candle, Symbol};
use tradepulse_core::strategy::Quote;
use tradepulse_core::time::{Timeframe, Timestamp};

use super::client::{Call, Client};
use super::messages::{BookMessage, CandlesMessage, ProductMessage, product_id};
use super::{CoinbaseError, CoinbaseSettings, connected};

/// Market data of the venue. No key is needed.
#[derive(Clone, Debug)]
pub struct CoinbaseMarketData {
    pub(super) client: Arc<Client>,
}

impl CoinbaseMarketData {
    /// Connects: asks for the venue's time.
    ///
    /// # Errors
    /// If the venue does not answer.
    pub async fn connect(settings: CoinbaseSettings) -> Result<Self, CoinbaseError> {
        let settings = CoinbaseSettings { credentials: None, ..settings };
        Ok(Self { client: connected(settings).await? })
    }

    /// How far the venue's clock is ahead of this machine's, milliseconds.
    pub fn clock_offset_ms(&self) -> i64 {
        self.client.clock.offset_ms()
    }

    /// The candles that opened in a page from `from` on, oldest first, the open one included.
    async fn page(
        &self,
        symbol: &Symbol,
        timeframe: Timeframe,
        from: Timestamp,
    ) -> Result<Vec<Candle>, MarketDataError> {
        let end = page_end(timeframe, from);
        // Seconds; what opened within a second belongs to the next one.
        let start = from.as_ms().div_euclid(1_000);
        let path = format!("market/products/{}/candles", product_id(symbol));
        let call = Call::public(path)
            .with("start", start)
            .with("end", end.as_ms().div_euclid(1_000))
            .with("granularity", granularity(timeframe)?)
            .with("limit", PAGE);
        let answer: Result<CandlesMessage, _> = self.client.call(&call).await;
        let mut answer = answer.map_err(|error| error.of_market_data(symbol.as_str()))?;
        answer.candles.reverse();
        let mut candles: Vec<Candle> = Vec::with_capacity(answer.candles.len());
        for candle in answer.candles.iter().map(|message| message.candle()) {
            let open_time = candle.open_time;
            if open_time < from {
                continue;
            }
            let previous = candles.last().map(|candle| candle.open_time);
            if !timeframe.is_aligned(open_time) || previous.is_some_and(|last| last >= open_time) {
                return Err(MarketDataError::Impossible(format!(
                    "a candle of {timeframe} at {open_time} after {previous:?}"
                )));
            }
            candles.push(candle);
        }
        Ok(candles)
    }

    /// The first day that has trades, from that of `from` on; `None` if there is none before
    /// `now`.
    async fn next_day(
        &self,
        symbol: &Symbol,
        from: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, MarketDataError> {
        let mut at = DAY.floor(from);
        while at < now {
            if let Some(candle) = self.page(symbol, DAY, at).await?.first() {
                return Ok(Some(candle.open_time));
            }
            at = page_end(DAY, at);
        }
        Ok(None)
    }

    /// The time by which it is decided whether a candle has closed. Where that was a short while
    /// ago, the clock is asked for: this machine's may have been set since.
    async fn time_for(
        &self,
        newest: Option<&Candle>,
        timeframe: Timeframe,
    ) -> Result<Timestamp, MarketDataError> {
        let clock = &self.client.clock;
        let closes = newest.map(|candle| candle.open_time.as_ms() + timeframe.as_ms());
        let is_past = closes.is_some_and(|at| clock.now().as_ms() - at > timeframe.as_ms());
        if is_past || newest.is_none() || clock.is_fresh(FRESH) {
            return Ok(clock.now());
        }
        self.time().await
    }
}

/// How old the venue's clock may be where it decides whether a candle has closed.
const FRESH: Duration = Duration::from_secs(60);
/// Candles asked for at once. The venue gives 350.
const PAGE: i64 = 300;
const DAY: Timeframe = Timeframe::D1;

/// When the last candle of a page opens.
fn page_end(timeframe: Timeframe, from: Timestamp) -> Timestamp {
    Timestamp::from_ms(from.as_ms().saturating_add((PAGE - 1) * timeframe.as_ms()))
}

/// The venue's name of a candle's length.
pub(super) fn granularity(timeframe: Timeframe) -> Result<&'static str, MarketDataError> {
    const MINUTES: [(i64, &str); 8] = [
        (1, "ONE_MINUTE"),
        (5, "FIVE_MINUTE"),
        (15, "FIFTEEN_MINUTE"),
        (30, "THIRTY_MINUTE"),
        (60, "ONE_HOUR"),
        (120, "TWO_HOUR"),
        (360, "SIX_HOUR"),
        (1_440, "ONE_DAY"),
    ];
    let minutes = timeframe.as_ms() / 60_000;
    let found = MINUTES.iter().find(|(length, _)| *length == minutes);
    found.map(|(_, name)| *name).ok_or_else(|| MarketDataError::Timeframe(timeframe.to_string()))
}

#[async_trait]
impl MarketData for CoinbaseMarketData {
    async fn candles(
        &self,
        symbol: &Symbol,
        timeframe: Timeframe,
        from: Timestamp,
        limit: usize,
    ) -> Result<Vec<Candle>, MarketDataError> {
        granularity(timeframe)?;
        if limit == 0 {
            return Ok(Vec::new());
        }
        // The first candle that opens then or later.
        let from = from.as_ms().max(0);
        let mut at = Timestamp::from_ms(from + (-from).rem_euclid(timeframe.as_ms()));
        loop {
            let mut candles = self.page(symbol, timeframe, at).await?;
            let now = self.time_for(candles.last(), timeframe).await?;
            let found = !candles.is_empty();
            candles.retain(|candle| candle.open_time.as_ms() + timeframe.as_ms() <= now.as_ms());
            candles.truncate(limit);
            let next = page_end(timeframe, at);
            if found || next >= now {
                return Ok(candles);
            }
            // Nothing was traded for a page: candles may come later all the same.
            match self.next_day(symbol, next, now).await? {
                Some(day) => at = next.max(day),
                None => return Ok(Vec::new()),
            }
        }
    }

    async fn trading_rules(&self, symbol: &Symbol) -> Result<TradingRules, MarketDataError> {
        let call = Call::public(format!("market/products/{}", product_id(symbol)));
        let product: Result<ProductMessage, _> = self.client.call(&call).await;
        match product {
            Ok(product) if product.product_id == product_id(symbol) => Ok(product.rules()),
            Ok(_) => Err(MarketDataError::Symbol(symbol.to_string())),
            Err(error) if error.is_not_found() => Err(MarketDataError::Symbol(symbol.to_string())),
            Err(error) => Err(error.of_market_data(symbol.as_str())),
        }
    }

    async fn quote(&self, symbol: &Symbol) -> Result<Quote, MarketDataError> {
        let call = Call::public("market/product_book")
            .with("product_id", product_id(symbol))
            .with("limit", 1);
        let book: Result<BookMessage, _> = self.client.call(&call).await;
        let book = book.map_err(|error| error.of_market_data(symbol.as_str()))?;
        let (bid, ask) = book.pricebook.best().ok_or_else(|| {
            MarketDataError::Unavailable(format!("the book of {symbol} has a side without orders"))
        })?;
        if bid > 0.0 && bid <= ask {
            Ok(Quote { bid, ask })
        } else {
            Err(MarketDataError::Impossible(format!("{symbol}: bid {bid}, ask {ask}")))
        }
    }

    async fn stream(
        &self,
        markets: &[(Symbol, Timeframe)],
    ) -> Result<Box<dyn CandleStream>, MarketDataError> {
        Ok(Box::new(self.candle_stream(markets).await?))
    }

    async fn time(&self) -> Result<Timestamp, MarketDataError> {
        self.client.synchronise().await.map_err(|error| error.of_market_data(""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_that_the_venue_does_not_have_are_refused() {
        assert_eq!(granularity(Timeframe::H1), Ok("ONE_HOUR"));
        for text in ["3m", "4h", "2d"] {
            assert!(granularity(text.parse().unwrap()).is_err(), "{text}");
        }
    }
}
