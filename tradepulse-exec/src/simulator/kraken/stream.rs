use serde_json::{Value, json};
use tradepulse_core::market::Candle;
use tradepulse_core::time::Timestamp;

use super::super::hub::UserSubscription;
use super::super::market::Market;
use super::super::venue::Venue;
use super::{public, render};

/// How many candles a subscription begins with.
const SNAPSHOT: usize = 10;

/// The stream of a market's candles, and what it tells of the newest.
pub(in crate::simulator) fn candle_event(market: &Market, candle: &Candle) -> (String, Value) {
    let minutes = market.timeframe.as_ms() / 60_000;
    let event = json!({ "channel": "ohlc", "type": "update", "data": [told(market, candle)] });
    (stream_name(market.symbol.as_str(), minutes), event)
}

fn stream_name(symbol: &str, minutes: i64) -> String {
    format!("ohlc:{symbol}:{minutes}")
}

fn told(market: &Market, candle: &Candle) -> Value {
    let end = candle.open_time.as_ms() + market.timeframe.as_ms();
    json!({
        "symbol": market.symbol.as_str(), "open": candle.open, "high": candle.high,
        "low": candle.low, "close": candle.close, "trades": 1, "volume": candle.volume,
        "vwap": candle.close, "interval_begin": candle.open_time.to_string(),
        "interval": market.timeframe.as_ms() / 60_000,
        "timestamp": Timestamp::from_ms(end).to_string(),
    })
}

/// Takes a request that came by a stream; what it is answered with, in order.
pub(in crate::simulator) fn hear(venue: &mut Venue, connection: u64, text: &str) -> Vec<Value> {
    let now = Timestamp::from_ms(venue.now_ms()).to_string();
    let Ok(request) = serde_json::from_str::<Value>(text) else {
        return vec![json!({ "error": "Malformed JSON", "success": false, "method": "" })];
    };
    let method = request["method"].as_str().unwrap_or_default();
    let answer = |result: Result<Value, &str>| {
        let mut answer = json!({ "method": method, "time_in": now, "time_out": now });
        match result {
            Ok(result) => (answer["success"], answer["result"]) = (true.into(), result),
            Err(error) => (answer["success"], answer["error"]) = (false.into(), error.into()),
        }
        if !request["req_id"].is_null() {
            answer["req_id"] = request["req_id"].clone();
        }
        answer
    };
    let parameters = &request["params"];
    match (method, parameters["channel"].as_str()) {
        ("ping", _) => {
            let mut pong = json!({ "method": "pong", "time_in": now, "time_out": now });
            pong["req_id"] = request["req_id"].clone();
            vec![pong]
        }
        ("subscribe", Some("executions")) => {
            let token = parameters["token"].as_str().unwrap_or_default();
            if !venue.listen_keys.contains(token) {
                return vec![answer(Err("ESession:Invalid session"))];
            }
            // A token is good for one connection.
            venue.listen_keys.remove(token);
            let open = venue.ledger.orders().filter(|order| !order.status.is_final());
            let with_orders = parameters["snap_orders"] != false;
            let open: Vec<Value> = open.filter(|_| with_orders).map(render::resting).collect();
            if let Some(connection) = venue.hub.get(connection) {
                connection.user = Some(UserSubscription { wrapped: false, sequence: Some(2) });
            }
            let snapshot =
                json!({ "channel": "executions", "type": "snapshot", "data": open, "sequence": 1 });
            vec![answer(Ok(json!({ "channel": "executions" }))), snapshot]
        }
        ("subscribe" | "unsubscribe", Some("ohlc")) => {
            let minutes = parameters["interval"].as_i64().unwrap_or(1);
            let symbols = parameters["symbol"].as_array().into_iter().flatten();
            let mut answers = Vec::new();
            for symbol in symbols.filter_map(Value::as_str) {
                let Ok(market) = public::named(venue, symbol) else {
                    let error = format!("Currency pair not supported {symbol}");
                    answers.push(answer(Err(&error)));
                    continue;
                };
                let result = json!({ "channel": "ohlc", "symbol": symbol, "interval": minutes });
                answers.push(answer(Ok(result)));
                let is_told = market.timeframe.as_ms() == minutes * 60_000;
                if method == "subscribe" && is_told && parameters["snapshot"] != false {
                    let from = market.candles.len().saturating_sub(SNAPSHOT);
                    let candles = market.candles[from..].iter().chain(&market.forming);
                    let data: Value = candles.map(|candle| told(market, candle)).collect();
                    answers.push(json!({ "channel": "ohlc", "type": "snapshot", "data": data }));
                }
                let name = stream_name(market.symbol.as_str(), minutes);
                if let Some(connection) = venue.hub.get(connection) {
                    if method == "subscribe" {
                        connection.streams.insert(name);
                    } else {
                        connection.streams.remove(&name);
                    }
                }
            }
            answers
        }
        _ => vec![answer(Err("EGeneral:Unknown method"))],
    }
}
