//! The dialect of Kraken.

mod account;
mod form;
mod order;
mod public;
mod refusal;
mod render;
mod signature;
mod stream;

pub(super) use render::{events, order_id};
pub(super) use stream::{candle_event, hear};

use axum::http::Method;
use serde_json::{Value, json};

use super::fault::HttpFault;
use super::server::{Answer, Request};
use super::venue::Venue;
use form::Form;
use refusal::Refusal;

/// Carries out a request.
pub(super) fn respond(venue: &mut Venue, request: &Request) -> Answer {
    answer(route(venue, request))
}

/// Everything is answered with 200; errors are a list beside the result.
fn answer(result: Result<Value, Refusal>) -> Answer {
    let body = match result {
        Ok(result) => json!({ "error": [], "result": result }),
        Err(Refusal(error)) => json!({ "error": [error] }),
    };
    Answer { status: 200, body, retry_after_s: None }
}

fn route(venue: &mut Venue, request: &Request) -> Result<Value, Refusal> {
    let form = Form::of(request);
    if let Some(name) = request.path.strip_prefix("/0/public/") {
        return public::respond(venue, name, &form);
    }
    let name = request.path.strip_prefix("/0/private/").filter(|_| request.method == Method::POST);
    let name = name.ok_or_else(|| Refusal::new("EGeneral:Unknown method"))?;
    signature::check(venue, request, &form)?;
    if !venue.limits.admit(venue.now_ms(), weight(name), 0) {
        return Err(Refusal::new("EAPI:Rate limit exceeded"));
    }
    account::respond(venue, name, &form)
}

/// What a request adds to the account's counter; orders have limits of their own.
fn weight(name: &str) -> u64 {
    match name {
        "AddOrder" | "CancelOrder" | "CancelAll" => 0,
        "TradesHistory" | "QueryTrades" | "ClosedOrders" => 2,
        _ => 1,
    }
}

/// Whether a request changes something: faults are for these.
pub(super) fn changes(path: &str) -> bool {
    matches!(path, "/0/private/AddOrder" | "/0/private/CancelOrder" | "/0/private/CancelAll")
}

/// What a request is answered with that goes wrong.
pub(super) fn failure(fault: HttpFault, now_ms: i64) -> Answer {
    let refused = |error: &str| answer(Err(Refusal::new(error)));
    match fault {
        HttpFault::TimeoutAfter => refused("EService:Timeout"),
        HttpFault::RateLimited { retry_after_s } => {
            let until = now_ms / 1_000 + i64::from(retry_after_s);
            refused(&format!("EService:Throttled: {until}"))
        }
        HttpFault::Banned { .. } => refused("EGeneral:Temporary lockout"),
        HttpFault::ErrorBefore | HttpFault::ErrorAfter | HttpFault::AnswerLost => {
            Answer { status: 503, ..refused("EService:Unavailable") }
        }
    }
}
