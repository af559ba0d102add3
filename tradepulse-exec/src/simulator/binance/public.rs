use axum::http::Method;
use serde_json::{Value, json};
use tradepulse_core::market::Candle;
use tradepulse_core::time::{Timeframe, Timestamp};

use super::super::market::Market;
use super::super::settings::Dialect;
use super::super::venue::Venue;
use super::filters;
use super::parameters::Parameters;
use super::refusal::Refusal;
use super::render::{decimal, figure};

/// Answers what needs no key; `None` for everything else.
pub(super) fn respond(
    venue: &Venue,
    method: &Method,
    name: &str,
    parameters: &Parameters,
) -> Option<Result<Value, Refusal>> {
    if method != Method::GET {
        return None;
    }
    Some(match name {
        "ping" => Ok(json!({})),
        "time" => Ok(json!({ "serverTime": venue.now_ms() })),
        "exchangeInfo" => exchange_info(venue, parameters),
        "klines" | "uiKlines" => klines(venue, parameters),
        "ticker/bookTicker" => per_market(venue, parameters, book_ticker),
        "ticker/price" => per_market(venue, parameters, price_ticker),
        "ticker/24hr" => per_market(venue, parameters, day_ticker),
        "depth" => market(venue, parameters).map(|market| depth(market, venue.now_ms())),
        _ => return None,
    })
}

/// The market that a request names.
pub(super) fn market<'a>(venue: &'a Venue, parameters: &Parameters) -> Result<&'a Market, Refusal> {
    venue.market(parameters.require("symbol")?).ok_or_else(Refusal::no_such_symbol)
}

fn exchange_info(venue: &Venue, parameters: &Parameters) -> Result<Value, Refusal> {
    let futures = venue.dialect == Dialect::BinanceUsdM;
    let markets: Vec<&Market> = match parameters.get("symbol") {
        Some(_) => vec![market(venue, parameters)?],
        None => venue.markets.iter().collect(),
    };
    let symbols: Vec<Value> = markets
        .into_iter()
        .map(|market| {
            let (base, quote) = (market.symbol.base(), market.symbol.quote());
            let filters = filters::list(&market.rules, futures);
            if futures {
                json!({
                    "symbol": market.name, "pair": market.name, "contractType": "PERPETUAL",
                    "deliveryDate": 4_133_404_800_000_i64, "onboardDate": 1_569_398_400_000_i64,
                    "status": "TRADING", "baseAsset": base, "quoteAsset": quote,
                    "marginAsset": quote, "pricePrecision": 2, "quantityPrecision": 5,
                    "baseAssetPrecision": 8, "quotePrecision": 8, "underlyingType": "COIN",
                    "underlyingSubType": [], "filters": filters,
                    "orderTypes": ["LIMIT", "MARKET", "STOP", "STOP_MARKET"],
                    "timeInForce": ["GTC", "IOC", "FOK"],
                })
            } else {
                json!({
                    "symbol": market.name, "status": "TRADING", "baseAsset": base,
                    "baseAssetPrecision": 8, "quoteAsset": quote, "quotePrecision": 8,
                    "quoteAssetPrecision": 8, "baseCommissionPrecision": 8,
                    "quoteCommissionPrecision": 8,
                    "orderTypes": [
                        "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT"
                    ],
                    "icebergAllowed": false, "ocoAllowed": true, "otoAllowed": false,
                    "opoAllowed": false, "quoteOrderQtyMarketAllowed": true,
                    "allowTrailingStop": false, "cancelReplaceAllowed": false,
                    "amendAllowed": false, "pegInstructionsAllowed": false,
                    "isSpotTradingAllowed": true, "isMarginTradingAllowed": false,
                    "filters": filters, "permissions": [], "permissionSets": [["SPOT"]],
                    "defaultSelfTradePreventionMode": "NONE",
                    "allowedSelfTradePreventionModes": ["NONE"],
                })
            }
        })
        .collect();
    Ok(json!({
        "timezone": "UTC",
        "serverTime": venue.now_ms(),
        "rateLimits": [
            {
                "rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1,
                "limit": venue.limits.weight_limit,
            },
            { "rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100 },
        ],
        "exchangeFilters": [],
        "symbols": symbols,
    }))
}

fn klines(venue: &Venue, parameters: &Parameters) -> Result<Value, Refusal> {
    let market = market(venue, parameters)?;
    let invalid = || Refusal::new(-1120, "Invalid interval.");
    let timeframe: Timeframe = parameters.require("interval")?.parse().map_err(|_| invalid())?;
    let most = if venue.dialect == Dialect::BinanceUsdM { 1_500 } else { 1_000 };
    let limit = parameters.read::<usize>("limit")?.unwrap_or(500).min(most);
    let time = |name| parameters.read::<i64>(name).map(|ms| ms.map(Timestamp::from_ms));
    let candles = market
        .candles(timeframe, time("startTime")?, time("endTime")?, limit)
        .ok_or_else(invalid)?;
    Ok(candles.iter().map(|candle| kline(candle, timeframe)).collect())
}

fn kline(candle: &Candle, timeframe: Timeframe) -> Value {
    let open_ms = candle.open_time.as_ms();
    let quote_volume = figure(candle.volume * candle.close);
    json!([
        open_ms,
        figure(candle.open),
        figure(candle.high),
        figure(candle.low),
        figure(candle.close),
        figure(candle.volume),
        open_ms + timeframe.as_ms() - 1,
        quote_volume,
        1,
        "0",
        "0",
        "0",
    ])
}

/// Of the market that is named, or of all.
fn per_market(
    venue: &Venue,
    parameters: &Parameters,
    ticker: fn(&Market, i64) -> Value,
) -> Result<Value, Refusal> {
    let now_ms = venue.now_ms();
    if parameters.get("symbol").is_some() {
        return market(venue, parameters).map(|market| ticker(market, now_ms));
    }
    Ok(venue.markets.iter().map(|market| ticker(market, now_ms)).collect())
}

fn last(market: &Market) -> String {
    market.last().map_or_else(|| "0.00000000".to_owned(), decimal)
}

/// There is no spread: bid and ask are the last price.
fn book_ticker(market: &Market, now_ms: i64) -> Value {
    let last = last(market);
    json!({
        "symbol": market.name, "bidPrice": last, "bidQty": "1000.00000000",
        "askPrice": last, "askQty": "1000.00000000", "time": now_ms,
    })
}

fn price_ticker(market: &Market, now_ms: i64) -> Value {
    json!({ "symbol": market.name, "price": last(market), "time": now_ms })
}

fn day_ticker(market: &Market, now_ms: i64) -> Value {
    let day = market.day();
    let high = day.iter().map(|c| c.high).fold(f64::NEG_INFINITY, f64::max);
    let low = day.iter().map(|c| c.low).fold(f64::INFINITY, f64::min);
    let open = day.first().map_or(0.0, |c| c.open);
    let close = day.last().map_or(0.0, |c| c.close);
    let volume: f64 = day.iter().map(|c| c.volume).sum();
    let last = last(market);
    json!({
        "symbol": market.name, "priceChange": figure(close - open),
        "priceChangePercent": figure(if open > 0.0 { (close / open - 1.0) * 100.0 } else { 0.0 }),
        "weightedAvgPrice": figure(close), "prevClosePrice": figure(open), "lastPrice": last,
        "lastQty": "0.00000000", "bidPrice": last, "bidQty": "1000.00000000", "askPrice": last,
        "askQty": "1000.00000000", "openPrice": figure(open),
        "highPrice": figure(if day.is_empty() { 0.0 } else { high }),
        "lowPrice": figure(if day.is_empty() { 0.0 } else { low }),
        "volume": figure(volume), "quoteVolume": figure(volume * close),
        "openTime": now_ms - 86_400_000, "closeTime": now_ms, "firstId": 0, "lastId": 0,
        "count": day.len(),
    })
}

fn depth(market: &Market, now_ms: i64) -> Value {
    let level = json!([[last(market), "1000.00000000"]]);
    json!({ "lastUpdateId": now_ms, "E": now_ms, "T": now_ms, "bids": level, "asks": level })
}
