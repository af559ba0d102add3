use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::super::ledger::{PlacedOrder, Trade};
use super::super::venue::Venue;
use super::form::Form;
use super::refusal::Refusal;
use super::render::{self, order_id, trade_id};
use super::{order, public};

/// As many orders or executions as an answer has.
const PAGE: usize = 50;

/// Answers a signed request.
pub(super) fn respond(venue: &mut Venue, name: &str, form: &Form) -> Result<Value, Refusal> {
    match name {
        "AddOrder" => add(venue, form),
        "CancelOrder" => cancel(venue, form),
        "CancelAll" => {
            let open = venue.ledger.orders().filter(|order| !order.status.is_final());
            let open: Vec<i64> = open.map(|order| order.number).collect();
            let now_ms = venue.now_ms();
            let cancelled = open.into_iter().filter(|n| venue.ledger.cancel(*n, now_ms)).count();
            Ok(json!({ "count": cancelled }))
        }
        "QueryOrders" => query(venue, form),
        "OpenOrders" => {
            let open = chosen(venue, form)?.into_iter().filter(|order| !order.status.is_final());
            Ok(json!({ "open": listed(venue, open, form) }))
        }
        "ClosedOrders" => {
            let mut closed = chosen(venue, form)?;
            closed.retain(|order| order.status.is_final());
            let count = closed.len();
            closed.reverse();
            let page = closed.into_iter().skip(form.read("ofs")?.unwrap_or(0)).take(PAGE);
            Ok(json!({ "closed": listed(venue, page, form), "count": count }))
        }
        "TradesHistory" => {
            let mut trades = trades(venue);
            let count = trades.len();
            trades.reverse();
            let page = trades.into_iter().skip(form.read("ofs")?.unwrap_or(0)).take(PAGE);
            let page: Map<String, Value> = page.map(trade_entry).collect();
            Ok(json!({ "trades": page, "count": count }))
        }
        "QueryTrades" => {
            let wanted: Vec<&str> = form.require("txid")?.split(',').collect();
            if wanted.len() > 20 {
                return Err(Refusal::argument("txid"));
            }
            let trades = trades(venue).into_iter().map(trade_entry);
            let trades = trades.filter(|(id, _)| wanted.contains(&id.as_str()));
            Ok(Value::Object(trades.collect()))
        }
        "Balance" => Ok(balances(venue, |free, locked| json!((free + locked).to_string()))),
        "BalanceEx" => Ok(balances(
            venue,
            |free, locked| json!({ "balance": (free + locked).to_string(), "hold_trade": locked.to_string() }),
        )),
        "GetWebSocketsToken" => {
            let token = format!("token-{}", venue.listen_keys.len() + 1);
            venue.listen_keys.insert(token.clone());
            Ok(json!({ "token": token, "expires": 900 }))
        }
        _ => Err(Refusal::new("EGeneral:Unknown method")),
    }
}

fn add(venue: &mut Venue, form: &Form) -> Result<Value, Refusal> {
    let user_reference = form.read::<i64>("userref")?;
    let new = order::parse(venue, form)?;
    let description = render::described(&new);
    if form.is_true("validate") {
        return Ok(json!({ "descr": { "order": description } }));
    }
    let last = public::market(venue, form)?.last();
    let last = last.ok_or_else(|| Refusal::new("EService:Market in cancel_only mode"))?;
    let now_ms = venue.now_ms();
    let placed = venue.ledger.place(new, last, now_ms);
    let number = placed.map_err(|error| Refusal::of_venue(&error))?;
    if let Some(user_reference) = user_reference {
        venue.user_references.insert(number, user_reference);
    }
    Ok(json!({ "descr": { "order": description }, "txid": [order_id(number)] }))
}

/// An order is named by the venue's id, the client's, or the client's number.
fn cancel(venue: &mut Venue, form: &Form) -> Result<Value, Refusal> {
    let numbers: Vec<i64> = match (form.get("txid"), form.get("cl_ord_id")) {
        (_, Some(id)) => venue.ledger.order_named(id).map(|o| o.number).into_iter().collect(),
        (Some(name), None) => match (render::number(name), name.parse::<i64>()) {
            (Some(number), _) => vec![number],
            (None, Ok(reference)) => {
                let those = venue.user_references.iter().filter(|(_, other)| **other == reference);
                those.map(|(number, _)| *number).collect()
            }
            (None, Err(_)) => return Err(Refusal::argument("txid")),
        },
        (None, None) => return Err(Refusal::argument("txid")),
    };
    let now_ms = venue.now_ms();
    let count = numbers.into_iter().filter(|number| venue.ledger.cancel(*number, now_ms)).count();
    if count == 0 {
        return Err(Refusal::no_such_order());
    }
    Ok(json!({ "count": count }))
}

fn query(venue: &Venue, form: &Form) -> Result<Value, Refusal> {
    let mut found = Vec::new();
    for name in form.require("txid")?.split(',') {
        let number = render::number(name).ok_or_else(|| Refusal::argument("txid"))?;
        found.push(venue.ledger.order(number).ok_or_else(Refusal::no_such_order)?);
    }
    Ok(Value::Object(listed(venue, found, form)))
}

/// The orders with the client's id or number, if one is given.
fn chosen<'a>(venue: &'a Venue, form: &Form) -> Result<Vec<&'a PlacedOrder>, Refusal> {
    let id = form.get("cl_ord_id");
    let reference = form.read::<i64>("userref")?;
    let is_it = |order: &&PlacedOrder| {
        id.is_none_or(|id| order.new.client_id == id)
            && reference.is_none_or(|r| venue.user_references.get(&order.number) == Some(&r))
    };
    Ok(venue.ledger.orders().filter(is_it).collect())
}

fn listed<'a>(
    venue: &Venue,
    orders: impl IntoIterator<Item = &'a PlacedOrder>,
    form: &Form,
) -> Map<String, Value> {
    let with_trades = form.is_true("trades");
    let entry = |order: &PlacedOrder| {
        let reference = venue.user_references.get(&order.number).copied();
        (order_id(order.number), render::order(order, reference, with_trades))
    };
    orders.into_iter().map(entry).collect()
}

/// All executions, oldest first.
fn trades(venue: &Venue) -> Vec<(&PlacedOrder, &Trade)> {
    let orders = venue.ledger.orders();
    let mut trades: Vec<_> =
        orders.flat_map(|order| order.trades.iter().map(move |trade| (order, trade))).collect();
    trades.sort_by_key(|(_, trade)| trade.id);
    trades
}

fn trade_entry((order, trade): (&PlacedOrder, &Trade)) -> (String, Value) {
    (trade_id(trade.id), render::trade(order, trade))
}

fn balances(venue: &Venue, of: fn(Decimal, Decimal) -> Value) -> Value {
    let balances = venue.ledger.balances().into_iter();
    let all = balances.map(|balance| {
        let value = of(Decimal::from(balance.free), Decimal::from(balance.locked));
        (public::asset(&balance.currency).1, value)
    });
    Value::Object(all.collect())
}
