use tradepulse_core::money::{Price, Quantity};
use tradepulse_core::order::Side;

use super::super::ledger::{NewOrder, OrderType, PlacedOrder};
use super::super::market::Market;
use super::super::settings::Dialect;
use super::super::venue::Venue;
use super::filters;
use super::parameters::Parameters;
use super::public::market;
use super::refusal::Refusal;

pub(super) fn side(parameters: &Parameters) -> Result<Side, Refusal> {
    match parameters.require("side")? {
        "BUY" | "buy" => Ok(Side::Long),
        "SELL" | "sell" => Ok(Side::Short),
        _ => Err(Refusal::new(-1117, "Invalid side.")),
    }
}

pub(super) fn last(market: &Market) -> Result<Price, Refusal> {
    market.last().ok_or_else(|| Refusal::new(-2010, "Market is closed."))
}

/// The id that a client gives, or one of the venue's.
pub(super) fn client_id(
    venue: &Venue,
    parameters: &Parameters,
    name: &'static str,
) -> Result<String, Refusal> {
    let Some(id) = parameters.get(name) else {
        return Ok(format!("venue{}x{}", venue.now_ms(), venue.ledger.orders().count()));
    };
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".:/_-".contains(&byte);
    if id.len() > 36 || !id.bytes().all(allowed) {
        let legal = "'^[a-zA-Z0-9-_.:/]{1,36}$'";
        let message =
            format!("Illegal characters found in parameter '{name}'; legal range is {legal}.");
        return Err(Refusal::new(-1100, message));
    }
    Ok(id.to_owned())
}

/// An order as its parameters give it, checked against the market.
pub(super) fn parse(venue: &Venue, parameters: &Parameters) -> Result<NewOrder, Refusal> {
    let futures = venue.dialect == Dialect::BinanceUsdM;
    let market = market(venue, parameters)?;
    let last = last(market)?;
    let kind = match (parameters.require("type")?, futures) {
        ("MARKET", _) => OrderType::Market,
        ("LIMIT", _) => OrderType::Limit,
        ("LIMIT_MAKER", false) => OrderType::LimitMaker,
        ("STOP_LOSS", false) | ("STOP_MARKET", true) => OrderType::Stop,
        ("STOP_LOSS_LIMIT", false) | ("STOP", true) => OrderType::StopLimit,
        ("TAKE_PROFIT" | "TAKE_PROFIT_LIMIT", false) => {
            let message = "Take profit orders are not supported for this symbol.";
            return Err(Refusal::new(-2010, message));
        }
        _ => return Err(Refusal::new(-1116, "Invalid orderType.")),
    };
    let time_in_force = match (kind, parameters.get("timeInForce")) {
        (OrderType::Market, None) => "GTC",
        (OrderType::Market, Some(_)) if !futures => {
            return Err(Refusal::new(-1106, "Parameter 'timeInForce' sent when not required."));
        }
        (OrderType::Limit | OrderType::StopLimit, None) => {
            return Err(Refusal::missing("timeInForce"));
        }
        (_, None | Some("GTC" | "GTE_GTC")) => "GTC",
        (_, Some("IOC")) => "IOC",
        (_, Some("FOK")) => "FOK",
        _ => return Err(Refusal::new(-1115, "Invalid timeInForce.")),
    };
    let with_price =
        matches!(kind, OrderType::Limit | OrderType::LimitMaker | OrderType::StopLimit);
    let with_trigger = matches!(kind, OrderType::Stop | OrderType::StopLimit);
    let price: Option<Price> =
        if with_price { Some(parameters.read_required("price")?) } else { None };
    let trigger_name = if futures { "triggerPrice" } else { "stopPrice" };
    let trigger: Option<Price> =
        if with_trigger { Some(parameters.read_required(trigger_name)?) } else { None };
    let quantity =
        match (parameters.read("quantity")?, parameters.read::<Quantity>("quoteOrderQty")?) {
            (Some(quantity), _) => quantity,
            (None, Some(worth)) if kind == OrderType::Market && !futures => {
                let quantity =
                    Quantity::from_f64(worth.to_f64() / last.to_f64()).unwrap_or_default();
                let step = market.rules.instrument.quantity_step.unwrap_or_default();
                quantity.floor_to(step)
            }
            _ => return Err(Refusal::missing("quantity")),
        };
    let id_name = if futures && with_trigger { "clientAlgoId" } else { "newClientOrderId" };
    let order = NewOrder {
        client_id: client_id(venue, parameters, id_name)?,
        symbol: market.symbol.clone(),
        side: side(parameters)?,
        kind,
        time_in_force,
        quantity,
        price,
        trigger,
        reduce_only: futures && parameters.is_true("reduceOnly"),
    };
    check(venue, market, &order, last)?;
    Ok(order)
}

/// Whether the market takes an order.
pub(super) fn check(
    venue: &Venue,
    market: &Market,
    order: &NewOrder,
    last: Price,
) -> Result<(), Refusal> {
    let futures = venue.dialect == Dialect::BinanceUsdM;
    filters::check(market, order, last, futures)?;
    filters::check_trigger(order, last, futures)?;
    let open = venue.ledger.orders().filter(|placed| !placed.status.is_final());
    if open.filter(|placed| placed.new.symbol == order.symbol).count() >= filters::MAX_NUM_ORDERS {
        return Err(Refusal::new(-1013, "Filter failure: MAX_NUM_ORDERS"));
    }
    if venue.ledger.is_taken(&order.client_id) {
        return Err(Refusal::duplicate(futures));
    }
    if let (OrderType::LimitMaker, Some(price)) = (order.kind, order.price) {
        let crosses = match order.side {
            Side::Long => price >= last,
            Side::Short => price <= last,
        };
        if crosses {
            return Err(Refusal::new(-2010, "Order would immediately match and take."));
        }
    }
    Ok(())
}

/// The order that a request names by the venue's number or the client's id.
pub(super) fn find<'a>(
    venue: &'a Venue,
    parameters: &Parameters,
    otherwise: fn() -> Refusal,
) -> Result<&'a PlacedOrder, Refusal> {
    let name = market(venue, parameters)?.symbol.clone();
    let found = match (parameters.read::<i64>("orderId")?, parameters.get("origClientOrderId")) {
        (Some(number), _) => venue.ledger.order(number),
        (None, Some(id)) => venue.ledger.order_named(id),
        (None, None) => {
            let message =
                "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!";
            return Err(Refusal::new(-1102, message));
        }
    };
    found.filter(|order| order.new.symbol == name).ok_or_else(otherwise)
}
