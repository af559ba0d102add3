//! Real messages of the venue, where they are at hand: each kind is read, or refused for a reason
//! that is known.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::Value;
use tradepulse_core::exchange::ExchangeError;
use tradepulse_core::time::Timestamp;

use super::errors::CallError;
use super::messages::{
    AddedMessage, AnswerMessage, CancelledMessage, ClosedMessage, ExecutionMessage, MethodMessage,
    OhlcEvent, OhlcMessage, OpenMessage, OrderMessage, Pairs, StreamMessage, TickerMessage,
    TimeMessage, TokenMessage, TradeMessage, order_status,
};
use super::wire::kinds;

/// The folder with the messages; a test without it says so and passes.
fn folder() -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = ["../../shared/data/wire/kraken", "../../../shared/data/wire/kraken"]
        .map(|folder| here.join(folder))
        .into_iter()
        .find(|folder| folder.is_dir());
    if found.is_none() {
        println!("skipped: there are no recorded messages beside the repository");
    }
    found
}

/// Whether a message is read as a `T`, and is as it should be.
fn is<T: DeserializeOwned>(text: &str, sound: impl Fn(T) -> bool) -> Result<(), String> {
    let answer: AnswerMessage<T> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let empty = answer.error.is_empty();
    let sound = answer.result.is_some_and(|result| empty && sound(result));
    sound.then_some(()).ok_or_else(|| "it is read as something else".to_owned())
}

/// The same for a message that is no answer.
fn plain<T: DeserializeOwned>(text: &str, sound: impl Fn(T) -> bool) -> Result<(), String> {
    let message = serde_json::from_str(text).map_err(|error| error.to_string())?;
    sound(message).then_some(()).ok_or_else(|| "it is read as something else".to_owned())
}

fn orders(orders: impl IntoIterator<Item = (String, OrderMessage)>) -> bool {
    let known = |order: &OrderMessage| order_status(&order.status).is_some();
    orders.into_iter().all(|(_, order)| known(&order) && !order.pair().is_empty())
}

fn executions(message: StreamMessage<ExecutionMessage>) -> bool {
    let known = |event: &ExecutionMessage| order_status(&event.order_status).is_some();
    message.channel == "executions" && message.data.iter().all(known)
}

/// Reads a message as what its file says that it is. `None` for what the adapter never asks for,
/// with the reason in [`UNUSED`].
fn read(name: &str, text: &str) -> Option<Result<(), String>> {
    Some(match name {
        "http_server_time" | "fetch_time__1" => {
            is(text, |time: TimeMessage| time.unixtime > 1_500_000_000)
        }
        "http_ohlc" | "fetch_ohlcv__1" => is(text, |ohlc: OhlcMessage| {
            ohlc.rows.len() > 3 && ohlc.rows.iter().all(|row| row.0.high >= row.0.low)
        }),
        "http_asset_pairs" | "http_asset_pairs_tokenized" => is(text, |pairs: Pairs| {
            pairs.values().all(|pair| {
                let rules = pair.rules();
                pair.symbol().is_some()
                    && rules.price_tick.is_some()
                    && rules.instrument.min_notional.is_some()
            })
        }),
        "fetch_markets__1" => is(text, |pairs: Pairs| {
            pairs.values().all(|pair| pair.symbol().is_some_and(|s| s.as_str() == "ADA/ETH"))
        }),
        "http_ticker" => is(text, |tickers: BTreeMap<String, TickerMessage>| {
            tickers.values().all(|ticker| ticker.bid_and_ask().0 > 0.0)
        }),
        "parse_ticker__1" => plain(text, |t: TickerMessage| t.bid_and_ask() == (2431.37, 2432.77)),
        "http_add_order_spot" => is(text, |added: AddedMessage| added.txid.len() == 1),
        "http_cancel_order_spot" => is(text, |cancelled: CancelledMessage| cancelled.count == 1),
        "http_open_orders" | "fetch_open_orders__1" => {
            is(text, |message: OpenMessage| orders(message.open))
        }
        "http_closed_orders" | "fetch_closed_orders__1" => {
            is(text, |message: ClosedMessage| orders(message.closed))
        }
        "fetch_order__1" => is(text, |message: BTreeMap<String, OrderMessage>| orders(message)),
        "parse_order__4" => plain(text, |order: OrderMessage| orders([(String::new(), order)])),
        "http_trades_history" => is::<BTreeMap<String, Value>>(text, |message| {
            let trades = message["trades"].clone();
            serde_json::from_value::<BTreeMap<String, TradeMessage>>(trades).is_ok()
        }),
        "parse_trade__2" => plain(text, |_: TradeMessage| true),
        "ws_authenticate__1" => is(text, |token: TokenMessage| !token.token.is_empty()),
        "ws_handle_my_trades__1" | "ws_handle_orders__1" => plain(text, executions),
        "ws_parse_ws_order__1" | "ws_parse_ws_order__2" | "ws_parse_ws_trade__1" => {
            plain(text, |event: ExecutionMessage| order_status(&event.order_status).is_some())
        }
        "ws_ohlc_update" | "ws_handle_ohlcv__1" => {
            plain(text, |message: StreamMessage<OhlcEvent>| {
                message.channel == "ohlc" && message.data.iter().all(|e| e.candle().is_some())
            })
        }
        "ws_subscribe_response"
        | "ws_add_order_response_success"
        | "ws_handle_cancel_order__1"
        | "ws_handle_cancel_all_orders__1"
        | "ws_handle_create_edit_order__1"
        | "ws_handle_create_edit_order__2" => plain(text, |m: MethodMessage| m.success),
        "ws_add_order_response_failure" => plain(text, |message: MethodMessage| {
            !message.success && message.error.is_some_and(|error| error.starts_with("EOrder:"))
        }),
        "ws_pong" => plain(text, |message: MethodMessage| message.method == "pong"),
        _ => return None,
    })
}

/// Beginnings of the names of messages that the adapter never asks for, and why.
const UNUSED: [(&str, &str); 24] = [
    ("parse_ohlcv", "a row alone: it comes in a list"),
    ("cancel_orders", "orders are cancelled one by one"),
    ("cancel_all_orders", "orders are cancelled one by one"),
    ("create_orders", "orders are sent one by one"),
    ("edit_order", "orders are not edited"),
    ("parse_order", "the answers of edits"),
    ("fetch_balance", "balances are asked for with what is bound"),
    ("http_spot_balance", "balances are asked for with what is bound"),
    ("http_spot_trade_balance", "margin"),
    ("http_spot_open_positions", "margin"),
    ("fetch_positions", "margin"),
    ("fetch_deposit", "deposits"),
    ("parse_deposit", "deposits"),
    ("fetch_withdrawals", "withdrawals"),
    ("withdraw", "withdrawals"),
    ("parse_trans", "deposits and transfers"),
    ("transfer", "transfers"),
    ("http_order_book", "the book"),
    ("fetch_order_book", "the book"),
    ("http_trades", "trades of others"),
    ("fetch_trades", "trades of others"),
    ("parse_trade", "trades of others"),
    ("http_system_status", "the status of the system"),
    ("ws_", "other channels, requests, and batches"),
];

#[test]
fn every_message_is_read_or_refused_for_a_known_reason() {
    let Some(folder) = folder() else { return };
    let (mut read_ones, mut unused, mut found) = (0, 0, BTreeSet::new());
    for place in ["nautilus", "ccxt_comments"] {
        for entry in fs::read_dir(folder.join(place)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).unwrap();
            match read(&name, &text) {
                Some(Ok(())) => {
                    read_ones += 1;
                    found.extend(kinds(&text));
                }
                Some(Err(why)) => panic!("{name}: {why}"),
                None => {
                    let known = UNUSED.iter().any(|(beginning, _)| name.starts_with(beginning));
                    assert!(known, "{name} is neither read nor known to be of no use");
                    unused += 1;
                }
            }
        }
    }
    assert!(read_ones >= 30 && unused >= 20, "{read_ones} read, {unused} of no use");
    // All that there are, but for those that nobody recorded.
    assert_eq!(found.len(), 14, "{found:?}");
}

/// Every error that the venue is known to give says what to do.
#[test]
fn errors_are_mapped() {
    let Some(folder) = folder() else { return };
    let text = fs::read_to_string(folder.join("error_bodies_from_python-kraken-sdk.json"));
    let bodies: Vec<AnswerMessage<Value>> = serde_json::from_str(&text.unwrap()).unwrap();
    assert!(bodies.len() > 50);
    for body in bodies {
        let error = CallError::of_errors(&body.error, Timestamp::from_ms(0)).unwrap();
        let unknown = matches!(error.of_command(), ExchangeError::OutcomeUnknown(_));
        assert_eq!(unknown, body.error[0] == "EService:Unavailable", "{:?}", body.error);
    }
}
