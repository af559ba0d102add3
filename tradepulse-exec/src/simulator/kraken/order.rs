use rust_decimal::Decimal;
use tradepulse_core::money::{Price, Quantity};
use tradepulse_core::order::Side;
use tradepulse_core::time::Timestamp;

use super::super::ledger::{NewOrder, OrderType};
use super::super::market::Market;
use super::super::venue::Venue;
use super::form::Form;
use super::public;
use super::refusal::Refusal;

/// An order as its parameters give it, checked against the market.
pub(super) fn parse(venue: &Venue, form: &Form) -> Result<NewOrder, Refusal> {
    let market = public::market(venue, form)?;
    let last = market.last().ok_or_else(|| Refusal::new("EService:Market in cancel_only mode"))?;
    // What is not simulated is refused rather than forgotten.
    if form.has_any("close[") {
        return Err(Refusal::argument("close"));
    }
    if form.get("leverage").is_some_and(|leverage| leverage != "none") {
        return Err(Refusal::argument("leverage"));
    }
    check_deadline(venue, form)?;
    let side = match form.require("type")? {
        "buy" => Side::Long,
        "sell" => Side::Short,
        _ => return Err(Refusal::argument("type")),
    };
    let flags = form.get("oflags").unwrap_or_default();
    let flag = |name: &str| flags.split(',').any(|flag| flag == name);
    let kind = match form.require("ordertype")? {
        "market" => OrderType::Market,
        "limit" if flag("post") => OrderType::LimitMaker,
        "limit" => OrderType::Limit,
        "stop-loss" => OrderType::Stop,
        "stop-loss-limit" => OrderType::StopLimit,
        "take-profit" => OrderType::TakeProfit,
        "take-profit-limit" => OrderType::TakeProfitLimit,
        _ => return Err(Refusal::argument("ordertype")),
    };
    let time_in_force = match form.get("timeinforce").unwrap_or("GTC") {
        "GTC" | "gtc" => "GTC",
        "IOC" | "ioc" => "IOC",
        _ => return Err(Refusal::argument("timeinforce")),
    };
    let first = || form.read_required::<Price>("price");
    let (price, trigger) = match kind {
        OrderType::Market => (None, None),
        OrderType::Limit | OrderType::LimitMaker => (Some(first()?), None),
        OrderType::Stop | OrderType::TakeProfit => (None, Some(first()?)),
        OrderType::StopLimit | OrderType::TakeProfitLimit => {
            (Some(form.read_required("price2")?), Some(first()?))
        }
    };
    let mut quantity: Quantity = form.read_required("volume")?;
    if flag("viqc") {
        if kind != OrderType::Market {
            return Err(Refusal::argument("viqc"));
        }
        let bought = Quantity::from_f64(quantity.to_f64() / last.to_f64()).unwrap_or_default();
        quantity = bought.floor_to(market.rules.instrument.quantity_step.unwrap_or_default());
    }
    let client_id = form.get("cl_ord_id").unwrap_or_default();
    check_id(venue, client_id)?;
    let order = NewOrder {
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
    check(market, &order, last)?;
    Ok(order)
}

fn check_deadline(venue: &Venue, form: &Form) -> Result<(), Refusal> {
    let Some(deadline) = form.read::<Timestamp>("deadline")? else { return Ok(()) };
    if deadline.as_ms() < venue.oldest_ms(0.0) {
        return Err(Refusal::new("EService:Deadline elapsed"));
    }
    if deadline.as_ms() > venue.now_ms().saturating_add(60_000) {
        return Err(Refusal::argument("deadline"));
    }
    Ok(())
}

/// Up to 18 characters, or a UUID; of one order that rests.
fn check_id(venue: &Venue, id: &str) -> Result<(), Refusal> {
    let is_uuid =
        matches!(id.len(), 32 | 36) && id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    if !id.is_ascii() || (id.len() > 18 && !is_uuid) {
        return Err(Refusal::argument("cl_ord_id"));
    }
    if !id.is_empty() && venue.ledger.is_taken(id) {
        return Err(Refusal::new("EOrder:Duplicate order"));
    }
    Ok(())
}

/// Whether an order is on the grid of its market and within its limits.
fn check(market: &Market, order: &NewOrder, last: Price) -> Result<(), Refusal> {
    let (rules, instrument) = (&market.rules, &market.rules.instrument);
    for price in [order.price, order.trigger].into_iter().flatten() {
        if rules.price_tick.is_some_and(|tick| price.floor_to(tick) != price) {
            return Err(Refusal::new("EOrder:Tick size check failed"));
        }
    }
    let quantity = order.quantity;
    let off = instrument.quantity_step.is_some_and(|step| quantity.floor_to(step) != quantity);
    if off || quantity.is_zero() {
        return Err(Refusal::argument("volume"));
    }
    if instrument.min_quantity.is_some_and(|least| quantity < least) {
        return Err(Refusal::argument("volume minimum not met"));
    }
    let price = order.price.or(order.trigger).unwrap_or(last);
    let worth = Decimal::from(quantity.times(price));
    if instrument.min_notional.is_some_and(|least| worth < Decimal::from(least)) {
        return Err(Refusal::new("EOrder:Cost minimum not met"));
    }
    if let (OrderType::LimitMaker, Some(price)) = (order.kind, order.price) {
        let crosses = match order.side {
            Side::Long => price >= last,
            Side::Short => price <= last,
        };
        if crosses {
            return Err(Refusal::new("EOrder:Post only order"));
        }
    }
    Ok(())
}
