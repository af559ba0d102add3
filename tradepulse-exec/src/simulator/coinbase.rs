//! The dialect of Coinbase Advanced Trade.

mod account;
mod filters;
mod order;
mod parameters;
mod public;
mod refusal;
mod render;
mod signature;
mod stream;

pub(super) use refusal::{failure, limited};
pub(super) use render::{events, order_id};
pub(super) use stream::{candle_event, hear, heartbeat};

use axum::http::Method;
use serde_json::Value;

use super::server::{Answer, Request};
use super::venue::Venue;
use parameters::Parameters;
use refusal::Refusal;

/// Carries out a request.
pub(super) fn respond(venue: &mut Venue, request: &Request) -> Answer {
    match route(venue, request) {
        Ok(body) => Answer { status: 200, body, retry_after_s: None },
        Err(refusal) => refusal.into_answer(),
    }
}

fn route(venue: &mut Venue, request: &Request) -> Result<Value, Refusal> {
    let now_ms = venue.now_ms();
    if !venue.limits.admit(now_ms, 1, 0) {
        return Err(Refusal::too_many_requests());
    }
    let name = request.path.strip_prefix("/api/v3/brokerage/");
    let name = name.ok_or_else(|| Refusal::not_found("no such path at this simulated venue"))?;
    let parameters = Parameters::of(request)?;
    if request.method == Method::GET {
        if name == "time" {
            return Ok(public::time(now_ms));
        }
        if let Some(market) = name.strip_prefix("market/") {
            return public::respond(venue, market, &parameters);
        }
    }
    signature::check(venue, request)?;
    account::respond(venue, &request.method, name, &parameters)
}
