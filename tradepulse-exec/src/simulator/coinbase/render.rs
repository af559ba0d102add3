use rust_decimal::Decimal;
use serde_json::{Value, json};
use tradepulse_core::money::Quantity;
use tradepulse_core::order::{OrderStatus, Side};
use tradepulse_core::time::Timestamp;

use super::super::ledger::{Happened, Happening, OrderType, PlacedOrder, Trade};
use super::super::venue::Venue;

/// The venue's id of an order.
pub(in crate::simulator) fn order_id(number: i64) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

pub(super) fn decimal(value: impl Into<Decimal>) -> String {
    value.into().normalize().to_string()
}

pub(super) fn time(ms: i64) -> String {
    Timestamp::from_ms(ms).to_string()
}

pub(super) fn parsed_ms(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_ms)
}

/// An order as its owner sees it: of a bracket, both of its sides.
#[derive(Debug)]
pub(super) struct PlacedView<'a> {
    first: &'a PlacedOrder,
    /// Of a bracket: the target. `first` is its stop then.
    target: Option<&'a PlacedOrder>,
    client_id: &'a str,
}

impl<'a> PlacedView<'a> {
    /// All that were taken, oldest first.
    pub(super) fn all(venue: &'a Venue) -> impl Iterator<Item = Self> {
        venue.ledger.orders().filter_map(|order| Self::of(venue, order))
    }

    pub(super) fn find(venue: &'a Venue, id: &str) -> Option<Self> {
        let (prefix, number) = id.rsplit_once('-')?;
        let number: i64 = number.parse().ok()?;
        let is_one = order_id(number).starts_with(prefix);
        Self::of(venue, venue.ledger.order(number)?).filter(|view| is_one && view.id() == id)
    }

    /// `None` for the target of a bracket, which is seen with its stop.
    fn of(venue: &'a Venue, order: &'a PlacedOrder) -> Option<Self> {
        let Some(list) = order.list else {
            return Some(Self { first: order, target: None, client_id: &order.new.client_id });
        };
        let pair = venue.ledger.pair(list)?;
        let [stop, target] = pair.orders;
        let target = venue.ledger.order(target);
        let view = Self { first: order, target, client_id: &pair.client_id };
        (stop == order.number).then_some(view)
    }

    fn sides(&self) -> impl Iterator<Item = &'a PlacedOrder> {
        std::iter::once(self.first).chain(self.target)
    }

    fn trades(&self) -> impl Iterator<Item = &'a Trade> {
        self.sides().flat_map(|order| &order.trades)
    }

    pub(super) fn number(&self) -> i64 {
        self.first.number
    }

    pub(super) fn id(&self) -> String {
        order_id(self.first.number)
    }

    pub(super) fn client_id(&self) -> &str {
        self.client_id
    }

    pub(super) fn product_id(&self) -> String {
        self.first.new.symbol.dashed()
    }

    pub(super) fn created_ms(&self) -> i64 {
        self.first.created_ms
    }

    pub(super) fn is_open(&self) -> bool {
        self.sides().any(|order| !order.status.is_final())
    }

    fn filled(&self) -> Quantity {
        self.sides().fold(Quantity::ZERO, |sum, order| sum.plus(order.filled))
    }

    fn paid(&self) -> Decimal {
        self.sides().map(|order| order.paid).sum()
    }

    fn fees(&self) -> Decimal {
        self.trades().map(|trade| Decimal::from(trade.fee)).sum()
    }

    fn average(&self) -> Decimal {
        self.paid().checked_div(self.filled().into()).unwrap_or_default()
    }

    pub(super) fn status(&self) -> &'static str {
        let any = |status| self.sides().any(|order| order.status == status);
        if self.is_open() {
            "OPEN"
        } else if self.filled() >= self.first.new.quantity {
            "FILLED"
        } else if any(OrderStatus::Cancelled) {
            "CANCELLED"
        } else if any(OrderStatus::Rejected) {
            "FAILED"
        } else {
            "EXPIRED"
        }
    }

    fn side(&self) -> &'static str {
        match self.first.new.side {
            Side::Long => "BUY",
            Side::Short => "SELL",
        }
    }

    /// The type's name in answers, and in messages of streams.
    fn kind(&self) -> (&'static str, &'static str) {
        match (self.target, self.first.new.kind) {
            (Some(_), _) => ("BRACKET", "Bracket"),
            (None, OrderType::Market) => ("MARKET", "Market"),
            (None, OrderType::Limit | OrderType::LimitMaker) => ("LIMIT", "Limit"),
            // Nothing is taken that is triggered by a profit.
            (None, _) => ("STOP_LIMIT", "Stop Limit"),
        }
    }

    fn time_in_force(&self) -> &'static str {
        match (self.first.new.kind, self.first.new.time_in_force) {
            (OrderType::Market, _) | (_, "IOC") => "IMMEDIATE_OR_CANCEL",
            (_, "FOK") => "FILL_OR_KILL",
            _ => "GOOD_UNTIL_CANCELLED",
        }
    }

    fn configuration(&self) -> Value {
        let new = &self.first.new;
        let size = decimal(new.quantity);
        let text = |price: Option<_>| price.map_or_else(String::new, decimal);
        if let Some(target) = self.target {
            return json!({ "trigger_bracket_gtc": {
                "base_size": size, "limit_price": text(target.new.price),
                "stop_trigger_price": text(new.trigger),
            } });
        }
        let limit = text(new.price);
        match (new.kind, new.time_in_force) {
            (OrderType::Market, _) => json!({ "market_market_ioc": { "base_size": size } }),
            (OrderType::Stop | OrderType::StopLimit, _) => {
                let direction = match new.side {
                    Side::Long => "STOP_DIRECTION_STOP_UP",
                    Side::Short => "STOP_DIRECTION_STOP_DOWN",
                };
                json!({ "stop_limit_stop_limit_gtc": {
                    "base_size": size, "limit_price": limit, "stop_price": text(new.trigger),
                    "stop_direction": direction,
                } })
            }
            (_, "IOC") => json!({ "sor_limit_ioc": { "base_size": size, "limit_price": limit } }),
            (_, "FOK") => json!({ "limit_limit_fok": { "base_size": size, "limit_price": limit } }),
            _ => json!({ "limit_limit_gtc": {
                "base_size": size, "limit_price": limit, "post_only": false,
            } }),
        }
    }

    /// The answer to a new order.
    pub(super) fn success(&self) -> Value {
        json!({
            "success": true, "failure_reason": "UNKNOWN_FAILURE_REASON", "order_id": self.id(),
            "success_response": {
                "order_id": self.id(), "product_id": self.product_id(), "side": self.side(),
                "client_order_id": self.client_id,
            },
            "order_configuration": self.configuration(),
        })
    }

    /// The order, as a question is answered.
    pub(super) fn order(&self) -> Value {
        let (filled, quantity) = (Decimal::from(self.filled()), self.first.new.quantity);
        let share = filled.checked_div(quantity.into()).unwrap_or_default();
        let fees = self.fees();
        let after_fees = match self.first.new.side {
            Side::Long => self.paid() + fees,
            Side::Short => self.paid() - fees,
        };
        let last_fill = self.trades().map(|trade| trade.at_ms).max();
        json!({
            "order_id": self.id(), "product_id": self.product_id(), "user_id": "simulated",
            "order_configuration": self.configuration(), "side": self.side(),
            "client_order_id": self.client_id, "status": self.status(),
            "time_in_force": self.time_in_force(), "created_time": time(self.created_ms()),
            "completion_percentage": decimal(share * Decimal::ONE_HUNDRED),
            "filled_size": decimal(filled), "average_filled_price": decimal(self.average()),
            "fee": "", "number_of_fills": self.trades().count().to_string(),
            "filled_value": decimal(self.paid()), "pending_cancel": false,
            "size_in_quote": false, "total_fees": decimal(fees), "size_inclusive_of_fees": false,
            "total_value_after_fees": decimal(after_fees), "trigger_status": self.trigger(),
            "order_type": self.kind().0, "reject_reason": "REJECT_REASON_UNSPECIFIED",
            "settled": self.status() == "FILLED", "product_type": "SPOT", "reject_message": "",
            "cancel_message": "", "order_placement_source": "RETAIL_ADVANCED",
            "outstanding_hold_amount": "0", "is_liquidation": false,
            "last_fill_time": last_fill.map(time), "edit_history": [], "leverage": "",
            "margin_type": "UNKNOWN_MARGIN_TYPE", "retail_portfolio_id": "simulated",
        })
    }

    fn trigger(&self) -> &'static str {
        match (self.first.new.trigger, self.first.filled.is_zero()) {
            (None, _) => "INVALID_ORDER_TYPE",
            (Some(_), true) => "STOP_PENDING",
            (Some(_), false) => "STOP_TRIGGERED",
        }
    }

    /// Its fills, with their numbers.
    pub(super) fn fills(&self) -> Vec<(i64, Value)> {
        let fill = |trade: &Trade| {
            let at = time(trade.at_ms);
            json!({
                "entry_id": format!("entry-{}", trade.id), "trade_id": format!("trade-{}", trade.id),
                "order_id": self.id(), "trade_time": at, "trade_type": "FILL",
                "price": decimal(trade.price), "size": decimal(trade.quantity),
                "commission": decimal(trade.fee), "product_id": self.product_id(),
                "sequence_timestamp": at,
                "liquidity_indicator": if trade.is_maker { "MAKER" } else { "TAKER" },
                "size_in_quote": false, "user_id": "simulated", "side": self.side(),
                "retail_portfolio_id": "simulated",
            })
        };
        self.trades().map(|trade| (trade.id, fill(trade))).collect()
    }

    /// The order in a message of the user channel.
    pub(super) fn event(&self) -> Value {
        let leaves = self.first.new.quantity.minus(self.filled());
        json!({
            "order_id": self.id(), "client_order_id": self.client_id,
            "cumulative_quantity": decimal(self.filled()), "leaves_quantity": decimal(leaves),
            "avg_price": decimal(self.average()), "total_fees": decimal(self.fees()),
            "status": self.status(), "product_id": self.product_id(),
            "creation_time": time(self.created_ms()), "order_side": self.side(),
            "order_type": self.kind().1, "cancel_reason": "", "reject_reason": "",
            "number_of_fills": self.trades().count().to_string(), "product_type": "SPOT",
            "time_in_force": self.time_in_force(), "trigger_status": self.trigger(),
            "contract_expiry_type": "UNKNOWN_CONTRACT_EXPIRY_TYPE",
            "risk_managed_by": "UNKNOWN_RISK_MANAGEMENT_TYPE",
        })
    }
}

/// A message of a channel.
pub(super) fn message(channel: &str, now_ms: i64, events: Vec<Value>) -> Value {
    json!({
        "channel": channel, "client_id": "", "timestamp": time(now_ms), "sequence_num": 0,
        "events": events,
    })
}

/// The messages of a stream that tell of what has happened.
pub(in crate::simulator) fn events(venue: &Venue, happened: &Happened, now_ms: i64) -> Vec<Value> {
    let Happened { order, what } = happened;
    let stop = order.list.and_then(|list| venue.ledger.pair(list)).map(|pair| pair.orders[0]);
    let is_target = stop.is_some_and(|stop| stop != order.number);
    // What happens to both sides of a bracket is told once.
    if is_target && !matches!(what, Happening::Trade(_)) {
        return Vec::new();
    }
    let first = venue.ledger.order(stop.unwrap_or(order.number));
    let view = first.and_then(|first| PlacedView::of(venue, first));
    let event = view.map(|view| json!({ "type": "update", "orders": [view.event()] }));
    event.map(|event| message("user", now_ms, vec![event])).into_iter().collect()
}
