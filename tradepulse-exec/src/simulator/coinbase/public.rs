use serde_json::{Value, json};
use tradepulse_core::market::Candle;
use tradepulse_core::time::{Timeframe, Timestamp};

use super::super::market::Market;
use super::super::venue::Venue;
use super::parameters::Parameters;
use super::refusal::Refusal;
use super::render::{decimal, time as written};

/// Most candles of an answer.
const MOST_CANDLES: i64 = 350;

pub(super) fn time(now_ms: i64) -> Value {
    json!({
        "iso": written(now_ms), "epochSeconds": now_ms.div_euclid(1_000).to_string(),
        "epochMillis": now_ms.to_string(),
    })
}

/// Answers questions about markets, which need no key.
pub(super) fn respond(
    venue: &Venue,
    name: &str,
    parameters: &Parameters,
) -> Result<Value, Refusal> {
    let now_ms = venue.now_ms();
    let parts: Vec<&str> = name.split('/').collect();
    match parts.as_slice() {
        ["products"] => {
            let wanted = |market: &&Market| {
                let mut ids = parameters.all("product_ids").peekable();
                ids.peek().is_none() || ids.any(|id| id == market.symbol.dashed())
            };
            let spot = parameters.get("product_type").is_none_or(|kind| kind == "SPOT");
            let markets = venue.markets.iter().filter(wanted).filter(|_| spot);
            let products: Vec<Value> = markets.map(product).collect();
            Ok(json!({ "num_products": products.len(), "products": products }))
        }
        ["products", id] => Ok(product(market(venue, id)?)),
        ["products", id, "candles"] => candles(market(venue, id)?, parameters),
        ["products", id, "ticker"] => Ok(ticker(market(venue, id)?, now_ms)),
        ["product_book"] => {
            let id = parameters.get("product_id").ok_or_else(|| Refusal::missing("product_id"))?;
            let market = market(venue, id)?;
            let last = last(market);
            Ok(json!({
                "pricebook": book(market, now_ms), "last": last, "mid_market": last,
                "spread_bps": "0", "spread_absolute": "0",
            }))
        }
        ["best_bid_ask"] => {
            let wanted = |market: &&Market| {
                let mut ids = parameters.all("product_ids").peekable();
                ids.peek().is_none() || ids.any(|id| id == market.symbol.dashed())
            };
            let books = venue.markets.iter().filter(wanted).map(|market| book(market, now_ms));
            Ok(json!({ "pricebooks": books.collect::<Vec<_>>() }))
        }
        _ => Err(Refusal::not_found("no such path at this simulated venue")),
    }
}

/// The market of this name.
pub(super) fn market<'a>(venue: &'a Venue, product_id: &str) -> Result<&'a Market, Refusal> {
    let found = venue.markets.iter().find(|market| market.symbol.dashed() == product_id);
    found.ok_or_else(Refusal::no_such_product)
}

fn last(market: &Market) -> String {
    market.last().map_or_else(String::new, decimal)
}

fn product(market: &Market) -> Value {
    let (symbol, instrument) = (&market.symbol, &market.rules.instrument);
    let id = symbol.dashed();
    let tick = market.rules.price_tick.map_or_else(|| "0.00000001".to_owned(), decimal);
    let step = instrument.quantity_step.map_or_else(|| "0.00000001".to_owned(), decimal);
    let day = market.day();
    let volume: f64 = day.iter().map(|candle| candle.volume).sum();
    let change = match (day.first(), day.last()) {
        (Some(first), Some(last)) => (last.close / first.open - 1.0) * 100.0,
        _ => 0.0,
    };
    json!({
        "product_id": id, "price": last(market), "price_percentage_change_24h": change.to_string(),
        "volume_24h": volume.to_string(), "volume_percentage_change_24h": "0",
        "base_increment": step, "quote_increment": tick,
        "quote_min_size": decimal(instrument.min_notional.unwrap_or_default()),
        "quote_max_size": "150000000",
        "base_min_size": decimal(instrument.min_quantity.unwrap_or_default()),
        "base_max_size": "9000000", "base_name": symbol.base(), "quote_name": symbol.quote(),
        "watched": false, "is_disabled": false, "new": false, "status": "online",
        "cancel_only": false, "limit_only": false, "post_only": false, "trading_disabled": false,
        "auction_mode": false, "product_type": "SPOT", "quote_currency_id": symbol.quote(),
        "base_currency_id": symbol.base(), "fcm_trading_session_details": null,
        "mid_market_price": "", "alias": "", "alias_to": [], "base_display_symbol": symbol.base(),
        "quote_display_symbol": symbol.quote(), "view_only": false, "price_increment": tick,
        "display_name": id, "product_venue": "CBE",
    })
}

/// There is no spread: bid and ask are the last price.
fn book(market: &Market, now_ms: i64) -> Value {
    let level = json!([{ "price": last(market), "size": "1000" }]);
    json!({
        "product_id": market.symbol.dashed(), "bids": level, "asks": level,
        "time": written(now_ms),
    })
}

fn ticker(market: &Market, now_ms: i64) -> Value {
    let last = last(market);
    json!({
        "trades": [{
            "trade_id": "1", "product_id": market.symbol.dashed(), "price": last, "size": "1",
            "time": written(now_ms), "side": "BUY", "bid": "", "ask": "",
        }],
        "best_bid": last, "best_ask": last,
    })
}

fn timeframe(granularity: &str) -> Option<Timeframe> {
    let minutes = match granularity {
        "ONE_MINUTE" => 1,
        "FIVE_MINUTE" => 5,
        "FIFTEEN_MINUTE" => 15,
        "THIRTY_MINUTE" => 30,
        "ONE_HOUR" => 60,
        "TWO_HOUR" => 120,
        "SIX_HOUR" => 360,
        "ONE_DAY" => 1_440,
        _ => return None,
    };
    Timeframe::from_ms(minutes * 60_000).ok()
}

/// Candles between two times in seconds, newest first.
fn candles(market: &Market, parameters: &Parameters) -> Result<Value, Refusal> {
    let required = |name: &str| parameters.number(name)?.ok_or_else(|| Refusal::missing(name));
    let granularity = parameters.get("granularity").and_then(timeframe);
    let timeframe = granularity.ok_or_else(|| Refusal::invalid("granularity is not supported"))?;
    let (start, end) = (required("start")?, required("end")?);
    let length_s = timeframe.as_ms() / 1_000;
    if end < start || (end - start) / length_s >= MOST_CANDLES {
        let message = "number of candles requested should be less than 350";
        return Err(Refusal::invalid(message));
    }
    let most = parameters.number("limit")?.unwrap_or(MOST_CANDLES).min(MOST_CANDLES);
    let at = |seconds: i64| Some(Timestamp::from_ms(seconds.saturating_mul(1_000)));
    let most = usize::try_from(most).unwrap_or_default();
    let found = market.candles(timeframe, at(start), at(end), most);
    let found = found.ok_or_else(|| Refusal::invalid("granularity is not supported"))?;
    let candles: Vec<Value> = found.iter().rev().map(candle).collect();
    Ok(json!({ "candles": candles }))
}

pub(super) fn candle(candle: &Candle) -> Value {
    json!({
        "start": candle.open_time.as_ms().div_euclid(1_000).to_string(),
        "low": candle.low.to_string(), "high": candle.high.to_string(),
        "open": candle.open.to_string(), "close": candle.close.to_string(),
        "volume": candle.volume.to_string(),
    })
}
