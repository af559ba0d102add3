//! Messages of the venue, read outside a connection: recorded ones, measurements, fuzzers.

use serde::de::DeserializeOwned;
use tradepulse_core::market::Candle;

use super::errors::ErrorMessage;
use super::messages::{
    AccountMessage, AlgoOrderMessage, BookTicker, CancelMessage, Combined, ExchangeInfo,
    FuturesBalanceMessage, KlineEvent, KlineRow, ListenKeyMessage, OrderListMessage, OrderMessage,
    PositionMessage, RestrictionsMessage, TimeMessage, TradeMessage,
};
use super::user_events::{AlgoEvent, OrderEvent};

/// Whether a text can be read as something.
type Reads = fn(&str) -> bool;

/// The candles of an answer of `klines`, the one that is still open included.
///
/// ```
/// use tradepulse_exec::exchange::binance::wire;
/// let body = r#"[[1704067200000,"10","12","9","11","5",1704067499999,"55",7,"2","22","0"]]"#;
/// assert_eq!(wire::candles(body)?[0].high, 12.0);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// # Errors
/// If it is no such answer.
pub fn candles(body: &str) -> Result<Vec<Candle>, serde_json::Error> {
    let rows: Vec<KlineRow> = serde_json::from_str(body)?;
    Ok(rows.into_iter().map(|row| row.candle).collect())
}

/// The candle of a message of a combined kline stream, if it has closed.
///
/// # Errors
/// If it is no such message.
pub fn closed_candle(message: &str) -> Result<Option<Candle>, serde_json::Error> {
    let Combined::<KlineEvent> { data } = serde_json::from_str(message)?;
    Ok(data.kline.closed.then(|| data.kline.candle()))
}

/// The kinds of message that a text can be read as: several where a message has the fields of
/// several, none for anything that is not understood.
pub fn kinds(text: &str) -> Vec<&'static str> {
    fn is<T: DeserializeOwned>(text: &str) -> bool {
        serde_json::from_str::<T>(text).is_ok()
    }
    let kinds: [(&str, Reads); 18] = [
        ("account", is::<AccountMessage>),
        ("algo order", is::<AlgoOrderMessage>),
        ("algo order event", is::<AlgoEvent>),
        ("best bid and ask", is::<BookTicker>),
        ("candle event", is::<Combined<KlineEvent>>),
        ("candles", is::<Vec<KlineRow>>),
        ("cancel", is::<CancelMessage>),
        ("error", is::<ErrorMessage>),
        ("exchange", is::<ExchangeInfo>),
        ("futures balances", is::<Vec<FuturesBalanceMessage>>),
        ("key permissions", is::<RestrictionsMessage>),
        ("listen key", is::<ListenKeyMessage>),
        ("order", is::<OrderMessage>),
        ("order event", is::<OrderEvent>),
        ("order list", is::<OrderListMessage>),
        ("positions", is::<Vec<PositionMessage>>),
        ("time", is::<TimeMessage>),
        ("trades", is::<Vec<TradeMessage>>),
    ];
    kinds.into_iter().filter(|(_, reads)| reads(text)).map(|(name, _)| name).collect()
}
