use serde_json::{Value, json};
use tradepulse_core::time::Timeframe;

use super::super::hub::UserSubscription;
use super::super::market::Market;
use super::super::venue::Venue;
use super::render::{PlacedView, message, time};
use super::{public, signature};

/// The length of the stream's candles.
const LENGTH: Timeframe = Timeframe::M5;

fn stream_of(product_id: &str) -> String {
    format!("candles {product_id}")
}

/// The newest candle of a market.
fn newest(market: &Market, kind: &str) -> Option<Value> {
    let last = market.forming.as_ref().or(market.candles.last())?;
    let candles = market.candles(LENGTH, Some(LENGTH.floor(last.open_time)), None, 1)?;
    let mut candle = public::candle(candles.last()?);
    candle["product_id"] = market.symbol.dashed().into();
    Some(json!({ "type": kind, "candles": [candle] }))
}

/// The stream of a market's candles, and what it tells of the newest. `None` where its candles do
/// not make those of the stream.
pub(in crate::simulator) fn candle_event(market: &Market, now_ms: i64) -> Option<(String, Value)> {
    let event = message("candles", now_ms, vec![newest(market, "update")?]);
    Some((stream_of(&market.symbol.dashed()), event))
}

/// A heartbeat for a connection that wants them.
pub(in crate::simulator) fn heartbeat(venue: &mut Venue, connection: u64) {
    let now_ms = venue.now_ms();
    let wanted = venue.hub.get(connection).is_some_and(|c| c.streams.contains("heartbeats"));
    if wanted && !venue.hub.silent {
        let event = json!({
            "current_time": time(now_ms), "heartbeat_counter": now_ms.div_euclid(1_000),
        });
        venue.hub.tell(connection, &message("heartbeats", now_ms, vec![event]));
    }
}

/// Carries out a request that came by the stream.
pub(in crate::simulator) fn hear(venue: &mut Venue, connection: u64, text: &str) {
    if let Err(reason) = subscribe(venue, connection, text) {
        venue.hub.tell(connection, &json!({ "type": "error", "message": reason }));
    }
}

fn subscribe(venue: &mut Venue, connection: u64, text: &str) -> Result<(), &'static str> {
    let request: Value = serde_json::from_str(text).map_err(|_| "invalid JSON")?;
    let wanted = match request["type"].as_str() {
        Some("subscribe") => true,
        Some("unsubscribe") => false,
        _ => return Err("type not supported"),
    };
    let signed = request["jwt"].as_str().map(|token| signature::check_stream(venue, token));
    if signed == Some(false) {
        return Err("authentication failure");
    }
    let now_ms = venue.now_ms();
    let products: Vec<&str> =
        request["product_ids"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut snapshot = Vec::new();
    let channel = request["channel"].as_str().unwrap_or_default();
    let subscribed: Vec<String> = match channel {
        "user" if signed.is_none() => return Err("authentication failure"),
        "user" => {
            let orders = PlacedView::all(venue).filter(PlacedView::is_open);
            let orders: Vec<Value> = orders.map(|view| view.event()).collect();
            snapshot.push(json!({ "type": "snapshot", "orders": orders }));
            Vec::new()
        }
        "heartbeats" => vec!["heartbeats".to_owned()],
        "candles" => {
            let markets = venue.markets.iter();
            let markets = markets.filter(|m| products.contains(&m.symbol.dashed().as_str()));
            snapshot.extend(markets.filter_map(|market| newest(market, "snapshot")));
            products.iter().map(|product| stream_of(product)).collect()
        }
        _ => return Err("channel not supported"),
    };
    let Some(listener) = venue.hub.get(connection) else { return Ok(()) };
    if channel == "user" {
        listener.user = wanted.then_some(UserSubscription { wrapped: false, sequence: None });
    }
    for stream in subscribed {
        if wanted {
            listener.streams.insert(stream);
        } else {
            listener.streams.remove(&stream);
        }
    }
    let mut channels = json!({});
    if listener.user.is_some() {
        channels["user"] = json!(["simulated"]);
    }
    for stream in &listener.streams {
        match stream.split_once(' ') {
            None => channels[stream] = json!([stream]),
            Some((channel, product)) => {
                let mut products = channels[channel].as_array().cloned().unwrap_or_default();
                products.push(product.into());
                channels[channel] = products.into();
            }
        }
    }
    let confirmation = message("subscriptions", now_ms, vec![json!({ "subscriptions": channels })]);
    if wanted && !snapshot.is_empty() {
        venue.hub.tell(connection, &message(channel, now_ms, snapshot));
    }
    venue.hub.tell(connection, &confirmation);
    Ok(())
}
