use axum::http::Method;
use serde_json::{Value, json};
use tradepulse_core::money::Price;
use tradepulse_core::order::{OrderStatus, Side};

use super::super::ledger::{Happened, Happening, OrderType, PlacedOrder, Trade};
use super::super::venue::Venue;
use super::account::newest;
use super::parameters::Parameters;
use super::refusal::Refusal;
use super::render::{decimal, side, status, venue_name};
use super::{order, public};

/// Numbers of the algo service begin here.
const ALGO_BASE: i64 = 2_000_000_000;

/// Answers a signed request of USD-M futures.
pub(super) fn respond(
    venue: &mut Venue,
    method: &Method,
    name: &str,
    parameters: &Parameters,
) -> Result<Value, Refusal> {
    match (method.as_str(), name) {
        ("POST", "order") => {
            let kind = parameters.require("type")?;
            if matches!(
                kind,
                "STOP"
                    | "STOP_MARKET"
                    | "TAKE_PROFIT"
                    | "TAKE_PROFIT_MARKET"
                    | "TRAILING_STOP_MARKET"
            ) {
                let message = "Order type not supported for this endpoint. Please use the Algo \
                               Order API endpoints instead.";
                return Err(Refusal::new(-4120, message));
            }
            let number = place(venue, parameters)?;
            found(venue, number).map(plain)
        }
        ("POST", "algoOrder") => {
            if parameters.require("algoType")? != "CONDITIONAL" {
                return Err(Refusal::new(
                    -1130,
                    "Data sent for parameter 'algoType' is not valid.",
                ));
            }
            if parameters.is_true("closePosition") {
                let message = "closePosition is not supported by this simulated venue.";
                return Err(Refusal::new(-1130, message));
            }
            let number = place(venue, parameters)?;
            found(venue, number).map(algo)
        }
        ("GET", "order") => {
            let order = plain_order(venue, parameters, Refusal::no_such_order)?;
            Ok(plain(order))
        }
        ("DELETE", "order") => {
            let order = plain_order(venue, parameters, Refusal::not_cancelled)?;
            let number = order.number;
            cancel(venue, number)?;
            found(venue, number).map(plain)
        }
        ("GET", "algoOrder") => algo_order(venue, parameters, Refusal::no_such_order).map(algo),
        ("DELETE", "algoOrder") => {
            let order = algo_order(venue, parameters, Refusal::not_cancelled)?;
            let (number, id) = (order.number, order.new.client_id.clone());
            cancel(venue, number)?;
            Ok(json!({
                "algoId": ALGO_BASE + number, "clientAlgoId": id, "code": "200", "msg": "success",
            }))
        }
        ("GET", "openOrders") => {
            let open = open(venue, parameters);
            Ok(open.filter(|order| is_in_book(order)).map(plain).collect())
        }
        ("GET", "openAlgoOrders") => {
            let open = open(venue, parameters);
            Ok(open.filter(|order| !is_in_book(order)).map(algo).collect())
        }
        ("GET", "allOrders") => {
            let market = public::market(venue, parameters)?;
            let orders = venue.ledger.orders();
            let orders = orders.filter(|o| o.new.symbol == market.symbol && is_in_book(o));
            newest(orders.map(plain).collect(), parameters)
        }
        ("GET", "userTrades") => trades(venue, parameters),
        ("GET", "balance") => Ok(balances(venue)),
        ("GET", "positionRisk") => Ok(positions(venue, parameters)),
        ("GET", "account") => Ok(account(venue)),
        ("GET", "positionSide/dual") => Ok(json!({ "dualSidePosition": venue.hedges })),
        ("POST", "positionSide/dual") => {
            venue.hedges = parameters.read_required("dualSidePosition")?;
            Ok(json!({ "code": 200, "msg": "success" }))
        }
        ("POST", "leverage") => {
            let market = public::market(venue, parameters)?.name.clone();
            let leverage: u32 = parameters.read_required("leverage")?;
            if !(1..=125).contains(&leverage) {
                return Err(Refusal::new(-4028, format!("Leverage {leverage} is not valid")));
            }
            venue.leverage.insert(market.clone(), leverage);
            Ok(json!({ "leverage": leverage, "maxNotionalValue": "1000000", "symbol": market }))
        }
        ("POST", "marginType") => {
            let market = public::market(venue, parameters)?.name.clone();
            let changed = match parameters.require("marginType")? {
                "ISOLATED" => venue.isolated.insert(market),
                "CROSSED" => venue.isolated.remove(&market),
                _ => return Err(Refusal::new(-4045, "Invalid margin type.")),
            };
            if changed {
                Ok(json!({ "code": 200, "msg": "success" }))
            } else {
                Err(Refusal::new(-4046, "No need to change margin type."))
            }
        }
        _ => Err(Refusal::no_such_path()),
    }
}

fn place(venue: &mut Venue, parameters: &Parameters) -> Result<i64, Refusal> {
    if venue.hedges {
        let message = "Order's position side does not match user's setting.";
        return Err(Refusal::new(-4061, message));
    }
    let new = order::parse(venue, parameters)?;
    let last = order::last(public::market(venue, parameters)?)?;
    let now_ms = venue.now_ms();
    let placed = venue.ledger.place(new, last, now_ms);
    placed.map_err(|error| Refusal::of_venue(&error, true))
}

fn cancel(venue: &mut Venue, number: i64) -> Result<(), Refusal> {
    let now_ms = venue.now_ms();
    if venue.ledger.cancel(number, now_ms) { Ok(()) } else { Err(Refusal::not_cancelled()) }
}

fn found(venue: &Venue, number: i64) -> Result<&PlacedOrder, Refusal> {
    venue.ledger.order(number).ok_or_else(Refusal::no_such_order)
}

fn is_conditional(order: &PlacedOrder) -> bool {
    matches!(order.new.kind, OrderType::Stop | OrderType::StopLimit)
}

/// A stop comes into the book when it is triggered; here, when it is filled.
fn is_in_book(order: &PlacedOrder) -> bool {
    !is_conditional(order) || !order.trades.is_empty()
}

fn open<'a>(
    venue: &'a Venue,
    parameters: &Parameters,
) -> impl Iterator<Item = &'a PlacedOrder> + use<'a> {
    let symbol = parameters.get("symbol").map(str::to_owned);
    venue.ledger.orders().filter(move |order| {
        let name = venue_name(&order.new.symbol);
        !order.status.is_final() && symbol.as_ref().is_none_or(|symbol| *symbol == name)
    })
}

/// What a question of the book can find: not by the id that a stop was given to the algo service.
fn plain_order<'a>(
    venue: &'a Venue,
    parameters: &Parameters,
    otherwise: fn() -> Refusal,
) -> Result<&'a PlacedOrder, Refusal> {
    let order = order::find(venue, parameters, otherwise)?;
    let by_number = parameters.get("orderId").is_some();
    if is_conditional(order) && !(by_number && is_in_book(order)) {
        return Err(otherwise());
    }
    Ok(order)
}

fn algo_order<'a>(
    venue: &'a Venue,
    parameters: &Parameters,
    otherwise: fn() -> Refusal,
) -> Result<&'a PlacedOrder, Refusal> {
    let found = match (parameters.read::<i64>("algoId")?, parameters.get("clientAlgoId")) {
        (Some(number), _) => venue.ledger.order(number - ALGO_BASE),
        (None, Some(id)) => venue.ledger.order_named(id),
        (None, None) => return Err(Refusal::missing("algoId")),
    };
    found.filter(|order| is_conditional(order)).ok_or_else(otherwise)
}

fn kind(kind: OrderType) -> &'static str {
    match kind {
        OrderType::Market => "MARKET",
        OrderType::Limit | OrderType::LimitMaker => "LIMIT",
        OrderType::Stop => "STOP_MARKET",
        OrderType::StopLimit => "STOP",
        OrderType::TakeProfit => "TAKE_PROFIT_MARKET",
        OrderType::TakeProfitLimit => "TAKE_PROFIT",
    }
}

/// What the order is called in the book: a stop gets a name of its own there.
fn id_in_book(order: &PlacedOrder) -> String {
    if is_conditional(order) {
        format!("algo-{}", order.number)
    } else {
        order.new.client_id.clone()
    }
}

fn kind_in_book(order: &PlacedOrder) -> &'static str {
    match order.new.kind {
        OrderType::Stop | OrderType::TakeProfit => "MARKET",
        OrderType::StopLimit | OrderType::TakeProfitLimit => "LIMIT",
        other => kind(other),
    }
}

fn average(order: &PlacedOrder) -> String {
    let filled = rust_decimal::Decimal::from(order.filled);
    order.paid.checked_div(filled).map_or_else(|| "0.00000".to_owned(), decimal)
}

fn or_zero(price: Option<Price>) -> String {
    price.map_or_else(|| "0".to_owned(), decimal)
}

fn plain(order: &PlacedOrder) -> Value {
    json!({
        "clientOrderId": id_in_book(order), "cumQty": decimal(order.filled),
        "cumQuote": decimal(order.paid), "executedQty": decimal(order.filled),
        "orderId": order.number, "avgPrice": average(order),
        "origQty": decimal(order.new.quantity), "price": or_zero(order.new.price),
        "reduceOnly": order.new.reduce_only, "side": side(order.new.side), "positionSide": "BOTH",
        "status": status(order), "stopPrice": "0", "closePosition": false,
        "symbol": venue_name(&order.new.symbol), "timeInForce": order.new.time_in_force,
        "type": kind_in_book(order), "origType": kind_in_book(order),
        "time": order.created_ms, "updateTime": order.updated_ms,
        "workingType": "CONTRACT_PRICE", "priceProtect": false, "priceMatch": "NONE",
        "selfTradePreventionMode": "NONE", "goodTillDate": 0,
    })
}

fn algo_status(order: &PlacedOrder) -> &'static str {
    match (order.status, order.trades.is_empty()) {
        (OrderStatus::Open, true) => "NEW",
        (OrderStatus::Open, false) => "TRIGGERED",
        (OrderStatus::Cancelled, true) => "CANCELED",
        (OrderStatus::Expired, true) => "EXPIRED",
        (OrderStatus::Rejected, true) => "REJECTED",
        _ => "FINISHED",
    }
}

fn algo(order: &PlacedOrder) -> Value {
    let in_book = is_in_book(order);
    json!({
        "algoId": ALGO_BASE + order.number, "clientAlgoId": order.new.client_id,
        "algoType": "CONDITIONAL", "orderType": kind(order.new.kind),
        "symbol": venue_name(&order.new.symbol), "side": side(order.new.side),
        "positionSide": "BOTH", "timeInForce": order.new.time_in_force,
        "quantity": decimal(order.new.quantity), "algoStatus": algo_status(order),
        "actualOrderId": if in_book { order.number.to_string() } else { String::new() },
        "actualPrice": average(order), "triggerPrice": or_zero(order.new.trigger),
        "price": or_zero(order.new.price), "icebergQuantity": null,
        "selfTradePreventionMode": "NONE", "workingType": "CONTRACT_PRICE",
        "priceMatch": "NONE", "closePosition": false, "priceProtect": false,
        "reduceOnly": order.new.reduce_only, "createTime": order.created_ms,
        "updateTime": order.updated_ms, "triggerTime": 0, "goodTillDate": 0,
    })
}

fn trades(venue: &Venue, parameters: &Parameters) -> Result<Value, Refusal> {
    let market = public::market(venue, parameters)?;
    let order = parameters.read::<i64>("orderId")?;
    let mut trades: Vec<(i64, Value)> = Vec::new();
    for placed in venue.ledger.orders() {
        if placed.new.symbol == market.symbol && order.is_none_or(|n| n == placed.number) {
            trades.extend(placed.trades.iter().map(|trade| (trade.id, user_trade(placed, trade))));
        }
    }
    trades.sort_by_key(|(id, _)| *id);
    newest(trades.into_iter().map(|(_, trade)| trade).collect(), parameters)
}

fn user_trade(order: &PlacedOrder, trade: &Trade) -> Value {
    let quote = order.new.symbol.quote();
    json!({
        "buyer": order.new.side == Side::Long, "commission": decimal(trade.fee),
        "commissionAsset": trade.fee_currency, "id": trade.id, "maker": trade.is_maker,
        "orderId": order.number, "price": decimal(trade.price), "qty": decimal(trade.quantity),
        "quoteQty": decimal(trade.quantity.times(trade.price)), "marginAsset": quote,
        "realizedPnl": "0", "side": side(order.new.side), "positionSide": "BOTH",
        "symbol": venue_name(&order.new.symbol), "time": trade.at_ms,
    })
}

fn balances(venue: &Venue) -> Value {
    let balances = venue.ledger.balances();
    let balances = balances.iter().map(|balance| {
        let held = balance.free.plus(balance.locked);
        json!({
            "accountAlias": "simulated", "asset": balance.currency, "balance": decimal(held),
            "crossWalletBalance": decimal(held), "crossUnPnl": "0.00000000",
            "availableBalance": decimal(balance.free), "maxWithdrawAmount": decimal(balance.free),
            "marginAvailable": true, "updateTime": venue.now_ms(),
        })
    });
    balances.collect()
}

fn positions(venue: &Venue, parameters: &Parameters) -> Value {
    let symbol = parameters.get("symbol");
    let positions = venue.ledger.positions();
    let positions = positions.iter().filter_map(|position| {
        let name = venue_name(&position.symbol);
        if symbol.is_some_and(|symbol| symbol != name) {
            return None;
        }
        let sign = if position.side == Side::Short { "-" } else { "" };
        let last = venue.market(&name).and_then(super::super::market::Market::last);
        Some(json!({
            "symbol": name, "positionSide": "BOTH",
            "positionAmt": format!("{sign}{}", decimal(position.quantity)),
            "entryPrice": decimal(position.entry_price),
            "breakEvenPrice": decimal(position.entry_price), "markPrice": or_zero(last),
            "unRealizedProfit": "0", "liquidationPrice": "0", "isolatedMargin": "0",
            "notional": decimal(position.quantity.times(position.entry_price)),
            "marginAsset": position.symbol.quote(), "isolatedWallet": "0", "initialMargin": "0",
            "maintMargin": "0", "positionInitialMargin": "0", "openOrderInitialMargin": "0",
            "leverage": venue.leverage.get(&name).copied().unwrap_or(20).to_string(),
            "adl": 0, "bidNotional": "0", "askNotional": "0", "updateTime": venue.now_ms(),
        }))
    });
    positions.collect()
}

fn account(venue: &Venue) -> Value {
    let balances = venue.ledger.balances();
    let assets: Vec<Value> = balances
        .iter()
        .map(|balance| {
            let held = decimal(balance.free.plus(balance.locked));
            json!({
                "asset": balance.currency, "walletBalance": held, "unrealizedProfit": "0.00000000",
                "marginBalance": held, "maintMargin": "0.00000000",
                "initialMargin": decimal(balance.locked),
                "positionInitialMargin": "0.00000000", "openOrderInitialMargin": "0.00000000",
                "crossWalletBalance": held, "crossUnPnl": "0.00000000",
                "availableBalance": decimal(balance.free),
                "maxWithdrawAmount": decimal(balance.free), "marginAvailable": true,
                "updateTime": venue.now_ms(),
            })
        })
        .collect();
    json!({
        "feeTier": 0, "canTrade": true, "canDeposit": false, "canWithdraw": false,
        "updateTime": 0, "multiAssetsMargin": false, "assets": assets,
        "positions": positions(venue, &Parameters::default()),
    })
}

/// The events of the stream of an account.
pub(super) fn events(venue: &Venue, happened: &Happened, now_ms: i64) -> Vec<Value> {
    let Happened { order, what } = happened;
    let mut events = Vec::new();
    let conditional = is_conditional(order);
    let in_book = is_in_book(order);
    if in_book {
        events.push(order_update(order, what, now_ms));
    }
    if conditional {
        events.push(json!({
            "e": "ALGO_UPDATE", "T": now_ms, "E": now_ms,
            "o": {
                "caid": order.new.client_id, "aid": ALGO_BASE + order.number, "at": "CONDITIONAL",
                "o": kind(order.new.kind), "s": venue_name(&order.new.symbol),
                "S": side(order.new.side), "ps": "BOTH", "f": order.new.time_in_force,
                "q": decimal(order.new.quantity), "X": algo_status(order),
                "ai": if in_book { order.number.to_string() } else { String::new() },
                "ap": average(order), "aq": decimal(order.filled),
                "act": if in_book { kind_in_book(order) } else { "0" },
                "tp": or_zero(order.new.trigger), "p": or_zero(order.new.price), "V": "NONE",
                "wt": "CONTRACT_PRICE", "pm": "NONE", "cp": false, "pP": false,
                "R": order.new.reduce_only, "tt": 0, "gtd": 0, "rm": "",
            },
        }));
    }
    if matches!(what, Happening::Trade(_)) {
        events.push(account_update(venue, now_ms));
    }
    events
}

fn order_update(order: &PlacedOrder, what: &Happening, now_ms: i64) -> Value {
    let (execution, trade) = match what {
        Happening::New => ("NEW", None),
        Happening::Trade(trade) => ("TRADE", Some(trade)),
        Happening::Cancelled => ("CANCELED", None),
        Happening::Expired => ("EXPIRED", None),
    };
    let zero = || "0".to_owned();
    let mut update = json!({
        "s": venue_name(&order.new.symbol), "c": id_in_book(order), "S": side(order.new.side),
        "o": kind_in_book(order), "f": order.new.time_in_force,
        "q": decimal(order.new.quantity), "p": or_zero(order.new.price), "ap": average(order),
        "sp": "0", "x": execution, "X": status(order), "i": order.number,
        "l": trade.map_or_else(zero, |trade| decimal(trade.quantity)),
        "z": decimal(order.filled),
        "L": trade.map_or_else(zero, |trade| decimal(trade.price)),
        "T": now_ms, "t": trade.map_or(0, |trade| trade.id), "b": "0", "a": "0",
        "m": trade.is_some_and(|trade| trade.is_maker), "R": order.new.reduce_only,
        "wt": "CONTRACT_PRICE", "ot": kind_in_book(order), "ps": "BOTH", "cp": false,
        "rp": "0", "pP": false, "si": 0, "ss": 0, "V": "NONE",
    });
    if let Some(trade) = trade {
        update["N"] = trade.fee_currency.as_str().into();
        update["n"] = decimal(trade.fee).into();
    }
    json!({ "e": "ORDER_TRADE_UPDATE", "T": now_ms, "E": now_ms, "o": update })
}

fn account_update(venue: &Venue, now_ms: i64) -> Value {
    let balances = venue.ledger.balances();
    let balances: Vec<Value> = balances
        .iter()
        .map(|balance| {
            let held = decimal(balance.free.plus(balance.locked));
            json!({ "a": balance.currency, "wb": held, "cw": held, "bc": "0" })
        })
        .collect();
    let positions = venue.ledger.positions();
    let positions: Vec<Value> = positions
        .iter()
        .map(|position| {
            let sign = if position.side == Side::Short { "-" } else { "" };
            json!({
                "s": venue_name(&position.symbol),
                "pa": format!("{sign}{}", decimal(position.quantity)),
                "ep": decimal(position.entry_price), "cr": "0", "up": "0", "mt": "cross",
                "iw": "0", "ps": "BOTH",
            })
        })
        .collect();
    json!({
        "e": "ACCOUNT_UPDATE", "E": now_ms, "T": now_ms,
        "a": { "m": "ORDER", "B": balances, "P": positions },
    })
}
