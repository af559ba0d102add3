use axum::http::Method;
use serde_json::{Value, json};

use super::super::venue::Venue;
use super::parameters::Parameters;
use super::refusal::Refusal;
use super::render::{PlacedView, decimal, time};
use super::{order, public};

/// Answers a signed request.
pub(super) fn respond(
    venue: &mut Venue,
    method: &Method,
    name: &str,
    parameters: &Parameters,
) -> Result<Value, Refusal> {
    match (method.as_str(), name) {
        ("POST", "orders") => order::create(venue, parameters),
        ("POST", "orders/batch_cancel") => order::cancel(venue, parameters),
        ("GET", "orders/historical/batch") => order::list(venue, parameters),
        ("GET", "orders/historical/fills") => order::fills(venue, parameters),
        ("GET", "accounts") => accounts(venue, parameters),
        ("GET", "key_permissions") => Ok(json!({
            "can_view": true, "can_trade": true, "can_transfer": false,
            "portfolio_uuid": "simulated", "portfolio_type": "DEFAULT",
        })),
        ("GET", "transaction_summary") => Ok(json!({
            "total_volume": 0, "total_fees": 0,
            "fee_tier": {
                "pricing_tier": "", "usd_from": "0", "usd_to": "10000",
                "taker_fee_rate": "0.001", "maker_fee_rate": "0.001",
            },
        })),
        ("GET", name) => match name.strip_prefix("orders/historical/") {
            Some(id) => {
                let view = PlacedView::find(venue, id);
                let view = view.ok_or_else(|| {
                    Refusal::not_found(&format!("order with this orderID was not found: {id}"))
                })?;
                Ok(json!({ "order": view.order() }))
            }
            // Questions about markets may be signed too.
            None => public::respond(venue, name, parameters),
        },
        _ => Err(Refusal::not_found("no such path at this simulated venue")),
    }
}

fn accounts(venue: &Venue, parameters: &Parameters) -> Result<Value, Refusal> {
    let balances = venue.ledger.balances();
    let now = time(venue.now_ms());
    let account = |(number, balance): (usize, &tradepulse_core::exchange::Balance)| {
        let currency = balance.currency.as_str();
        let money = |value| json!({ "value": decimal(value), "currency": currency });
        json!({
            "uuid": format!("10000000-0000-4000-8000-{number:012}"),
            "name": format!("{currency} Wallet"), "currency": currency,
            "available_balance": money(balance.free), "default": true, "active": true,
            "created_at": now, "updated_at": now, "deleted_at": null,
            "type": "ACCOUNT_TYPE_CRYPTO", "ready": true, "hold": money(balance.locked),
            "retail_portfolio_id": "simulated",
        })
    };
    let accounts: Vec<Value> = balances.iter().enumerate().map(account).collect();
    let (accounts, cursor) = parameters.page(accounts)?;
    Ok(json!({
        "size": accounts.len(), "accounts": accounts, "has_next": !cursor.is_empty(),
        "cursor": cursor,
    }))
}
