use rust_decimal::Decimal;
use serde_json::{Value, json};
use tradepulse_core::market::Symbol;
use tradepulse_core::order::{OrderStatus, Side};

use super::super::ledger::{Happened, Happening, OrderType, PlacedOrder, Trade};
use super::super::settings::Dialect;
use super::super::venue::Venue;
use super::futures;
use super::refusal::Refusal;

/// A decimal with the venue's eight places.
pub(super) fn decimal(value: impl Into<Decimal>) -> String {
    format!("{:.8}", value.into())
}

/// A float as the shortest decimal that reads back as it.
pub(super) fn figure(value: f64) -> String {
    value.to_string()
}

pub(super) fn venue_name(symbol: &Symbol) -> String {
    format!("{}{}", symbol.base(), symbol.quote())
}

pub(super) const fn side(side: Side) -> &'static str {
    match side {
        Side::Long => "BUY",
        Side::Short => "SELL",
    }
}

pub(super) const fn kind(kind: OrderType) -> &'static str {
    match kind {
        OrderType::Market => "MARKET",
        OrderType::Limit => "LIMIT",
        OrderType::LimitMaker => "LIMIT_MAKER",
        OrderType::Stop => "STOP_LOSS",
        OrderType::StopLimit => "STOP_LOSS_LIMIT",
        OrderType::TakeProfit => "TAKE_PROFIT",
        OrderType::TakeProfitLimit => "TAKE_PROFIT_LIMIT",
    }
}

pub(super) fn status(order: &PlacedOrder) -> &'static str {
    match order.status {
        OrderStatus::Open if order.filled.is_zero() => "NEW",
        OrderStatus::Open => "PARTIALLY_FILLED",
        OrderStatus::Filled => "FILLED",
        OrderStatus::Cancelled => "CANCELED",
        OrderStatus::Expired => "EXPIRED",
        OrderStatus::Rejected => "REJECTED",
    }
}

fn price_of(order: &PlacedOrder) -> String {
    order.new.price.map_or_else(|| "0.00000000".to_owned(), decimal)
}

/// What all answers on an order have.
fn base(order: &PlacedOrder) -> Value {
    let mut value = json!({
        "symbol": venue_name(&order.new.symbol), "orderId": order.number,
        "orderListId": order.list.unwrap_or(-1), "clientOrderId": order.new.client_id,
        "price": price_of(order), "origQty": decimal(order.new.quantity),
        "executedQty": decimal(order.filled), "origQuoteOrderQty": "0.00000000",
        "cummulativeQuoteQty": decimal(order.paid), "status": status(order),
        "timeInForce": order.new.time_in_force, "type": kind(order.new.kind),
        "side": side(order.new.side), "workingTime": order.created_ms,
        "selfTradePreventionMode": "NONE",
    });
    if let Some(trigger) = order.new.trigger {
        value["stopPrice"] = decimal(trigger).into();
    }
    value
}

/// An order, as a question is answered.
pub(super) fn spot_order(order: &PlacedOrder) -> Value {
    let mut value = base(order);
    value["time"] = order.created_ms.into();
    value["updateTime"] = order.updated_ms.into();
    value["isWorking"] = true.into();
    value["icebergQty"] = "0.00000000".into();
    if order.new.trigger.is_none() {
        value["stopPrice"] = "0.00000000".into();
    }
    value
}

/// A new order, in the form that was asked for.
pub(super) fn new_order(venue: &Venue, number: i64, form: &str) -> Result<Value, Refusal> {
    let order = venue.ledger.order(number).ok_or_else(Refusal::no_such_order)?;
    if form == "ACK" {
        return Ok(json!({
            "symbol": venue_name(&order.new.symbol), "orderId": number,
            "orderListId": order.list.unwrap_or(-1), "clientOrderId": order.new.client_id,
            "transactTime": order.created_ms,
        }));
    }
    let mut value = base(order);
    value["transactTime"] = order.created_ms.into();
    if form == "FULL" {
        let fills = order.trades.iter().map(|trade| {
            json!({
                "price": decimal(trade.price), "qty": decimal(trade.quantity),
                "commission": decimal(trade.fee), "commissionAsset": trade.fee_currency,
                "tradeId": trade.id,
            })
        });
        value["fills"] = fills.collect();
    }
    Ok(value)
}

pub(super) fn cancelled_order(venue: &Venue, number: i64) -> Result<Value, Refusal> {
    let order = venue.ledger.order(number).ok_or_else(Refusal::no_such_order)?;
    let mut value = base(order);
    value["origClientOrderId"] = order.new.client_id.as_str().into();
    value["clientOrderId"] = cancel_id(order).into();
    value["transactTime"] = order.updated_ms.into();
    Ok(value)
}

/// The id of a cancel, which takes the place of the order's.
fn cancel_id(order: &PlacedOrder) -> String {
    format!("cancel-{}", order.number)
}

pub(super) fn spot_trade(order: &PlacedOrder, trade: &Trade) -> Value {
    json!({
        "symbol": venue_name(&order.new.symbol), "id": trade.id, "orderId": order.number,
        "orderListId": order.list.unwrap_or(-1), "price": decimal(trade.price),
        "qty": decimal(trade.quantity), "quoteQty": decimal(trade.quantity.times(trade.price)),
        "commission": decimal(trade.fee), "commissionAsset": trade.fee_currency,
        "time": trade.at_ms, "isBuyer": order.new.side == Side::Long, "isMaker": trade.is_maker,
        "isBestMatch": true,
    })
}

/// The events of a stream that tell of what has happened.
pub(in crate::simulator) fn events(venue: &Venue, happened: &Happened, now_ms: i64) -> Vec<Value> {
    if venue.dialect == Dialect::BinanceUsdM {
        return futures::events(venue, happened, now_ms);
    }
    let mut events = vec![execution_report(happened, now_ms)];
    if !matches!(happened.what, Happening::New) || happened.order.new.kind != OrderType::Market {
        events.push(account_position(venue, &happened.order.new.symbol, now_ms));
    }
    events
}

fn execution_report(happened: &Happened, now_ms: i64) -> Value {
    let Happened { order, what } = happened;
    let (execution, trade) = match what {
        Happening::New => ("NEW", None),
        Happening::Trade(trade) => ("TRADE", Some(trade)),
        Happening::Cancelled => ("CANCELED", None),
        Happening::Expired => ("EXPIRED", None),
    };
    let cancelled = matches!(what, Happening::Cancelled);
    let zero = || "0.00000000".to_owned();
    json!({
        "e": "executionReport", "E": now_ms, "s": venue_name(&order.new.symbol),
        "c": if cancelled { cancel_id(order) } else { order.new.client_id.clone() },
        "S": side(order.new.side), "o": kind(order.new.kind), "f": order.new.time_in_force,
        "q": decimal(order.new.quantity), "p": price_of(order),
        "P": order.new.trigger.map_or_else(zero, decimal), "F": zero(),
        "g": order.list.unwrap_or(-1),
        "C": if cancelled { order.new.client_id.as_str() } else { "" },
        "x": execution, "X": status(order), "r": "NONE", "i": order.number,
        "l": trade.map_or_else(zero, |trade| decimal(trade.quantity)),
        "z": decimal(order.filled),
        "L": trade.map_or_else(zero, |trade| decimal(trade.price)),
        "n": trade.map_or_else(|| "0".to_owned(), |trade| decimal(trade.fee)),
        "N": trade.map(|trade| trade.fee_currency.as_str()),
        "T": now_ms, "t": trade.map_or(-1, |trade| trade.id), "I": now_ms,
        "w": !order.status.is_final(), "m": trade.is_some_and(|trade| trade.is_maker),
        "M": false, "O": order.created_ms, "Z": decimal(order.paid), "Y": zero(), "Q": zero(),
        "W": order.created_ms, "V": "NONE",
    })
}

fn account_position(venue: &Venue, symbol: &Symbol, now_ms: i64) -> Value {
    let balances = venue.ledger.balances();
    let of = |currency: &str| {
        let found = balances.iter().find(|balance| balance.currency == currency);
        json!({
            "a": currency,
            "f": decimal(found.map(|b| b.free).unwrap_or_default()),
            "l": decimal(found.map(|b| b.locked).unwrap_or_default()),
        })
    };
    json!({
        "e": "outboundAccountPosition", "E": now_ms, "u": now_ms,
        "B": [of(symbol.base()), of(symbol.quote())],
    })
}
