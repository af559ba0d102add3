use axum::http::Method;
use serde_json::{Value, json};
use tradepulse_core::market::Candle;

use super::super::hub::UserSubscription;
use super::super::market::Market;
use super::super::settings::Dialect;
use super::super::venue::Venue;
use super::parameters::Parameters;
use super::refusal::Refusal;
use super::render::figure;
use super::{account, public, signature};

/// The stream of a market's candles, and what it tells of one.
pub(in crate::simulator) fn kline_event(
    market: &Market,
    candle: &Candle,
    closed: bool,
    now_ms: i64,
) -> (String, Value) {
    let timeframe = market.timeframe;
    let interval = timeframe.to_string();
    let open_ms = candle.open_time.as_ms();
    let event = json!({
        "e": "kline", "E": now_ms, "s": market.name,
        "k": {
            "t": open_ms, "T": open_ms + timeframe.as_ms() - 1, "s": market.name, "i": interval,
            "f": 0, "L": 0, "o": figure(candle.open), "c": figure(candle.close),
            "h": figure(candle.high), "l": figure(candle.low), "v": figure(candle.volume), "n": 1,
            "x": closed, "q": figure(candle.volume * candle.close), "V": "0", "Q": "0", "B": "0",
        },
    });
    (format!("{}@kline_{interval}", market.name.to_lowercase()), event)
}

/// `SUBSCRIBE`, `UNSUBSCRIBE` and `LIST_SUBSCRIPTIONS` on a connection to market streams.
pub(in crate::simulator) fn subscribe(venue: &mut Venue, connection: u64, text: &str) -> Value {
    let Ok(request) = serde_json::from_str::<Value>(text) else {
        return json!({ "error": { "code": 3, "msg": "Invalid JSON" } });
    };
    let id = &request["id"];
    let Some(connection) = venue.hub.get(connection) else { return Value::Null };
    let names = request["params"].as_array().into_iter().flatten().filter_map(Value::as_str);
    match request["method"].as_str() {
        Some("SUBSCRIBE") => connection.streams.extend(names.map(str::to_owned)),
        Some("UNSUBSCRIBE") => {
            connection.streams.retain(|stream| !names.clone().any(|name| name == stream))
        }
        Some("LIST_SUBSCRIPTIONS") => return json!({ "result": connection.streams, "id": id }),
        _ => return json!({ "error": { "code": 2, "msg": "Invalid request" }, "id": id }),
    }
    json!({ "result": null, "id": id })
}

/// A request over the WebSocket API.
pub(in crate::simulator) fn call_by_stream(
    venue: &mut Venue,
    connection: u64,
    text: &str,
) -> Value {
    let request: Value = match serde_json::from_str(text) {
        Ok(request) => request,
        Err(_) => {
            return json!({ "status": 400, "error": { "code": -1135, "msg": "Invalid JSON" } });
        }
    };
    let id = &request["id"];
    let parameters = request["params"].as_object().map(Parameters::of_json).unwrap_or_default();
    let method = request["method"].as_str().unwrap_or_default();
    match call(venue, connection, method, &parameters) {
        Ok(result) => json!({ "id": id, "status": 200, "result": result, "rateLimits": [] }),
        Err(Refusal { status, code, message }) => json!({
            "id": id, "status": status, "error": { "code": code, "msg": message },
            "rateLimits": [],
        }),
    }
}

fn call(
    venue: &mut Venue,
    connection: u64,
    method: &str,
    parameters: &Parameters,
) -> Result<Value, Refusal> {
    // The methods that stand for paths.
    let (verb, name) = match method {
        "ping" => (Method::GET, "ping"),
        "time" => (Method::GET, "time"),
        "exchangeInfo" => (Method::GET, "exchangeInfo"),
        "klines" => (Method::GET, "klines"),
        "ticker.book" => (Method::GET, "ticker/bookTicker"),
        "ticker.price" => (Method::GET, "ticker/price"),
        "account.status" => (Method::GET, "account"),
        "order.place" => (Method::POST, "order"),
        "order.status" => (Method::GET, "order"),
        "order.cancel" => (Method::DELETE, "order"),
        "openOrders.status" => (Method::GET, "openOrders"),
        "orderList.place.oco" => (Method::POST, "orderList/oco"),
        "userDataStream.subscribe.signature" => {
            signature::check_by_stream(venue, parameters)?;
            let subscription = Some(UserSubscription { wrapped: true, sequence: None });
            if let Some(connection) = venue.hub.get(connection) {
                connection.user = subscription;
            }
            return Ok(json!({ "subscriptionId": 0 }));
        }
        "userDataStream.unsubscribe" => {
            if let Some(connection) = venue.hub.get(connection) {
                connection.user = None;
            }
            return Ok(json!({}));
        }
        _ => return Err(Refusal::new(-1020, "This operation is not supported.")),
    };
    if let Some(answer) = public::respond(venue, &verb, name, parameters) {
        return answer;
    }
    signature::check_by_stream(venue, parameters)?;
    account::respond(venue, &verb, name, parameters)
}

/// Keys of user streams: gone from Binance spot.
pub(super) fn listen_key(
    venue: &mut Venue,
    method: &Method,
    name: &str,
    parameters: &Parameters,
) -> Result<Value, Refusal> {
    match (venue.dialect, name) {
        (Dialect::BinanceUs, "userDataStream") | (Dialect::BinanceUsdM, "listenKey") => {}
        (Dialect::Binance, "userDataStream") => return Err(Refusal::gone()),
        _ => return Err(Refusal::no_such_path()),
    }
    let no_such_key = || Refusal::new(-1125, "This listenKey does not exist.");
    match method.as_str() {
        "POST" => {
            let key = format!("listen{}", venue.listen_keys.len() + 1);
            venue.listen_keys.insert(key.clone());
            Ok(json!({ "listenKey": key }))
        }
        "PUT" => {
            // Of futures the account has one, and need not name it.
            let known = match parameters.get("listenKey") {
                Some(key) => venue.listen_keys.contains(key),
                None => venue.dialect == Dialect::BinanceUsdM && !venue.listen_keys.is_empty(),
            };
            if known { Ok(json!({})) } else { Err(no_such_key()) }
        }
        "DELETE" => {
            if let Some(key) = parameters.get("listenKey") {
                venue.listen_keys.remove(key);
            } else {
                venue.listen_keys.clear();
            }
            Ok(json!({}))
        }
        _ => Err(Refusal::no_such_path()),
    }
}
