use rust_decimal::Decimal;
use serde_json::{Value, json};
use tradepulse_core::money::Quantity;
use tradepulse_core::order::{OrderStatus, Side};
use tradepulse_core::time::Timestamp;

use super::super::ledger::{Happened, Happening, NewOrder, OrderType, PlacedOrder, Trade};
use super::public::{altname, asset};

/// The venue's id of an order.
pub(in crate::simulator) fn order_id(number: i64) -> String {
    format!("OSIMUL-ORDER-{number:06}")
}

/// The order of an id.
pub(super) fn number(id: &str) -> Option<i64> {
    id.strip_prefix("OSIMUL-ORDER-")?.parse().ok()
}

/// The venue's id of an execution.
pub(super) fn trade_id(number: i64) -> String {
    format!("TSIMUL-TRADE-{number:06}")
}

const fn side(side: Side) -> &'static str {
    match side {
        Side::Long => "buy",
        Side::Short => "sell",
    }
}

const fn kind(kind: OrderType) -> &'static str {
    match kind {
        OrderType::Market => "market",
        OrderType::Limit | OrderType::LimitMaker => "limit",
        OrderType::Stop => "stop-loss",
        OrderType::StopLimit => "stop-loss-limit",
        OrderType::TakeProfit => "take-profit",
        OrderType::TakeProfitLimit => "take-profit-limit",
    }
}

/// First and second price of an order: a trigger comes before a limit.
fn prices(order: &NewOrder) -> (String, String) {
    let none = || "0".to_owned();
    let text = |price: Option<tradepulse_core::money::Price>| {
        price.map_or_else(none, |price| price.to_string())
    };
    match order.trigger {
        Some(_) => (text(order.trigger), text(order.price)),
        None => (text(order.price), none()),
    }
}

/// An order in words.
pub(super) fn described(order: &NewOrder) -> String {
    let (first, second) = prices(order);
    let mut text = format!(
        "{} {:.8} {} @ {}",
        side(order.side),
        Decimal::from(order.quantity),
        altname(&order.symbol),
        kind(order.kind)
    );
    if first != "0" {
        text += &format!(" {first}");
    }
    if second != "0" {
        text += &format!(" -> limit {second}");
    }
    text
}

fn seconds(ms: i64) -> f64 {
    ms as f64 / 1_000.0
}

fn fees(order: &PlacedOrder) -> Decimal {
    order.trades.iter().map(|trade| Decimal::from(trade.fee)).sum()
}

/// The average price of what is filled.
fn average(order: &PlacedOrder) -> Decimal {
    order.paid.checked_div(Decimal::from(order.filled)).unwrap_or_default()
}

/// An order, as a question is answered.
pub(super) fn order(order: &PlacedOrder, user_reference: Option<i64>, with_trades: bool) -> Value {
    let (first, second) = prices(&order.new);
    let status = match order.status {
        OrderStatus::Open => "open",
        OrderStatus::Filled => "closed",
        OrderStatus::Cancelled | OrderStatus::Rejected => "canceled",
        OrderStatus::Expired => "expired",
    };
    let zero = "0.00000";
    let client_id = Some(order.new.client_id.as_str()).filter(|id| !id.is_empty());
    let mut value = json!({
        "refid": null, "userref": user_reference, "cl_ord_id": client_id, "status": status,
        "opentm": seconds(order.created_ms), "starttm": 0, "expiretm": 0,
        "descr": {
            "pair": altname(&order.new.symbol), "type": side(order.new.side),
            "ordertype": kind(order.new.kind), "price": first, "price2": second,
            "leverage": "none", "order": described(&order.new), "close": "",
        },
        "vol": format!("{:.8}", Decimal::from(order.new.quantity)),
        "vol_exec": format!("{:.8}", Decimal::from(order.filled)), "cost": order.paid.to_string(),
        "fee": fees(order).to_string(), "price": average(order).round_dp(8).to_string(),
        "stopprice": order.new.trigger.map_or_else(|| zero.to_owned(), |price| price.to_string()),
        "limitprice": zero, "misc": "", "oflags": "fciq",
    });
    if order.status.is_final() {
        value["closetm"] = seconds(order.updated_ms).into();
        value["reason"] = reason(order).into();
    }
    if with_trades && !order.trades.is_empty() {
        value["trades"] = order.trades.iter().map(|trade| trade_id(trade.id)).collect();
    }
    value
}

const fn reason(order: &PlacedOrder) -> Option<&'static str> {
    match order.status {
        OrderStatus::Cancelled => Some("User requested"),
        _ => None,
    }
}

/// An execution, as a question is answered.
pub(super) fn trade(order: &PlacedOrder, trade: &Trade) -> Value {
    json!({
        "ordertxid": order_id(order.number), "postxid": "", "pair": altname(&order.new.symbol),
        "time": seconds(trade.at_ms), "type": side(order.new.side),
        "ordertype": kind(order.new.kind), "price": trade.price.to_string(),
        "cost": Decimal::from(trade.quantity.times(trade.price)).to_string(),
        "fee": Decimal::from(trade.fee).to_string(),
        "vol": format!("{:.8}", Decimal::from(trade.quantity)), "margin": "0.00000", "misc": "",
        "trade_id": trade.id, "maker": trade.is_maker,
    })
}

/// What a stream says of an order that rests.
pub(super) fn resting(order: &PlacedOrder) -> Value {
    let mut value = told(order, "pending_new", status(order));
    value["exec_type"] = "new".into();
    value
}

fn status(order: &PlacedOrder) -> &'static str {
    match order.status {
        OrderStatus::Open if order.filled.is_zero() => "new",
        OrderStatus::Open => "partially_filled",
        OrderStatus::Filled => "filled",
        OrderStatus::Cancelled | OrderStatus::Rejected => "canceled",
        OrderStatus::Expired => "expired",
    }
}

/// What every message on an order has.
fn told(order: &PlacedOrder, exec_type: &str, order_status: &str) -> Value {
    let client_id = Some(order.new.client_id.as_str()).filter(|id| !id.is_empty());
    let number = |value: Decimal| Quantity::try_from(value).map_or(0.0, Quantity::to_f64);
    let mut value = json!({
        "order_id": order_id(order.number), "symbol": order.new.symbol.as_str(),
        "side": side(order.new.side), "order_type": kind(order.new.kind),
        "order_qty": order.new.quantity.to_f64(), "exec_type": exec_type,
        "order_status": order_status, "time_in_force": order.new.time_in_force,
        "cum_qty": order.filled.to_f64(), "cum_cost": number(order.paid),
        "avg_price": number(average(order).round_dp(8)),
        "timestamp": Timestamp::from_ms(order.updated_ms).to_string(),
    });
    if let Some(client_id) = client_id {
        value["cl_ord_id"] = client_id.into();
    }
    if let Some(price) = order.new.price {
        value["limit_price"] = price.to_f64().into();
    }
    value
}

/// The events of a stream that tell of what has happened: an order that is filled is told of as
/// partly filled first.
pub(in crate::simulator) fn events(happened: &Happened) -> Vec<Value> {
    let Happened { order, what } = happened;
    let mut data = Vec::new();
    match what {
        Happening::New => {
            data.push(told(order, "pending_new", "pending_new"));
            data.push(told(order, "new", "new"));
        }
        Happening::Trade(trade) => {
            let mut execution = told(order, "trade", "partially_filled");
            execution["exec_id"] = trade_id(trade.id).into();
            execution["trade_id"] = trade.id.into();
            execution["last_qty"] = trade.quantity.to_f64().into();
            execution["last_price"] = trade.price.to_f64().into();
            execution["liquidity_ind"] = if trade.is_maker { "m" } else { "t" }.into();
            let asset = match asset(&trade.fee_currency).0 {
                "XBT" => "BTC",
                "XDG" => "DOGE",
                other => other,
            };
            execution["fees"] = json!([{ "asset": asset, "qty": trade.fee.to_f64() }]);
            data.push(execution);
            if order.status == OrderStatus::Filled {
                data.push(told(order, "filled", "filled"));
            }
        }
        Happening::Cancelled => {
            let mut cancelled = told(order, "canceled", "canceled");
            cancelled["reason"] = "User requested".into();
            data.push(cancelled);
        }
        Happening::Expired => data.push(told(order, "expired", "expired")),
    }
    data.into_iter()
        .map(|event| json!({ "channel": "executions", "type": "update", "data": [event] }))
        .collect()
}
