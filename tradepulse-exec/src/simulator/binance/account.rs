use axum::http::Method;
use serde_json::{Value, json};

use super::super::venue::Venue;
use super::parameters::Parameters;
use super::refusal::Refusal;
use super::render::{self, decimal};
use super::{order, pair, public};

/// Answers a signed request of spot.
pub(super) fn respond(
    venue: &mut Venue,
    method: &Method,
    name: &str,
    parameters: &Parameters,
) -> Result<Value, Refusal> {
    match (method.as_str(), name) {
        ("GET", "account") => Ok(account(venue, parameters)),
        ("GET", "apiRestrictions") => Ok(json!({
            "ipRestrict": false, "createTime": 0, "enableReading": true,
            "enableSpotAndMarginTrading": true, "enableWithdrawals": false,
            "enableInternalTransfer": false, "enableMargin": false, "enableFutures": false,
            "permitsUniversalTransfer": false, "enableVanillaOptions": false,
        })),
        ("POST", "order") => {
            let new = order::parse(venue, parameters)?;
            let last = order::last(public::market(venue, parameters)?)?;
            let now_ms = venue.now_ms();
            let placed = venue.ledger.place(new, last, now_ms);
            let number = placed.map_err(|error| Refusal::of_venue(&error, false))?;
            let kind = parameters.get("newOrderRespType").unwrap_or("FULL");
            render::new_order(venue, number, kind)
        }
        ("POST", "order/test") => order::parse(venue, parameters).map(|_| json!({})),
        ("GET", "order") => {
            let order = order::find(venue, parameters, Refusal::no_such_order)?;
            Ok(render::spot_order(order))
        }
        ("DELETE", "order") => cancel(venue, parameters),
        ("GET", "openOrders") => {
            let symbol = parameters.get("symbol");
            let open = venue.ledger.orders().filter(|order| {
                let name = render::venue_name(&order.new.symbol);
                !order.status.is_final() && symbol.is_none_or(|symbol| symbol == name)
            });
            Ok(open.map(render::spot_order).collect())
        }
        ("DELETE", "openOrders") => cancel_all(venue, parameters),
        ("GET", "allOrders") => {
            let market = public::market(venue, parameters)?;
            let from = parameters.read::<i64>("orderId")?.unwrap_or(0);
            let orders = venue.ledger.orders();
            let orders = orders.filter(|o| o.new.symbol == market.symbol && o.number >= from);
            Ok(newest(orders.map(render::spot_order).collect(), parameters)?)
        }
        ("GET", "myTrades") => trades(venue, parameters),
        ("POST", "orderList/oco") => pair::place(venue, parameters, false),
        ("POST", "order/oco") => pair::place(venue, parameters, true),
        ("DELETE", "orderList") => pair::cancel(venue, parameters),
        ("GET", "orderList") => pair::query(venue, parameters),
        _ => Err(Refusal::no_such_path()),
    }
}

/// As many of the newest as are asked for.
pub(super) fn newest(mut values: Vec<Value>, parameters: &Parameters) -> Result<Value, Refusal> {
    let limit = parameters.read::<usize>("limit")?.unwrap_or(500).min(1_000);
    values.drain(..values.len().saturating_sub(limit));
    Ok(Value::Array(values))
}

fn account(venue: &Venue, parameters: &Parameters) -> Value {
    let mut balances: Vec<Value> = venue
        .ledger
        .balances()
        .iter()
        .map(|balance| {
            json!({
                "asset": balance.currency, "free": decimal(balance.free),
                "locked": decimal(balance.locked),
            })
        })
        .collect();
    if !parameters.is_true("omitZeroBalances") {
        balances.push(json!({ "asset": "NIL", "free": "0.00000000", "locked": "0.00000000" }));
    }
    json!({
        "makerCommission": 10, "takerCommission": 10, "buyerCommission": 0, "sellerCommission": 0,
        "commissionRates": {
            "maker": "0.00100000", "taker": "0.00100000", "buyer": "0.00000000",
            "seller": "0.00000000",
        },
        "canTrade": true, "canWithdraw": false, "canDeposit": false, "brokered": false,
        "requireSelfTradePrevention": false, "preventSor": false, "updateTime": venue.now_ms(),
        "accountType": "SPOT", "balances": balances, "permissions": ["SPOT"], "uid": 1,
    })
}

fn cancel(venue: &mut Venue, parameters: &Parameters) -> Result<Value, Refusal> {
    let order = order::find(venue, parameters, Refusal::not_cancelled)?;
    let (number, list) = (order.number, order.list);
    // A leg takes its pair with it.
    if let Some(list) = list {
        return pair::cancel_numbered(venue, list);
    }
    let now_ms = venue.now_ms();
    if !venue.ledger.cancel(number, now_ms) {
        return Err(Refusal::not_cancelled());
    }
    render::cancelled_order(venue, number)
}

fn cancel_all(venue: &mut Venue, parameters: &Parameters) -> Result<Value, Refusal> {
    let symbol = public::market(venue, parameters)?.symbol.clone();
    let open = venue.ledger.orders().filter(|o| !o.status.is_final() && o.new.symbol == symbol);
    let numbers: Vec<i64> = open.map(|order| order.number).collect();
    if numbers.is_empty() {
        return Err(Refusal::not_cancelled());
    }
    let now_ms = venue.now_ms();
    for number in &numbers {
        // The second leg of a pair has gone with the first.
        venue.ledger.cancel(*number, now_ms);
    }
    numbers.into_iter().map(|number| render::cancelled_order(venue, number)).collect()
}

fn trades(venue: &Venue, parameters: &Parameters) -> Result<Value, Refusal> {
    let market = public::market(venue, parameters)?;
    let order = parameters.read::<i64>("orderId")?;
    let from = parameters.read::<i64>("fromId")?.unwrap_or(0);
    let mut trades: Vec<(i64, Value)> = Vec::new();
    for placed in venue.ledger.orders() {
        let wanted = placed.new.symbol == market.symbol
            && order.is_none_or(|number| number == placed.number);
        if wanted {
            let those = placed.trades.iter().filter(|trade| trade.id >= from);
            trades.extend(those.map(|trade| (trade.id, render::spot_trade(placed, trade))));
        }
    }
    trades.sort_by_key(|(id, _)| *id);
    newest(trades.into_iter().map(|(_, trade)| trade).collect(), parameters)
}
