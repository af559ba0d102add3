//! Messages of the venue, read and written outside a connection: recorded ones, measurements,
//! fuzzers.

use serde::de::DeserializeOwned;
use tradepulse_core::market::Candle;
use tradepulse_core::money::Price;
use tradepulse_core::order::{ClientOrderId, OrderRequest};
use tradepulse_core::time::Timestamp;

use super::candle_stream::CandlesEvent;
use super::errors::ErrorMessage;
use super::messages::{
    AccountsMessage, BookMessage, CancelMessage, CandleMessage, CandlesMessage, CreateMessage,
    FillsMessage, KeyPermissionsMessage, OrderAnswer, OrderEvent, OrderMessage, OrdersMessage,
    ProductMessage, StreamMessage, TimeMessage, symbol_of,
};
use super::orders::body;
use super::user_events::UserEvent;

/// Whether a text can be read as something.
type Reads = fn(&str) -> bool;

/// The candles of an answer, newest first, the one that is still open included.
///
/// ```
/// use tradepulse_exec::exchange::coinbase::wire;
/// let body = r#"{"candles":[{"start":"1704067200","low":"9","high":"12","open":"10",
///     "close":"11","volume":"5"}]}"#;
/// assert_eq!(wire::candles(body)?[0].high, 12.0);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// # Errors
/// If it is no such answer.
pub fn candles(body: &str) -> Result<Vec<Candle>, serde_json::Error> {
    let message: CandlesMessage = serde_json::from_str(body)?;
    Ok(message.candles.iter().map(CandleMessage::candle).collect())
}

/// The candles that a message of the channel of candles tells of, as far as they have come.
///
/// # Errors
/// If it is no such message.
pub fn told_candles(message: &str) -> Result<Vec<Candle>, serde_json::Error> {
    let message: StreamMessage = serde_json::from_str(message)?;
    let mut candles = Vec::new();
    for event in message.events {
        let event: CandlesEvent = serde_json::from_value(event)?;
        candles.extend(event.candles.iter().map(CandleMessage::candle));
    }
    Ok(candles)
}

/// An order as it is sent, JSON. `tick` is the price step of its market, for the limit of a stop.
pub fn order(request: &OrderRequest, tick: Option<Price>) -> String {
    body(request, tick).to_string()
}

/// The kinds of message that a text can be read as: several where a message has the fields of
/// several, none for anything that is not understood.
pub fn kinds(text: &str) -> Vec<&'static str> {
    fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
        serde_json::from_str(text).ok()
    }
    /// The id of an order, whoever placed it.
    fn any_id() -> Option<ClientOrderId> {
        "tp100000-1".parse().ok()
    }
    fn told(order: &OrderMessage) -> bool {
        any_id().zip(symbol_of(&order.product_id)).is_some_and(|(id, market)| {
            order.reports(id, &market, Vec::new()).is_ok_and(|all| !all.is_empty())
        })
    }
    fn executed(fills: FillsMessage) -> bool {
        symbol_of("BTC-USD").is_some_and(|market| {
            fills.fills.into_iter().all(|fill| fill.execution(&market).is_some())
        })
    }
    fn events(message: StreamMessage) -> bool {
        let events = message.events.into_iter().map(serde_json::from_value::<UserEvent>);
        events.into_iter().all(|event| {
            event.is_ok_and(|event| event.orders.into_iter().all(|order| reported(order).is_some()))
        })
    }
    fn reported(order: serde_json::Value) -> Option<()> {
        let event: OrderEvent = serde_json::from_value(order).ok()?;
        let market = symbol_of(&event.product_id)?;
        event.report(any_id()?, &market, Timestamp::default()).map(drop)
    }
    let kinds: [(&str, Reads); 16] = [
        ("accounts", |text| read::<AccountsMessage>(text).is_some()),
        ("book", |text| read::<BookMessage>(text).is_some_and(|m| m.pricebook.best().is_some())),
        ("cancel", |text| read::<CancelMessage>(text).is_some_and(|m| m.is_cancelled().is_ok())),
        ("candle event", |text| told_candles(text).is_ok_and(|candles| !candles.is_empty())),
        ("candles", |text| candles(text).is_ok()),
        ("created", |text| read::<CreateMessage>(text).is_some_and(|m| m.order_id().is_ok())),
        ("error", |text| read::<ErrorMessage>(text).is_some_and(|m| m.told().is_some())),
        ("fills", |text| read(text).is_some_and(executed)),
        ("key permissions", |text| read::<KeyPermissionsMessage>(text).is_some()),
        ("not created", |text| read::<CreateMessage>(text).is_some_and(|m| m.order_id().is_err())),
        ("order", |text| read::<OrderAnswer>(text).is_some_and(|answer| told(&answer.order))),
        ("order events", |text| read(text).is_some_and(events)),
        ("orders", |text| {
            read::<OrdersMessage>(text).is_some_and(|all| all.orders.iter().all(told))
        }),
        ("product", |text| {
            read::<ProductMessage>(text).is_some_and(|product| product.rules().price_tick.is_some())
        }),
        ("subscriptions", |text| read::<StreamMessage>(text).is_some_and(|m| m.confirms("user"))),
        ("time", |text| read::<TimeMessage>(text).is_some_and(|m| m.time() > Timestamp::default())),
    ];
    kinds.into_iter().filter(|(_, reads)| reads(text)).map(|(name, _)| name).collect()
}
