use serde_json::{Value, json};
use tradepulse_core::money::{Price, Quantity};
use tradepulse_core::order::Side;

use super::super::ledger::{NewOrder, NewPair, OrderType, PlacedPair};
use super::super::venue::Venue;
use super::order;
use super::parameters::Parameters;
use super::public::market;
use super::refusal::Refusal;
use super::render;

/// The parameters of a leg, by either set of names.
struct LegNames {
    price: &'static str,
    trigger: &'static str,
    client_id: &'static str,
    kind: Option<&'static str>,
}

const ABOVE: LegNames = LegNames {
    price: "abovePrice",
    trigger: "aboveStopPrice",
    client_id: "aboveClientOrderId",
    kind: Some("aboveType"),
};
const BELOW: LegNames = LegNames {
    price: "belowPrice",
    trigger: "belowStopPrice",
    client_id: "belowClientOrderId",
    kind: Some("belowType"),
};
const OLDER_LIMIT: LegNames =
    LegNames { price: "price", trigger: "", client_id: "limitClientOrderId", kind: None };
const OLDER_STOP: LegNames =
    LegNames { price: "", trigger: "stopPrice", client_id: "stopClientOrderId", kind: None };

/// Places a pair. `older` says by which names.
pub(super) fn place(
    venue: &mut Venue,
    parameters: &Parameters,
    older: bool,
) -> Result<Value, Refusal> {
    let side = order::side(parameters)?;
    let (stop_names, target_names) = match (older, side) {
        (true, _) => (OLDER_STOP, OLDER_LIMIT),
        (false, Side::Short) => (BELOW, ABOVE),
        (false, Side::Long) => (ABOVE, BELOW),
    };
    let unsupported = |what: &str| {
        Refusal::new(
            -1014,
            format!("Unsupported order combination at this simulated venue: {what}."),
        )
    };
    let kind = |names: &LegNames| names.kind.map(|name| parameters.require(name)).transpose();
    if kind(&stop_names)?.is_some_and(|kind| kind != "STOP_LOSS") {
        return Err(unsupported("the stop of a pair is a STOP_LOSS"));
    }
    if kind(&target_names)?.is_some_and(|kind| kind != "LIMIT_MAKER") {
        return Err(unsupported("the target of a pair is a LIMIT_MAKER"));
    }
    if older && parameters.get("stopLimitPrice").is_some() {
        return Err(unsupported("the stop of a pair has no limit price"));
    }
    let quantity: Quantity = parameters.read_required("quantity")?;
    let target_price: Price = parameters.read_required(target_names.price)?;
    let trigger: Price = parameters.read_required(stop_names.trigger)?;
    let list_id = order::client_id(venue, parameters, "listClientOrderId")?;
    let market = market(venue, parameters)?;
    let last = order::last(market)?;
    let ordered = match side {
        Side::Short => trigger < last && last < target_price,
        Side::Long => target_price < last && last < trigger,
    };
    if !ordered {
        let message = "The relationship of the prices for the orders is not correct.";
        return Err(Refusal::new(-2010, message));
    }
    let leg = |names: &LegNames, suffix: &str, kind, price, trigger| -> Result<_, Refusal> {
        let client_id = match parameters.get(names.client_id) {
            Some(_) => order::client_id(venue, parameters, names.client_id)?,
            None => format!("{list_id}{suffix}"),
        };
        let order = NewOrder {
            client_id,
            symbol: market.symbol.clone(),
            side,
            kind,
            time_in_force: "GTC",
            quantity,
            price,
            trigger,
            reduce_only: false,
        };
        order::check(venue, market, &order, last)?;
        Ok(order)
    };
    let stop = leg(&stop_names, "-stop", OrderType::Stop, None, Some(trigger))?;
    let target = leg(&target_names, "-limit", OrderType::LimitMaker, Some(target_price), None)?;
    let open = |pair: &PlacedPair| pair.client_id == list_id && is_open(venue, pair);
    if venue.ledger.pairs().any(open) {
        return Err(Refusal::duplicate(false));
    }
    let pair = NewPair { client_id: list_id.clone(), stop, target };
    let now_ms = venue.now_ms();
    let placed = venue.ledger.place_pair(pair, now_ms);
    let number = placed.map_err(|error| Refusal::of_venue(&error, false))?;
    answer(venue, number, |venue, number| render::new_order(venue, number, "FULL"))
}

/// Takes a pair back.
pub(super) fn cancel(venue: &mut Venue, parameters: &Parameters) -> Result<Value, Refusal> {
    let number = find(venue, parameters).map_err(|_| Refusal::not_cancelled())?.number;
    cancel_numbered(venue, number)
}

pub(super) fn cancel_numbered(venue: &mut Venue, number: i64) -> Result<Value, Refusal> {
    let now_ms = venue.now_ms();
    let first = venue.ledger.pair(number).map(|pair| pair.orders[0]);
    if !first.is_some_and(|first| venue.ledger.cancel(first, now_ms)) {
        return Err(Refusal::not_cancelled());
    }
    answer(venue, number, render::cancelled_order)
}

pub(super) fn query(venue: &Venue, parameters: &Parameters) -> Result<Value, Refusal> {
    let missing = |_| Refusal::new(-2018, "Order list does not exist.");
    let pair = find(venue, parameters).map_err(missing)?;
    Ok(shape(venue, pair))
}

fn find<'a>(venue: &'a Venue, parameters: &Parameters) -> Result<&'a PlacedPair, Refusal> {
    let number = parameters.read::<i64>("orderListId")?;
    let id = parameters.get("listClientOrderId").or(parameters.get("origClientOrderId"));
    let named = |pair: &&PlacedPair| {
        Some(pair.number) == number || number.is_none() && Some(pair.client_id.as_str()) == id
    };
    // The newest of that name.
    venue.ledger.pairs().filter(named).last().ok_or_else(Refusal::not_cancelled)
}

fn is_open(venue: &Venue, pair: &PlacedPair) -> bool {
    let open = |number: &i64| venue.ledger.order(*number).is_some_and(|o| !o.status.is_final());
    pair.orders.iter().any(open)
}

fn shape(venue: &Venue, pair: &PlacedPair) -> Value {
    let open = is_open(venue, pair);
    let name = render::venue_name(&pair.symbol);
    let orders: Vec<Value> = pair
        .orders
        .iter()
        .filter_map(|number| venue.ledger.order(*number))
        .map(|order| {
            json!({
                "symbol": name, "orderId": order.number, "clientOrderId": order.new.client_id,
            })
        })
        .collect();
    json!({
        "orderListId": pair.number, "contingencyType": "OCO",
        "listStatusType": if open { "EXEC_STARTED" } else { "ALL_DONE" },
        "listOrderStatus": if open { "EXECUTING" } else { "ALL_DONE" },
        "listClientOrderId": pair.client_id, "transactionTime": pair.created_ms,
        "symbol": name, "orders": orders,
    })
}

fn answer(
    venue: &Venue,
    number: i64,
    report: fn(&Venue, i64) -> Result<Value, Refusal>,
) -> Result<Value, Refusal> {
    let pair = venue.ledger.pair(number).ok_or_else(Refusal::not_cancelled)?;
    let mut answer = shape(venue, pair);
    let reports: Result<Vec<Value>, Refusal> =
        pair.orders.iter().map(|number| report(venue, *number)).collect();
    answer["orderReports"] = Value::Array(reports?);
    Ok(answer)
}
