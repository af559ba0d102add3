use rust_decimal::Decimal;
use serde_json::{Map, Value, json};
use tradepulse_core::market::{Candle, Symbol};
use tradepulse_core::money::Price;
use tradepulse_core::time::{Timeframe, Timestamp};

use super::super::market::Market;
use super::super::venue::Venue;
use super::form::Form;
use super::refusal::Refusal;

/// As many candles as there are of a length.
const MOST_CANDLES: usize = 720;

/// Answers what needs no key.
pub(super) fn respond(venue: &Venue, name: &str, form: &Form) -> Result<Value, Refusal> {
    let now_ms = venue.now_ms();
    match name {
        "Time" => Ok(json!({ "unixtime": now_ms / 1_000, "rfc1123": "" })),
        "SystemStatus" => Ok(json!({
            "status": "online", "timestamp": Timestamp::from_ms(now_ms).to_string(),
        })),
        "Assets" => Ok(assets(venue)),
        "AssetPairs" => asset_pairs(venue, form),
        "OHLC" => ohlc(market(venue, form)?, form),
        "Ticker" => per_market(venue, form, ticker),
        "Depth" => per_market(venue, form, |market| {
            let level = json!([[last(market), "1000.000", now_ms / 1_000]]);
            json!({ "asks": level, "bids": level })
        }),
        _ => Err(Refusal::new("EGeneral:Unknown method")),
    }
}

/// The venue's short name of a currency, and its long one.
pub(super) fn asset(currency: &str) -> (&str, String) {
    let short = match currency {
        "BTC" => "XBT",
        "DOGE" => "XDG",
        other => other,
    };
    let long = match short {
        "ETC" | "ETH" | "LTC" | "XBT" | "XDG" | "XLM" | "XMR" | "XRP" | "ZEC" => {
            format!("X{short}")
        }
        "AUD" | "CAD" | "EUR" | "GBP" | "JPY" | "USD" => format!("Z{short}"),
        _ => short.to_owned(),
    };
    (short, long)
}

/// `XBTUSD`.
pub(super) fn altname(symbol: &Symbol) -> String {
    format!("{}{}", asset(symbol.base()).0, asset(symbol.quote()).0)
}

/// `XXBTZUSD` where both currencies have long names, else as [`altname`].
fn key(symbol: &Symbol) -> String {
    let ((base, long_base), (quote, long_quote)) = (asset(symbol.base()), asset(symbol.quote()));
    if base != long_base && quote != long_quote {
        format!("{long_base}{long_quote}")
    } else {
        altname(symbol)
    }
}

/// The market of any of its names.
pub(super) fn named<'a>(venue: &'a Venue, name: &str) -> Result<&'a Market, Refusal> {
    let is_it = |market: &&Market| {
        let symbol = &market.symbol;
        let websocket = format!("{}/{}", asset(symbol.base()).0, asset(symbol.quote()).0);
        name == altname(symbol)
            || name == key(symbol)
            || name == websocket
            || name == symbol.as_str()
            || name == market.name
    };
    venue.markets.iter().find(is_it).ok_or_else(Refusal::no_such_pair)
}

/// The market that a request names.
pub(super) fn market<'a>(venue: &'a Venue, form: &Form) -> Result<&'a Market, Refusal> {
    named(venue, form.require("pair")?)
}

/// Of the markets that are named, or of all.
fn per_market(venue: &Venue, form: &Form, of: impl Fn(&Market) -> Value) -> Result<Value, Refusal> {
    let markets: Vec<&Market> = match form.get("pair") {
        Some(names) => names.split(',').map(|name| named(venue, name)).collect::<Result<_, _>>()?,
        None => venue.markets.iter().collect(),
    };
    let all = markets.into_iter().map(|market| (key(&market.symbol), of(market)));
    Ok(Value::Object(all.collect()))
}

fn assets(venue: &Venue) -> Value {
    let mut assets = Map::new();
    for market in &venue.markets {
        for currency in [market.symbol.base(), market.symbol.quote()] {
            let (short, long) = asset(currency);
            let value = json!({
                "aclass": "currency", "altname": short, "decimals": 10, "display_decimals": 5,
                "status": "enabled",
            });
            assets.insert(long, value);
        }
    }
    Value::Object(assets)
}

/// How many places a step has.
fn places(step: Option<Decimal>) -> u32 {
    step.map_or(8, |step| step.normalize().scale())
}

fn asset_pairs(venue: &Venue, form: &Form) -> Result<Value, Refusal> {
    per_market(venue, form, |market| {
        let (base, quote) = (asset(market.symbol.base()), asset(market.symbol.quote()));
        let rules = &market.rules;
        let text = |value: Option<Decimal>| value.unwrap_or_default().normalize().to_string();
        json!({
            "altname": altname(&market.symbol), "wsname": format!("{}/{}", base.0, quote.0),
            "aclass_base": "currency", "base": base.1, "aclass_quote": "currency",
            "quote": quote.1, "lot": "unit", "cost_decimals": 5,
            "pair_decimals": places(rules.price_tick.map(Decimal::from)),
            "lot_decimals": places(rules.instrument.quantity_step.map(Decimal::from)),
            "lot_multiplier": 1, "leverage_buy": [], "leverage_sell": [], "fees": [[0, 0.1]],
            "fees_maker": [[0, 0.1]], "fee_volume_currency": "ZUSD", "margin_call": 80,
            "margin_stop": 40, "ordermin": text(rules.instrument.min_quantity.map(Decimal::from)),
            "costmin": text(rules.instrument.min_notional.map(Decimal::from)),
            "tick_size": text(rules.price_tick.map(Decimal::from)), "status": "online",
        })
    })
}

/// The latest candles, those after `since`; the last is the one that is still open.
fn ohlc(market: &Market, form: &Form) -> Result<Value, Refusal> {
    let minutes = form.read::<i64>("interval")?.unwrap_or(1);
    let known = matches!(minutes, 1 | 5 | 15 | 30 | 60 | 240 | 1_440 | 10_080 | 21_600);
    let wrong = || Refusal::argument("interval");
    let timeframe = minutes.checked_mul(60_000).filter(|_| known);
    let timeframe = Timeframe::from_ms(timeframe.ok_or_else(wrong)?).map_err(|_| wrong())?;
    let mut candles = market.candles(timeframe, None, None, MOST_CANDLES).ok_or_else(wrong)?;
    // Where time stands still, nothing has come of the open candle yet.
    let closed = candles.last().is_some_and(|last| {
        let formed = market.forming.is_some_and(|open| open.open_time >= last.open_time);
        let newest = market.candles.last().map_or(i64::MIN, |c| c.open_time.as_ms());
        let end = last.open_time.as_ms() + timeframe.as_ms();
        !formed && newest + market.timeframe.as_ms() >= end
    });
    if closed && let Some(last) = candles.last().copied() {
        let open_time = Timestamp::from_ms(last.open_time.as_ms() + timeframe.as_ms());
        let price = last.close;
        candles.push(Candle {
            open_time,
            open: price,
            high: price,
            low: price,
            close: price,
            volume: 0.0,
        });
        candles.drain(..candles.len().saturating_sub(MOST_CANDLES));
    }
    let until = candles.len().checked_sub(2).and_then(|at| candles.get(at));
    let until = until.map_or(0, |candle| candle.open_time.as_ms() / 1_000);
    let since = form.read::<i64>("since")?.unwrap_or(i64::MIN);
    let rows = candles.iter().filter(|candle| candle.open_time.as_ms() / 1_000 > since);
    let rows: Value = rows.map(row).collect();
    Ok(json!({ key(&market.symbol): rows, "last": until }))
}

fn row(candle: &Candle) -> Value {
    let figure = |value: f64| value.to_string();
    json!([
        candle.open_time.as_ms() / 1_000,
        figure(candle.open),
        figure(candle.high),
        figure(candle.low),
        figure(candle.close),
        figure(candle.close),
        figure(candle.volume),
        i32::from(candle.volume > 0.0),
    ])
}

/// The last price as text.
pub(super) fn last(market: &Market) -> String {
    market.last().map_or_else(|| "0".to_owned(), |price: Price| price.to_string())
}

/// There is no spread: bid and ask are the last price.
fn ticker(market: &Market) -> Value {
    let last = last(market);
    let candle = market.forming.as_ref().or(market.candles.last());
    let of = |figure: fn(&Candle) -> f64| {
        let text = candle.map_or(0.0, figure).to_string();
        json!([text, text])
    };
    json!({
        "a": [last, "1000", "1000.000"], "b": [last, "1000", "1000.000"],
        "c": [last, "0.00000000"], "v": of(|candle| candle.volume), "p": of(|candle| candle.close),
        "t": [1, 1], "l": of(|candle| candle.low), "h": of(|candle| candle.high),
        "o": candle.map_or(0.0, |candle| candle.open).to_string(),
    })
}
