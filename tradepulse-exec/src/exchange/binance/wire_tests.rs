//! Real messages of the venue, where they are at hand: each kind is read, or refused for a reason
//! that is known.

use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::errors::{CallError, ErrorMessage};
use super::messages::{
    AccountMessage, AlgoOrderMessage, BookTicker, CancelMessage, ExchangeInfo,
    FuturesBalanceMessage, KlineEvent, KlineRow, OrderListMessage, OrderMessage, PositionMessage,
    TimeMessage, TradeMessage,
};
use super::user_events::{AlgoEvent, OrderEvent};
use crate::exchange::binance::endpoints::BinanceVenue;

/// The folder with the messages; a test without it says so and passes.
fn folder() -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = ["../../shared/data/wire", "../../../shared/data/wire"]
        .map(|folder| here.join(folder))
        .into_iter()
        .find(|folder| folder.join("binance").is_dir());
    if found.is_none() {
        println!("skipped: there are no recorded messages beside the repository");
    }
    found
}

/// All JSON files below a folder, with the message in them: some are wrapped in a test case.
fn messages(folder: &Path) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                let text = fs::read_to_string(&path).unwrap();
                let Ok(mut message) = serde_json::from_str::<Value>(&text) else { continue };
                if let Some(expected) = message.get_mut("expected_response") {
                    message = expected.take();
                }
                found.push((path.to_string_lossy().into_owned(), message));
            }
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// Reads every message whose file name begins so, or has it after `/` and `__`.
fn read<T: DeserializeOwned>(all: &[(String, Value)], names: &[&str]) -> Vec<T> {
    let mut values = Vec::new();
    for name in names {
        let before = values.len();
        for (path, message) in all {
            let file = path.rsplit('/').next().unwrap_or_default();
            if file.starts_with(name) {
                let message = message.get("result").unwrap_or(message).clone();
                let value = serde_json::from_value(message);
                values.push(value.unwrap_or_else(|error| panic!("{path}: {error}")));
            }
        }
        assert!(values.len() > before, "no message is called {name}");
    }
    values
}

#[test]
fn messages_of_spot_are_read() {
    let Some(folder) = folder() else { return };
    let all = messages(&folder.join("binance"));
    let times: Vec<TimeMessage> =
        read(&all, &["time_success", "server_time", "check_server_time__response"]);
    assert!(times.iter().all(|time| time.server_time > 1_000_000_000_000));
    let klines: Vec<Vec<KlineRow>> =
        read(&all, &["klines_response", "kline_candlestick_data__response"]);
    assert!(klines.iter().flatten().all(|row| row.candle.high >= row.candle.low));
    let infos: Vec<ExchangeInfo> = read(
        &all,
        &["exchange_info_success", "exchange_info_response", "exchange_information__response"],
    );
    for market in infos.iter().flat_map(|info| &info.symbols) {
        market.rules(BinanceVenue::Spot.kind());
    }
    let _: Vec<BookTicker> = read(&all, &["book_ticker_response"]);
    let orders: Vec<OrderMessage> = read(
        &all,
        &[
            "new_order_full_response",
            "new_order_trade__response",
            "query_order_user_data__response",
            "order_response",
            "cancel_order_trade__response.json",
        ],
    );
    for order in &orders {
        order.status().unwrap();
        assert!(!order.placed_as().is_empty());
    }
    assert!(orders.iter().any(|order| order.executions().len() == 5), "fills are read");
    let lists: Vec<OrderListMessage> = read(
        &all,
        &[
            "new_order_list_oco_trade__response",
            "new_oco_deprecated_trade__response",
            "order_list_oco_success",
            "order_oco_success",
            "delete_order_list_success",
        ],
    );
    assert!(lists.iter().all(|list| !list.order_reports.is_empty()));
    let cancels: Vec<CancelMessage> = read(
        &all,
        &[
            "cancel_order_trade__response",
            "cancel_order_list_trade__response",
            "delete_order_success",
        ],
    );
    assert!(cancels.into_iter().all(|cancel| !cancel.orders().is_empty()));
    let _: Vec<Vec<CancelMessage>> = read(&all, &["cancel_open_orders_response"]);
    let trades: Vec<Vec<TradeMessage>> =
        read(&all, &["account_trade_list_user_data__response", "account_trades_response"]);
    assert!(trades.iter().all(|trades| !trades.is_empty()));
    let _: Vec<AccountMessage> =
        read(&all, &["account_information_user_data__response", "account_response"]);
    let open: Vec<Vec<OrderMessage>> =
        read(&all, &["open_orders_response", "current_open_orders_user_data__response"]);
    assert!(open.iter().flatten().all(|order| order.status().is_ok()));
}

#[test]
fn messages_of_futures_are_read() {
    let Some(folder) = folder() else { return };
    let all = messages(&folder.join("binanceusdm"));
    let orders: Vec<OrderMessage> = read(
        &all,
        &["new_order_success.", "query_order_success.", "cancel_order_success.", "order_response"],
    );
    assert!(orders.iter().all(|order| order.status().is_ok()));
    let algo: Vec<AlgoOrderMessage> =
        read(&all, &["new_algo_order_success", "query_algo_order_success"]);
    assert!(algo.iter().all(|order| order.actual().is_none() && order.algo_id > 0));
    let _: Vec<Vec<AlgoOrderMessage>> = read(&all, &["open_algo_orders"]);
    let _: Vec<Vec<TradeMessage>> = read(&all, &["account_trade_list_success"]);
    let _: Vec<Vec<PositionMessage>> =
        read(&all, &["position_information_v3_success", "position_risk"]);
    let _: Vec<Vec<FuturesBalanceMessage>> =
        read(&all, &["futures_account_balance_v2_success", "balance.json"]);
    let infos: Vec<ExchangeInfo> = read(&all, &["exchange_information_success"]);
    assert_eq!(infos[0].limits().len(), 1);
    let _: Vec<BookTicker> = read(&all, &["symbol_order_book_ticker_success."]);
    // The client library's tests have rows of one value only: they are refused.
    let row = serde_json::from_str::<Vec<KlineRow>>("[[1499040000000]]").unwrap_err().to_string();
    assert!(row.contains("at least 7 values"), "{row}");
}

/// What is said of orders and candles in streams, whoever recorded it.
#[test]
fn events_of_streams_are_read() {
    let Some(folder) = folder() else { return };
    let (mut executions, mut updates, mut algo, mut klines) = (0, 0, 0, 0);
    for venue in ["binance", "binanceusdm"] {
        for (path, message) in messages(&folder.join(venue)) {
            // European options are told of in lists; the client library has lost the names that
            // differ in case only.
            if path.contains("options_order_update") || path.contains("connector-python") {
                continue;
            }
            let event = message.get("event").or(message.get("data")).unwrap_or(&message).clone();
            match event["e"].as_str() {
                Some("executionReport") => {
                    executions += 1;
                    let event: OrderEvent = parsed(&path, event);
                    read_event(&path, event);
                }
                Some("ORDER_TRADE_UPDATE") => {
                    updates += 1;
                    let event = parsed(&path, event["o"].clone());
                    read_event(&path, event);
                }
                Some("ALGO_UPDATE") => {
                    algo += 1;
                    let _: AlgoEvent = parsed(&path, event["o"].clone());
                }
                Some("kline") => {
                    klines += 1;
                    let event: KlineEvent = parsed(&path, event);
                    assert!(event.kline.candle().open > 0.0, "{path}");
                }
                _ => {}
            }
        }
    }
    assert!(executions >= 6 && updates >= 6 && algo >= 2 && klines >= 4);
}

fn parsed<T: DeserializeOwned>(path: &str, value: Value) -> T {
    serde_json::from_value(value).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn read_event(path: &str, event: OrderEvent) {
    let id = "tp100000-1".parse().unwrap();
    let happened = event.happened().to_owned();
    let report = event.report(id, "BTC/USDT".parse().unwrap());
    if happened == "CALCULATED" {
        // Liquidations: the venue's own orders, some in states of their own.
        return;
    }
    let report = report.unwrap_or_else(|| panic!("{path} is not understood"));
    assert_eq!(report.executions.len(), usize::from(happened == "TRADE"), "{path}");
}

/// Every error of the venue's documentation becomes one that says what to do.
#[test]
fn errors_of_the_documentation_are_mapped() {
    let Some(folder) = folder() else { return };
    let now = tradepulse_core::time::Timestamp::from_ms(0);
    let text = fs::read_to_string(folder.join("binance/errors_from_docs.json")).unwrap();
    let errors: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert!(errors.len() > 100);
    for error in errors {
        let code = error["code"].as_i64().unwrap();
        let body = serde_json::json!({ "code": code, "msg": error["messages"][0] }).to_string();
        let message: ErrorMessage = serde_json::from_str(&body).unwrap();
        assert_eq!(message.code, code);
        let error = CallError::of_answer(400, None, &body, now);
        let unknown = matches!(error, CallError::Lost(_));
        assert_eq!(unknown, matches!(code, -1000 | -1001 | -1006 | -1007), "{code}");
    }
    let path = folder.join("binance/reject_messages_-1010_-2010_-2011.json");
    let rejects: Vec<Value> = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    for reject in rejects {
        let body = serde_json::json!({ "code": -2010, "msg": reject["msg"] }).to_string();
        let error = CallError::of_answer(400, None, &body, now).of_command();
        assert!(matches!(error, tradepulse_core::exchange::ExchangeError::Rejected { .. }));
    }
}
