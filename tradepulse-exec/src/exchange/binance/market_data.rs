use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tradepulse_core::exchange::{CandleStream, MarketData, MarketDataError, TradingRules};
use tradepulse_core::market::{Candle, Symbol};
use tradepulse_core::strategy::Quote;
use tradepulse_core::time::{Timeframe, Timestamp};

use super::client::{Call, Client};
use super::messages::{BookTicker, ExchangeInfo, KlineRow};
use super::symbols::{Symbols, venue_symbol};
use super::{BinanceError, BinanceSettings, connected};
use crate::exchange::parameters::Parameters;

/// Market data of a venue. No key is needed.
#[derive(Clone, Debug)]
pub struct BinanceMarketData {
    pub(super) client: Arc<Client>,
    pub(super) symbols: Arc<Symbols>,
}

impl BinanceMarketData {
    /// Connects: asks for the venue's time.
    ///
    /// # Errors
    /// If the venue does not answer.
    pub async fn connect(settings: BinanceSettings) -> Result<Self, BinanceError> {
        let settings = BinanceSettings { credentials: None, ..settings };
        Ok(Self { client: connected(settings).await?, symbols: Arc::default() })
    }

    /// How far the venue's clock is ahead of this machine's, milliseconds.
    pub fn clock_offset_ms(&self) -> i64 {
        self.client.clock.offset_ms()
    }
}

/// How old the venue's clock may be where it decides whether a candle has closed.
const FRESH: Duration = Duration::from_secs(60);

impl BinanceMarketData {
    /// The time by which it is decided whether the newest candle has closed. Where that was a short
    /// while ago, the clock is asked for: this machine's may have been set since.
    async fn time_for(
        &self,
        newest: &KlineRow,
        timeframe: Timeframe,
    ) -> Result<Timestamp, MarketDataError> {
        let clock = &self.client.clock;
        let since = clock.now().as_ms() - newest.close_time.as_ms();
        if since > timeframe.as_ms() || clock.is_fresh(FRESH) {
            return Ok(clock.now());
        }
        self.time().await
    }
}

/// The venue's name of a candle's length.
pub(super) fn interval(timeframe: Timeframe) -> Result<&'static str, MarketDataError> {
    const MINUTES: [(i64, &str); 12] = [
        (1, "1m"),
        (3, "3m"),
        (5, "5m"),
        (15, "15m"),
        (30, "30m"),
        (60, "1h"),
        (120, "2h"),
        (240, "4h"),
        (360, "6h"),
        (480, "8h"),
        (720, "12h"),
        (1_440, "1d"),
    ];
    // Those of three days and of a week are not on the grid since the epoch.
    let minutes = timeframe.as_ms() / 60_000;
    let found = MINUTES.iter().find(|(length, _)| *length == minutes);
    found.map(|(_, name)| *name).ok_or_else(|| MarketDataError::Timeframe(timeframe.to_string()))
}

/// Most candles of an answer.
const MOST_CANDLES: usize = 1_000;

#[async_trait]
impl MarketData for BinanceMarketData {
    async fn candles(
        &self,
        symbol: &Symbol,
        timeframe: Timeframe,
        from: Timestamp,
        limit: usize,
    ) -> Result<Vec<Candle>, MarketDataError> {
        let limit = limit.min(MOST_CANDLES);
        if limit == 0 {
            return Ok(Vec::new());
        }
        // One more than is wanted: the newest is still open.
        let asked = (limit + 1).min(MOST_CANDLES);
        let futures = self.client.endpoints.venue.is_futures();
        let weight = match asked {
            _ if !futures => 2,
            ..100 => 1,
            100..500 => 2,
            _ => 5,
        };
        let parameters = Parameters::new()
            .with("symbol", venue_symbol(symbol))
            .with("interval", interval(timeframe)?)
            .with("startTime", from.as_ms().max(0))
            .with("limit", asked);
        let call = Call::ask("klines", weight, parameters);
        let rows: Result<Vec<KlineRow>, _> = self.client.call(&call).await;
        let rows = rows.map_err(|error| error.of_market_data(symbol.as_str()))?;
        let now = match rows.last() {
            Some(newest) => self.time_for(newest, timeframe).await?,
            None => self.client.clock.now(),
        };
        closed(&rows, timeframe, from, now, limit)
    }

    async fn trading_rules(&self, symbol: &Symbol) -> Result<TradingRules, MarketDataError> {
        let name = self.symbols.note(symbol);
        let call = Call::ask("exchangeInfo", 20, Parameters::new().with("symbol", &name));
        let info: Result<ExchangeInfo, _> = self.client.call(&call).await;
        let info = info.map_err(|error| error.of_market_data(symbol.as_str()))?;
        let market = info.symbols.iter().find(|market| market.symbol == name);
        let market = market.ok_or_else(|| MarketDataError::Symbol(symbol.to_string()))?;
        Ok(market.rules(self.client.endpoints.venue.kind()))
    }

    async fn quote(&self, symbol: &Symbol) -> Result<Quote, MarketDataError> {
        let parameters = Parameters::new().with("symbol", venue_symbol(symbol));
        let call = Call::ask("ticker/bookTicker", 2, parameters);
        let ticker: Result<BookTicker, _> = self.client.call(&call).await;
        let ticker = ticker.map_err(|error| error.of_market_data(symbol.as_str()))?;
        let (bid, ask) = (ticker.bid_price.0, ticker.ask_price.0);
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
        Ok(Box::new(self.klines(markets).await?))
    }

    async fn time(&self) -> Result<Timestamp, MarketDataError> {
        self.client.synchronise().await.map_err(|error| error.of_market_data(""))
    }
}

/// The closed candles of an answer, proven to be in order and on the grid.
fn closed(
    rows: &[KlineRow],
    timeframe: Timeframe,
    from: Timestamp,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Candle>, MarketDataError> {
    let mut candles: Vec<Candle> = Vec::with_capacity(rows.len().min(limit));
    for (at, row) in rows.iter().enumerate() {
        let candle = row.candle;
        let open_time = candle.open_time;
        if open_time < from {
            continue;
        }
        // It ends with the last millisecond of its close time. Only the newest can be open.
        let newest = at + 1 == rows.len();
        if newest && row.close_time >= now || candles.len() == limit {
            break;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn row(minute: i64) -> KlineRow {
        let open_time = Timestamp::from_ms(minute * 60_000);
        let candle = Candle { open_time, open: 1.0, high: 1.0, low: 1.0, close: 1.0, volume: 1.0 };
        KlineRow { candle, close_time: Timestamp::from_ms((minute + 1) * 60_000 - 1) }
    }

    fn minutes(rows: &[KlineRow], now_ms: i64, limit: usize) -> Result<Vec<i64>, MarketDataError> {
        let (from, now) = (Timestamp::from_ms(0), Timestamp::from_ms(now_ms));
        let candles = closed(rows, Timeframe::M1, from, now, limit)?;
        Ok(candles.iter().map(|candle| candle.open_time.as_ms() / 60_000).collect())
    }

    #[test]
    fn a_candle_that_is_still_open_is_not_given_out() {
        let rows = [row(1), row(2), row(3)];
        assert_eq!(minutes(&rows, 240_000, 9), Ok(vec![1, 2, 3]));
        assert_eq!(minutes(&rows, 239_999, 9), Ok(vec![1, 2]));
        assert_eq!(minutes(&rows, 200_000, 9), Ok(vec![1, 2]));
        // A clock that is behind holds back no more than the newest.
        assert_eq!(minutes(&rows, 0, 9), Ok(vec![1, 2]));
        assert_eq!(minutes(&rows, 300_000, 1), Ok(vec![1]));
    }

    #[test]
    fn what_is_out_of_order_or_off_the_grid_is_refused() {
        for rows in [[row(2), row(1)], [row(1), row(1)]] {
            assert!(matches!(minutes(&rows, 1 << 40, 9), Err(MarketDataError::Impossible(_))));
        }
        let mut askew = row(1);
        askew.candle.open_time = Timestamp::from_ms(61_000);
        assert!(matches!(minutes(&[askew], 1 << 40, 9), Err(MarketDataError::Impossible(_))));
    }

    #[test]
    fn lengths_off_the_grid_are_refused() {
        assert_eq!(interval(Timeframe::H1), Ok("1h"));
        for text in ["7m", "3d", "7d"] {
            assert!(interval(text.parse().unwrap()).is_err(), "{text}");
        }
    }
}
