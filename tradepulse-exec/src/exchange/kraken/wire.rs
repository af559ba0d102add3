//! Messages of the venue, read and written outside a connection: recorded ones, measurements,
//! fuzzers.

use std::collections::BTreeMap;

use serde::de::{DeserializeOwned, IgnoredAny};
use tradepulse_core::market::{Candle, Symbol};
use tradepulse_core::order::OrderRequest;
use tradepulse_core::time::Timestamp;

use super::errors::CallError;
use super::messages::{
    AddedMessage, AnswerMessage, BalanceMessage, CancelledMessage, ClosedMessage, ExecutionMessage,
    MethodMessage, OhlcEvent, OhlcMessage, OpenMessage, OrderMessage, Pairs, StreamMessage,
    TickerMessage, TimeMessage, TokenMessage, TradeMessage, order_status,
};
use super::orders::form;
use super::symbols::of_slashed;

/// Whether a text can be read as something.
type Reads = fn(&str) -> bool;

/// The candles of an answer of `OHLC`, the one that is still open included; none if it is an error.
///
/// ```
/// use tradepulse_exec::exchange::kraken::wire;
/// let body = r#"{"error":[],"result":{"last":1704067200,
///     "XXBTZUSD":[[1704067200,"10","12","9","11","10.5","5",7]]}}"#;
/// assert_eq!(wire::candles(body)?[0].high, 12.0);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// # Errors
/// If it is no such answer.
pub fn candles(body: &str) -> Result<Vec<Candle>, serde_json::Error> {
    let answer: AnswerMessage<OhlcMessage> = serde_json::from_str(body)?;
    let rows = answer.result.map(|ohlc| ohlc.rows).unwrap_or_default();
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// The candles that a message of the stream of candles tells of, as far as they have come.
///
/// # Errors
/// If it is no such message.
pub fn told_candles(message: &str) -> Result<Vec<Candle>, serde_json::Error> {
    let message: StreamMessage<OhlcEvent> = serde_json::from_str(message)?;
    Ok(message.data.iter().filter_map(OhlcEvent::candle).collect())
}

/// An order that is not taken after `deadline`, as it is sent, but for the nonce; `None` for a pair,
/// which the venue does not have.
pub fn order(request: &OrderRequest, deadline: Timestamp) -> Option<String> {
    form(request, deadline).map(|form| form.encode())
}

/// The kinds of message that a text can be read as: several where a message has the fields of
/// several, none for anything that is not understood.
pub fn kinds(text: &str) -> Vec<&'static str> {
    fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
        serde_json::from_str(text).ok()
    }
    fn answer<T: DeserializeOwned>(text: &str) -> Option<T> {
        read::<AnswerMessage<T>>(text)?.result
    }
    fn by_id<T: DeserializeOwned>(text: &str) -> Option<BTreeMap<String, T>> {
        answer(text)
    }
    /// The market of what does not say itself where it belongs.
    fn market() -> Option<Symbol> {
        of_slashed("XBT/USD")
    }
    fn executions(message: StreamMessage<ExecutionMessage>) -> bool {
        message.data.iter().all(|event| {
            order_status(&event.order_status).is_some()
                && event.at().zip(market()).is_some_and(|(at, market)| {
                    event.exec_type != "trade" || event.execution(&market, at).is_some()
                })
        })
    }
    let kinds: [(&str, Reads); 17] = [
        ("added", |text| answer::<AddedMessage>(text).is_some()),
        ("balances", |text| by_id::<BalanceMessage>(text).is_some()),
        ("best bid and ask", |text| {
            by_id::<TickerMessage>(text)
                .is_some_and(|all| all.values().all(|ticker| ticker.bid_and_ask().0 > 0.0))
        }),
        ("cancelled", |text| answer::<CancelledMessage>(text).is_some()),
        ("candle event", |text| {
            read::<StreamMessage<OhlcEvent>>(text)
                .is_some_and(|message| message.data.iter().all(|event| event.candle().is_some()))
        }),
        ("candles", |text| answer::<OhlcMessage>(text).is_some()),
        ("ended orders", |text| {
            answer::<ClosedMessage>(text).is_some_and(|all| sound(all.closed.values()))
        }),
        ("error", |text| {
            read::<AnswerMessage<IgnoredAny>>(text).is_some_and(|answer| {
                CallError::of_errors(&answer.error, Timestamp::default())
                    .is_some_and(|error| !error.of_command().to_string().is_empty())
            })
        }),
        ("executions", |text| read(text).is_some_and(executions)),
        ("markets", |text| {
            answer::<Pairs>(text).is_some_and(|pairs| {
                pairs.values().all(|pair| {
                    pair.symbol().is_some() && pair.rules().instrument.quantity_step.is_some()
                })
            })
        }),
        ("orders", |text| by_id::<OrderMessage>(text).is_some_and(|all| sound(all.values()))),
        ("request answered", |text| read::<MethodMessage>(text).is_some()),
        ("resting orders", |text| {
            answer::<OpenMessage>(text).is_some_and(|all| sound(all.open.values()))
        }),
        ("stream", |text| read::<StreamMessage<IgnoredAny>>(text).is_some()),
        ("time", |text| answer::<TimeMessage>(text).is_some()),
        ("token", |text| answer::<TokenMessage>(text).is_some()),
        ("trades", |text| {
            by_id::<TradeMessage>(text).zip(market()).is_some_and(|(trades, market)| {
                let executions = trades.into_iter().map(|(id, trade)| trade.execution(id, &market));
                executions.into_iter().all(|execution| !execution.quantity.is_zero())
            })
        }),
    ];
    kinds.into_iter().filter(|(_, reads)| reads(text)).map(|(name, _)| name).collect()
}

/// Whether all orders stand as orders can.
fn sound<'a>(mut orders: impl Iterator<Item = &'a OrderMessage>) -> bool {
    orders.all(|order| order_status(&order.status).is_some() && order.at() > Timestamp::default())
}
