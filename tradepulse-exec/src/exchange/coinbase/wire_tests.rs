//! Real messages of the venue, where they are at hand: each is read, or refused for a reason that
//! is known.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::Value;
use tradepulse_core::exchange::{ExchangeError, RejectKind};
use tradepulse_core::time::Timestamp;

use super::errors::{CallError, ErrorMessage};
use super::messages::{
    AccountMessage, AccountsMessage, BookMessage, CancelMessage, CandleMessage, CandlesMessage,
    CreateMessage, FillMessage, FillsMessage, OrderAnswer, OrderEvent, OrderMessage, OrdersMessage,
    PriceBook, ProductMessage, StreamMessage, TimeMessage, symbol_of,
};
use super::wire::kinds;

/// The folder with the messages; a test without it says so and passes.
fn folder() -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = ["../../shared/data/wire", "../../../shared/data/wire"]
        .map(|folder| here.join(folder).join("coinbase"))
        .into_iter()
        .find(|folder| folder.is_dir());
    if found.is_none() {
        println!("skipped: there are no recorded messages beside the repository");
    }
    found
}

fn read<T: DeserializeOwned>(name: &str, message: &Value) -> T {
    serde_json::from_value(message.clone()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// All messages of a folder by their names.
fn messages(folder: &Path) -> Vec<(String, Value)> {
    let mut found: Vec<(String, Value)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let message = serde_json::from_str(&text);
            (name.clone(), message.unwrap_or_else(|error| panic!("{name}: {error}")))
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

fn check_order(name: &str, order: &OrderMessage) {
    assert!(order.status().is_ok() && order.created().is_some(), "{name}");
    let id = "tp100000-1".parse().unwrap();
    let symbol = symbol_of(&order.product_id).unwrap();
    assert_eq!(order.reports(id, &symbol, Vec::new()).unwrap().len(), 1, "{name}");
}

fn check_fills(name: &str, fills: Vec<FillMessage>) {
    let symbol = "BTC/USD".parse().unwrap();
    for fill in fills {
        let execution = fill.execution(&symbol);
        let execution = execution.unwrap_or_else(|| panic!("{name} has no execution"));
        assert!(execution.at > Timestamp::from_ms(0) && !execution.quantity.is_zero(), "{name}");
    }
}

fn check_event(name: &str, event: &OrderEvent) {
    let id = "tp100000-1".parse().unwrap();
    let symbol = symbol_of(&event.product_id).unwrap();
    let report = event.report(id, &symbol, Timestamp::from_ms(1));
    assert!(report.is_some_and(|report| report.filled.is_zero()), "{name}");
}

/// Whether this is a message of channels that the adapter does not subscribe to.
fn is_of_another_channel(message: &StreamMessage) -> bool {
    matches!(message.channel.as_str(), "l2_data" | "market_trades" | "ticker" | "ticker_batch")
}

#[test]
fn recorded_answers_and_events_are_read() {
    let Some(folder) = folder() else { return };
    let all = messages(&folder.join("nautilus"));
    assert!(all.len() >= 20, "{}", all.len());
    let found: BTreeSet<_> = all.iter().flat_map(|(_, m)| kinds(&m.to_string())).collect();
    assert_eq!(found.len(), 9, "{found:?}");
    for (name, message) in &all {
        match name.as_str() {
            "http_accounts" => {
                let accounts: AccountsMessage = read(name, message);
                assert!(accounts.accounts.iter().all(|a| !a.available_balance.value.is_zero()));
            }
            "http_candles" => {
                let candles: CandlesMessage = read(name, message);
                let times: Vec<_> = candles.candles.iter().map(|c| c.candle().open_time).collect();
                assert!(times.len() > 1 && times.is_sorted_by(|a, b| a > b), "newest first");
            }
            "http_fills" => check_fills(name, read::<FillsMessage>(name, message).fills),
            "http_order" => check_order(name, &read::<OrderAnswer>(name, message).order),
            "http_orders_list" => {
                let list: OrdersMessage = read(name, message);
                list.orders.iter().for_each(|order| check_order(name, order));
            }
            "http_product" => {
                let rules = read::<ProductMessage>(name, message).rules();
                assert!(rules.price_tick.is_some() && rules.instrument.min_notional.is_some());
            }
            "http_products" | "http_products_future" => {
                for product in message["products"].as_array().unwrap() {
                    let product: ProductMessage = read(name, product);
                    // Futures have names that are no pairs, and are not traded here.
                    let is_spot = symbol_of(&product.product_id).is_some();
                    assert_eq!(is_spot, name == "http_products", "{}", product.product_id);
                    product.rules();
                }
            }
            "http_product_book" => {
                let (bid, ask) = read::<BookMessage>(name, message).pricebook.best().unwrap();
                assert!(0.0 < bid && bid < ask);
            }
            "ws_user" => {
                let message: StreamMessage = read(name, message);
                let orders = message.events[0]["orders"].as_array().unwrap();
                orders.iter().for_each(|order| check_event(name, &read(name, order)));
            }
            "ws_candles" => {
                let message: StreamMessage = read(name, message);
                let candle: CandleMessage = read(name, &message.events[0]["candles"][0]);
                assert_eq!(candle.product_id, "BTC-USD");
            }
            "ws_heartbeats" => {
                assert_eq!(read::<StreamMessage>(name, message).channel, "heartbeats");
            }
            "ws_subscriptions" => {
                let message: StreamMessage = read(name, message);
                assert!(message.confirms("level2") && !message.confirms("user"));
            }
            // Not asked for: futures' accounts, tickers (quotes are asked of the book), and books,
            // trades and tickers of streams. They are told apart by their channel, and passed over.
            "http_cfm_balance_summary"
            | "http_cfm_position"
            | "http_cfm_positions"
            | "http_ticker" => {}
            name => {
                let message: StreamMessage = read(name, message);
                assert!(is_of_another_channel(&message), "{name} is not looked at");
            }
        }
    }
}

#[test]
fn messages_in_the_comments_of_another_client_are_read() {
    let Some(folder) = folder() else { return };
    let mut read_so_far = 0;
    for (name, message) in &messages(&folder.join("ccxt_comments")) {
        let what = name.rsplit_once("__").map_or(name.as_str(), |(what, _)| what);
        read_so_far += 1;
        match what {
            "cancel_orders" => {
                assert_eq!(read::<CancelMessage>(name, message).is_cancelled(), Ok(()));
            }
            "create_order" => {
                let answer = read::<CreateMessage>(name, message).order_id();
                assert_eq!(answer.is_ok(), message["success"] == true, "{name}: {answer:?}");
            }
            "fetch_accounts_v3" => drop(read::<AccountsMessage>(name, message)),
            "parse_account" if message.get("uuid").is_some() => {
                drop(read::<AccountMessage>(name, message));
            }
            "fetch_bids_asks" => {
                let book: PriceBook = read(name, &message["pricebooks"][0]);
                assert_eq!(book.best(), Some((0.2384, 0.2406)));
            }
            "fetch_order_book" => {
                assert!(read::<BookMessage>(name, message).pricebook.best().is_some())
            }
            "fetch_my_trades" => check_fills(name, read::<FillsMessage>(name, message).fills),
            "fetch_ohlcv" => drop(read::<CandlesMessage>(name, message)),
            "parse_ohlcv" => drop(read::<Vec<CandleMessage>>(name, message)),
            "fetch_order" => check_order(name, &read::<OrderAnswer>(name, message).order),
            "fetch_orders" | "fetch_orders_by_status" => {
                check_order(name, &read::<OrdersMessage>(name, message).orders[0]);
            }
            "parse_order" if message.get("status").is_some() => {
                check_order(name, &read(name, message));
            }
            "fetch_time" if message.get("epochMillis").is_some() => {
                assert_eq!(read::<TimeMessage>(name, message).time().as_ms(), 1_709_005_034_333);
            }
            "handle_errors" if message.get("success").is_none() => {
                assert!(read::<ErrorMessage>(name, message).told().is_some());
            }
            "handle_errors" => {
                let refusal = read::<CreateMessage>(name, message).order_id().unwrap_err();
                let name = "PREVIEW_STOP_PRICE_ABOVE_LAST_TRADE_PRICE";
                assert!(matches!(refusal, CallError::Refused(refused) if refused.code == name));
            }
            "parse_spot_market" | "parse_contract_market" => {
                read::<ProductMessage>(name, message).rules();
            }
            "parse_trade" if message.get("entry_id").is_some() => {
                check_fills(name, vec![read(name, message)]);
            }
            "ws_handle_order" => {
                let message: StreamMessage = read(name, message);
                check_event(name, &read(name, &message.events[0]["orders"][0]));
            }
            "ws_parse_ws_order" => check_event(name, &read(name, message)),
            "ws_handle_heartbeats" => drop(read::<StreamMessage>(name, message)),
            // Of other services (`/v2`: wallets, deposits, transfers), of orders that are changed,
            // of futures, and of channels that the adapter does not subscribe to.
            _ => read_so_far -= 1,
        }
    }
    assert!(read_so_far >= 25, "{read_so_far} messages were read");
}

#[test]
fn collected_errors_say_what_to_do() {
    let Some(folder) = folder() else { return };
    let text = fs::read_to_string(folder.join("error_bodies_collected.json")).unwrap();
    let now = Timestamp::from_ms(0);
    for error in serde_json::from_str::<Vec<Value>>(&text).unwrap() {
        let body = error["body"].to_string();
        match error["http"].as_u64() {
            Some(200) => {
                let refusal = serde_json::from_str::<CreateMessage>(&body).unwrap().order_id();
                let kind = RejectKind::Balance;
                let told = refusal.unwrap_err().of_command();
                assert!(matches!(told, ExchangeError::Rejected { kind: k, .. } if k == kind));
            }
            status => {
                let status = u16::try_from(status.unwrap()).unwrap();
                let told = CallError::of_answer(status, None, &body, now);
                assert!(matches!(told, CallError::RateLimited { .. }), "{body}");
            }
        }
    }
    // Every name that another client tells apart is one of the venue's refusals, or a limit.
    let text = fs::read_to_string(folder.join("ccxt_error_map.json")).unwrap();
    let map: Value = serde_json::from_str(&text).unwrap();
    for (name, meaning) in map["exceptions"]["exact"].as_object().unwrap() {
        let body = serde_json::json!({ "error": name, "message": "" }).to_string();
        let told = CallError::of_answer(400, None, &body, now).of_command();
        match (meaning.as_str().unwrap(), &told) {
            ("RateLimitExceeded", ExchangeError::RateLimited { .. }) => {}
            ("InsufficientFunds", ExchangeError::Rejected { kind: RejectKind::Balance, .. }) => {}
            ("RateLimitExceeded" | "InsufficientFunds", _) => panic!("{name}: {told:?}"),
            (_, ExchangeError::Rejected { .. }) => {}
            _ => panic!("{name}: {told:?}"),
        }
    }
}
