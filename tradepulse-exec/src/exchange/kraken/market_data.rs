use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use tradepulse_core::exchange::{CandleStream, MarketData, MarketDataError, TradingRules};
use tradepulse_core::market::{Candle, Symbol};
use tradepulse_core::strategy::Quote;
use tradepulse_core::time::{Timeframe, Timestamp};

use super::client::Client;
use super::messages::{OhlcMessage, OhlcRow, Pairs, TickerMessage};
use super::ohlc_stream::OhlcStream;
use super::symbols::venue_symbol;
use super::{KrakenError, KrakenSettings, connected};
use crate::exchange::parameters::Parameters;

/// Market data of the venue. No key is needed.
#[derive(Clone, Debug)]
pub struct KrakenMarketData {
    pub(super) client: Arc<Client>,
}

impl KrakenMarketData {
    /// Connects: asks for the venue's time.
    ///
    /// # Errors
    /// If the venue does not answer.
    pub async fn connect(settings: KrakenSettings) -> Result<Self, KrakenError> {
        let settings = KrakenSettings { credentials: None, ..settings };
        Ok(Self { client: connected(settings).await? })
    }
}

/// As many candles as the venue has of a length, whatever is asked for.
const MOST_CANDLES: usize = 720;

const TOO_OLD: &str = "a candle older than the latest 720 of its length (the venue keeps no more: \
                       ask for a later start or longer candles, or import the candles that Kraken \
                       offers for download as CSV)";

/// The venue's name of a candle's length: minutes.
pub(super) fn interval(timeframe: Timeframe) -> Result<i64, MarketDataError> {
    // Those of a week and of 15 days are not on the grid since the epoch.
    const MINUTES: [i64; 7] = [1, 5, 15, 30, 60, 240, 1_440];
    let found = MINUTES.iter().find(|minutes| **minutes * 60_000 == timeframe.as_ms());
    found.copied().ok_or_else(|| MarketDataError::Timeframe(timeframe.to_string()))
}

#[async_trait]
impl MarketData for KrakenMarketData {
    async fn candles(
        &self,
        symbol: &Symbol,
        timeframe: Timeframe,
        from: Timestamp,
        limit: usize,
    ) -> Result<Vec<Candle>, MarketDataError> {
        let minutes = interval(timeframe)?;
        if limit == 0 {
            return Ok(Vec::new());
        }
        // Candles since a time are those after it: one second before belongs to the wanted ones.
        let since = from.as_ms().div_euclid(1_000).saturating_sub(1).max(0);
        let form = Parameters::new()
            .with("pair", venue_symbol(symbol))
            .with("interval", minutes)
            .with("since", since);
        let message: Result<OhlcMessage, _> = self.client.ask("/0/public/OHLC", &form).await;
        let message = message.map_err(|error| error.of_market_data(symbol.as_str()))?;
        closed(&message.rows, timeframe, from, limit)
    }

    async fn trading_rules(&self, symbol: &Symbol) -> Result<TradingRules, MarketDataError> {
        let form = Parameters::new().with("pair", venue_symbol(symbol));
        let pairs: Result<Pairs, _> = self.client.ask("/0/public/AssetPairs", &form).await;
        let pairs = pairs.map_err(|error| error.of_market_data(symbol.as_str()))?;
        let pair = pairs.values().find(|pair| pair.symbol().as_ref() == Some(symbol));
        let pair = pair.ok_or_else(|| MarketDataError::Symbol(symbol.to_string()))?;
        Ok(pair.rules())
    }

    async fn quote(&self, symbol: &Symbol) -> Result<Quote, MarketDataError> {
        let form = Parameters::new().with("pair", venue_symbol(symbol));
        let tickers: Result<BTreeMap<String, TickerMessage>, _> =
            self.client.ask("/0/public/Ticker", &form).await;
        let tickers = tickers.map_err(|error| error.of_market_data(symbol.as_str()))?;
        // One was asked for; it may be under another name.
        let mut found = tickers.values();
        let (Some(ticker), None) = (found.next(), found.next()) else {
            let reason = format!("{} prices in the place of that of {symbol}", tickers.len());
            return Err(MarketDataError::Unavailable(reason));
        };
        let (bid, ask) = ticker.bid_and_ask();
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
        Ok(Box::new(OhlcStream::connect(&self.client.endpoints.market_stream(), markets).await?))
    }

    async fn time(&self) -> Result<Timestamp, MarketDataError> {
        self.client.synchronise().await.map_err(|error| error.of_market_data(""))
    }
}

/// The closed candles of an answer, proven to be in order and on the grid. The last is always open.
fn closed(
    rows: &[OhlcRow],
    timeframe: Timeframe,
    from: Timestamp,
    limit: usize,
) -> Result<Vec<Candle>, MarketDataError> {
    let Some((_, rows)) = rows.split_last() else { return Ok(Vec::new()) };
    // The first candle that was asked for, and the first that there is.
    let length = timeframe.as_ms();
    let wanted = from.as_ms() + (-from.as_ms()).rem_euclid(length);
    let first = rows.first().map(|OhlcRow(candle)| candle.open_time.as_ms());
    if rows.len() + 1 >= MOST_CANDLES && first.is_some_and(|first| wanted < first) {
        return Err(MarketDataError::Unsupported(TOO_OLD));
    }
    let mut candles: Vec<Candle> = Vec::with_capacity(rows.len().min(limit));
    for OhlcRow(candle) in rows {
        let open_time = candle.open_time;
        if open_time < from {
            continue;
        }
        if candles.len() == limit {
            break;
        }
        let previous = candles.last().map(|candle| candle.open_time);
        if !timeframe.is_aligned(open_time) || previous.is_some_and(|last| last >= open_time) {
            return Err(MarketDataError::Impossible(format!(
                "a candle of {timeframe} at {open_time} after {previous:?}"
            )));
        }
        candles.push(*candle);
    }
    Ok(candles)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(minute: i64) -> OhlcRow {
        let open_time = Timestamp::from_ms(minute * 60_000);
        OhlcRow(Candle { open_time, open: 1.0, high: 1.0, low: 1.0, close: 1.0, volume: 1.0 })
    }

    fn minutes(
        rows: impl Iterator<Item = i64>,
        from: i64,
        limit: usize,
    ) -> Result<Vec<i64>, MarketDataError> {
        let rows: Vec<OhlcRow> = rows.map(row).collect();
        let candles = closed(&rows, Timeframe::M1, Timestamp::from_ms(from * 60_000), limit)?;
        Ok(candles.iter().map(|candle| candle.open_time.as_ms() / 60_000).collect())
    }

    #[test]
    fn the_last_candle_is_still_open() {
        assert_eq!(minutes(1..4, 0, 9), Ok(vec![1, 2]));
        assert_eq!(minutes(1..4, 2, 9), Ok(vec![2]));
        assert_eq!(minutes(1..9, 0, 2), Ok(vec![1, 2]));
        assert_eq!(minutes(1..2, 0, 9), Ok(vec![]));
        assert_eq!(minutes(0..0, 0, 9), Ok(vec![]));
    }

    #[test]
    fn what_the_venue_no_longer_has_is_refused() {
        let refused = minutes(1_000..1_720, 999, 9);
        assert!(matches!(refused, Err(MarketDataError::Unsupported(text)) if text.contains("720")));
        assert_eq!(minutes(1_000..1_720, 1_000, 2), Ok(vec![1_000, 1_001]));
        // A young market has fewer.
        assert_eq!(minutes(1_000..1_719, 0, 1), Ok(vec![1_000]));
    }

    #[test]
    fn what_is_out_of_order_or_off_the_grid_is_refused() {
        for rows in [[2, 1, 3], [1, 1, 3]] {
            let refused = minutes(rows.into_iter(), 0, 9);
            assert!(matches!(refused, Err(MarketDataError::Impossible(_))));
        }
        let mut askew = row(1);
        askew.0.open_time = Timestamp::from_ms(61_000);
        let refused = closed(&[askew, row(2)], Timeframe::M1, Timestamp::from_ms(0), 9);
        assert!(matches!(refused, Err(MarketDataError::Impossible(_))));
    }

    #[test]
    fn lengths_that_the_venue_does_not_have_are_refused() {
        assert_eq!(interval(Timeframe::H1), Ok(60));
        for text in ["7m", "2h", "7d"] {
            assert!(interval(text.parse().unwrap()).is_err(), "{text}");
        }
    }
}
