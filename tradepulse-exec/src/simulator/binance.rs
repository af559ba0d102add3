//! The dialect of Binance.

mod account;
mod filters;
mod futures;
mod order;
mod pair;
mod parameters;
mod public;
mod refusal;
mod render;
mod signature;
mod stream;

pub(super) use parameters::decode;
pub(super) use render::events;
pub(super) use stream::{call_by_stream, kline_event, subscribe};

use axum::http::Method;
use serde_json::Value;

use super::server::{Answer, Request};
use super::settings::Dialect;
use super::venue::Venue;
use parameters::Parameters;
use refusal::Refusal;

/// Carries out a request.
pub(super) fn respond(venue: &mut Venue, request: &Request) -> Answer {
    match route(venue, request) {
        Ok(body) => Answer { status: 200, body, retry_after_s: None },
        Err(refusal) => refusal.into_answer(venue.now_ms()),
    }
}

fn route(venue: &mut Venue, request: &Request) -> Result<Value, Refusal> {
    let parameters = Parameters::of(request);
    let path = request.path.trim_start_matches('/');
    let prefix = if venue.dialect == Dialect::BinanceUsdM { "fapi/v" } else { "api/v" };
    let name = path.strip_prefix(prefix).and_then(|rest| Some(rest.split_once('/')?.1));
    let name = match (venue.dialect, path) {
        (Dialect::Binance, "sapi/v1/account/apiRestrictions") => "apiRestrictions",
        _ => name.ok_or_else(Refusal::no_such_path)?,
    };
    let weight = weight(venue.dialect, name, &parameters);
    let orders = match (&request.method, name) {
        (&Method::POST, "order" | "algoOrder") => 1,
        (&Method::POST, "orderList/oco" | "order/oco") => 2,
        _ => 0,
    };
    if !venue.limits.admit(venue.now_ms(), weight, orders) {
        return Err(Refusal::too_many_requests(venue.limits.weight_limit));
    }
    if let Some(answer) = public::respond(venue, &request.method, name, &parameters) {
        return answer;
    }
    if matches!(name, "userDataStream" | "listenKey") {
        signature::check_key(venue, request)?;
        return stream::listen_key(venue, &request.method, name, &parameters);
    }
    signature::check(venue, request, &parameters)?;
    if venue.dialect == Dialect::BinanceUsdM {
        futures::respond(venue, &request.method, name, &parameters)
    } else {
        account::respond(venue, &request.method, name, &parameters)
    }
}

/// What a request weighs.
fn weight(dialect: Dialect, name: &str, parameters: &Parameters) -> u64 {
    let limit = parameters.get("limit").and_then(|limit| limit.parse::<u32>().ok());
    match (dialect, name) {
        (Dialect::BinanceUsdM, "klines") => match limit.unwrap_or(500) {
            ..100 => 1,
            100..500 => 2,
            500..=1_000 => 5,
            _ => 10,
        },
        (Dialect::BinanceUsdM, "balance" | "positionRisk" | "account" | "userTrades") => 5,
        (Dialect::BinanceUsdM, _) => 1,
        (_, "exchangeInfo" | "account" | "allOrders") => 20,
        (_, "myTrades") if parameters.get("orderId").is_some() => 5,
        (_, "myTrades") => 20,
        (_, "openOrders") => 6,
        (_, "order" | "orderList") => 4,
        (_, "klines" | "ticker/bookTicker" | "ticker/price" | "ticker/24hr" | "userDataStream") => {
            2
        }
        _ => 1,
    }
}
