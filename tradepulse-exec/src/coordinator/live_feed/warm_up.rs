use tokio::time::{sleep, timeout};
use tradepulse_core::exchange::{MarketData, MarketDataError};
use tradepulse_core::market::{Candle, Symbol};
use tradepulse_core::time::{Timeframe, Timestamp};

use super::LiveFeedSettings;
use super::collector::impossible;
use super::market::Market;
use crate::coordinator::back_off::BackOff;

/// How often a request for history is made before it is given up.
const TRIES: u32 = 8;

/// The last `count` candles of a market that closed before `now`, oldest first: fewer if the venue
/// has no more.
///
/// # Errors
/// The last of several tries that failed.
pub async fn warm_up(
    data: &dyn MarketData,
    (symbol, timeframe): (&Symbol, Timeframe),
    count: usize,
    now: Timestamp,
    settings: &LiveFeedSettings,
) -> Result<Vec<Candle>, MarketDataError> {
    let length = timeframe.as_ms();
    let span = i64::try_from(count).unwrap_or(i64::MAX).saturating_mul(length);
    let end = timeframe.floor(now).as_ms();
    let first = Timestamp::from_ms(end.saturating_sub(span).max(Timestamp::EARLIEST.as_ms()));
    let mut market = Market::new(symbol.clone(), timeframe, first);
    let mut from = market.wanted();
    let LiveFeedSettings { retry_pause, max_retry_pause, seed, request_timeout, .. } = *settings;
    let label = format!("history of {symbol} {timeframe}");
    let mut back_off = BackOff::new(retry_pause, max_retry_pause, seed, &label);
    while from.as_ms() < end {
        let asked = timeout(request_timeout, data.candles(symbol, timeframe, from, 1000)).await;
        let answer = asked.unwrap_or_else(|_| {
            Err(MarketDataError::Unavailable(format!("nothing for {request_timeout:?}")))
        });
        let wrong = |candles: &Vec<Candle>| candles.iter().find_map(impossible);
        let candles = match answer.and_then(|candles| match wrong(&candles) {
            Some(reason) => Err(MarketDataError::Impossible(reason)),
            None => Ok(candles),
        }) {
            Ok(candles) => candles,
            Err(
                error @ (MarketDataError::Symbol(_)
                | MarketDataError::Timeframe(_)
                | MarketDataError::Unsupported(_)),
            ) => return Err(error),
            Err(error) if back_off.tries() >= TRIES => return Err(error),
            Err(_) => {
                sleep(back_off.next()).await;
                continue;
            }
        };
        back_off.reset();
        let closed: Vec<_> = candles
            .into_iter()
            .filter(|c| c.open_time >= from && c.open_time.as_ms() + length <= end)
            .collect();
        let Some(last) = closed.iter().map(|c| c.open_time.as_ms()).max() else { break };
        for candle in closed {
            market.offer(candle);
        }
        from = Timestamp::from_ms(last + length);
    }
    Ok(market.into_candles())
}
