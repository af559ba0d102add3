use std::str::FromStr;

use serde_json::{Value, json};
use tradepulse_core::money::{Price, Quantity};
use tradepulse_core::order::Side;

use super::super::ledger::{NewOrder, NewPair, OrderType};
use super::super::market::Market;
use super::super::venue::Venue;
use super::parameters::Parameters;
use super::refusal::{OrderRefusal, Refusal};
use super::render::{self, PlacedView};
use super::{filters, public};

/// Takes an order, or says why not.
pub(super) fn create(venue: &mut Venue, parameters: &Parameters) -> Result<Value, Refusal> {
    let body = &parameters.body;
    let text = |name: &str| body[name].as_str().filter(|text| !text.is_empty());
    let required = |name: &str| text(name).ok_or_else(|| Refusal::missing(name));
    let client_id = required("client_order_id")?.to_owned();
    let product_id = required("product_id")?;
    let side = match required("side")? {
        "BUY" => Side::Long,
        "SELL" => Side::Short,
        _ => return Err(Refusal::invalid("side is BUY or SELL")),
    };
    let configuration = &body["order_configuration"];
    // An id that was used brings back the order that it was used for.
    let used = PlacedView::all(venue).find(|view| view.client_id() == client_id);
    if let Some(view) = used {
        return Ok(view.success());
    }
    let placed = place(venue, product_id, side, &client_id, configuration, body);
    Ok(match placed {
        Ok(()) => {
            let view = PlacedView::all(venue).find(|view| view.client_id() == client_id);
            view.map_or(Value::Null, |view| view.success())
        }
        Err(refusal) => refusal.answer(configuration),
    })
}

fn place(
    venue: &mut Venue,
    product_id: &str,
    side: Side,
    client_id: &str,
    configuration: &Value,
    body: &Value,
) -> Result<(), OrderRefusal> {
    let invalid = |what: &str| OrderRefusal::new("INVALID_REQUEST", what);
    let market = public::market(venue, product_id)
        .map_err(|_| OrderRefusal::new("INVALID_PRODUCT_ID", "invalid product_id"))?;
    let last = market.last().ok_or_else(|| {
        OrderRefusal::new("ORDER_ENTRY_DISABLED", "there is no price of this market")
    })?;
    if !body["attached_order_configuration"].is_null() {
        return Err(OrderRefusal::unsupported("attached orders are not simulated"));
    }
    let kinds = configuration.as_object().into_iter().flatten();
    let mut kinds = kinds.filter(|(_, value)| !value.is_null());
    let (Some((kind, terms)), None) = (kinds.next(), kinds.next()) else {
        return Err(invalid("The order configuration was invalid"));
    };
    let order = |kind, time_in_force, quantity, price, trigger| NewOrder {
        client_id: client_id.to_owned(),
        symbol: market.symbol.clone(),
        side,
        kind,
        time_in_force,
        quantity,
        price,
        trigger,
        reduce_only: false,
    };
    let size = || read::<Quantity>(terms, "base_size");
    let limit = || read::<Price>(terms, "limit_price").map(Some);
    let new = match kind.as_str() {
        "market_market_ioc" | "market_market_fok" => {
            let quantity = match terms["quote_size"].as_str() {
                Some(_) if side == Side::Long => bought(market, last, read(terms, "quote_size")?),
                _ => size()?,
            };
            order(OrderType::Market, "GTC", quantity, None, None)
        }
        "limit_limit_gtc" => {
            let new = order(OrderType::Limit, "GTC", size()?, limit()?, None);
            let crosses = match side {
                Side::Long => new.price >= Some(last),
                Side::Short => new.price <= Some(last),
            };
            if terms["post_only"] == true && crosses {
                return Err(OrderRefusal::new("INVALID_LIMIT_PRICE_POST_ONLY", "Post only mode"));
            }
            new
        }
        "sor_limit_ioc" => order(OrderType::Limit, "IOC", size()?, limit()?, None),
        "limit_limit_fok" => order(OrderType::Limit, "FOK", size()?, limit()?, None),
        "stop_limit_stop_limit_gtc" => {
            let direction = match side {
                Side::Long => "STOP_DIRECTION_STOP_UP",
                Side::Short => "STOP_DIRECTION_STOP_DOWN",
            };
            if terms["stop_direction"] != direction {
                return Err(OrderRefusal::unsupported("stops trigger away from the market"));
            }
            let trigger = Some(read(terms, "stop_price")?);
            order(OrderType::StopLimit, "GTC", size()?, limit()?, trigger)
        }
        "trigger_bracket_gtc" => {
            let trigger = Some(read(terms, "stop_trigger_price")?);
            let target = order(OrderType::Limit, "GTC", size()?, limit()?, None);
            let stop = order(OrderType::Stop, "GTC", target.quantity, None, trigger);
            return place_pair(
                venue,
                NewPair { client_id: client_id.to_owned(), stop, target },
                last,
            );
        }
        _ => return Err(OrderRefusal::unsupported("this configuration is not simulated")),
    };
    filters::check(market, &new, last)?;
    filters::check_trigger(&new, last)?;
    let now_ms = venue.now_ms();
    let placed = venue.ledger.place(new, last, now_ms);
    placed.map(drop).map_err(|error| OrderRefusal::of_venue(&error))
}

/// Takes a bracket: one order to its owner, two in the book.
fn place_pair(venue: &mut Venue, mut pair: NewPair, last: Price) -> Result<(), OrderRefusal> {
    if pair.stop.side == Side::Long {
        let message = "brackets sell what is held";
        return Err(OrderRefusal::new("PREVIEW_BRACKET_ORDER_NOT_SUPPORTED", message));
    }
    if pair.stop.trigger >= Some(last) || pair.target.price <= Some(last) {
        return Err(OrderRefusal::new("PREVIEW_INVALID_BRACKET_PRICES", ""));
    }
    let product_id = pair.stop.symbol.dashed();
    let market = public::market(venue, &product_id)
        .map_err(|_| OrderRefusal::new("INVALID_PRODUCT_ID", "invalid product_id"))?;
    filters::check(market, &pair.stop, last)?;
    filters::check(market, &pair.target, last)?;
    // The legs have no names of their own.
    pair.stop.client_id.push_str(" stop");
    pair.target.client_id.push_str(" target");
    let now_ms = venue.now_ms();
    let placed = venue.ledger.place_pair(pair, now_ms);
    placed.map(drop).map_err(|error| OrderRefusal::of_venue(&error))
}

fn read<T: FromStr>(terms: &Value, name: &str) -> Result<T, OrderRefusal> {
    let value = terms[name].as_str().and_then(|text| text.parse().ok());
    value.ok_or_else(|| OrderRefusal::new("INVALID_REQUEST", format!("{name} is no decimal")))
}

/// What an amount of money buys.
fn bought(market: &Market, last: Price, worth: Quantity) -> Quantity {
    let quantity = Quantity::from_f64(worth.to_f64() / last.to_f64()).unwrap_or_default();
    let step = market.rules.instrument.quantity_step;
    step.map_or(quantity, |step| quantity.floor_to(step))
}

/// Takes orders out of the book.
pub(super) fn cancel(venue: &mut Venue, parameters: &Parameters) -> Result<Value, Refusal> {
    let ids = parameters.body["order_ids"].as_array();
    let ids = ids.filter(|ids| !ids.is_empty()).ok_or_else(|| Refusal::missing("order_ids"))?;
    let now_ms = venue.now_ms();
    let mut results = Vec::with_capacity(ids.len());
    for id in ids.iter().filter_map(Value::as_str) {
        let number = PlacedView::find(venue, id).map(|view| view.number());
        let failure = match number {
            None => Some("UNKNOWN_CANCEL_ORDER"),
            Some(number) if venue.ledger.cancel(number, now_ms) => None,
            Some(_) => Some("INVALID_CANCEL_REQUEST"),
        };
        results.push(json!({
            "success": failure.is_none(),
            "failure_reason": failure.unwrap_or("UNKNOWN_CANCEL_FAILURE_REASON"),
            "order_id": id,
        }));
    }
    Ok(json!({ "results": results }))
}

/// The orders that are asked for, newest first.
pub(super) fn list(venue: &Venue, parameters: &Parameters) -> Result<Value, Refusal> {
    let since = match parameters.get("start_date") {
        Some(text) => render::parsed_ms(text).ok_or_else(|| Refusal::invalid("start_date"))?,
        None => i64::MIN,
    };
    let statuses = parameters.all("order_status");
    if statuses.clone().count() > 1 && statuses.clone().any(|status| status == "OPEN") {
        return Err(Refusal::invalid("OPEN cannot be combined with other statuses"));
    }
    let wanted = |view: &PlacedView<'_>| {
        let any = |name, value: &str| {
            let mut given = parameters.all(name).peekable();
            given.peek().is_none() || given.any(|given| given == value)
        };
        view.created_ms() >= since
            && any("product_ids", &view.product_id())
            && any("order_ids", &view.id())
            && any("order_status", view.status())
    };
    let mut orders: Vec<_> = PlacedView::all(venue).filter(wanted).collect();
    orders.sort_by_key(|view| std::cmp::Reverse(view.number()));
    let (orders, cursor) = parameters.page(orders.iter().map(PlacedView::order).collect())?;
    Ok(json!({
        "orders": orders, "sequence": "0", "has_next": !cursor.is_empty(), "cursor": cursor,
    }))
}

/// The fills that are asked for, newest first.
pub(super) fn fills(venue: &Venue, parameters: &Parameters) -> Result<Value, Refusal> {
    let mut fills: Vec<(i64, Value)> = Vec::new();
    for view in PlacedView::all(venue) {
        let any = |name, value: &str| {
            let mut given = parameters.all(name).peekable();
            given.peek().is_none() || given.any(|given| given == value)
        };
        if any("order_ids", &view.id()) && any("product_ids", &view.product_id()) {
            fills.extend(view.fills());
        }
    }
    fills.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
    let (fills, cursor) = parameters.page(fills.into_iter().map(|(_, fill)| fill).collect())?;
    Ok(json!({ "fills": fills, "cursor": cursor }))
}
