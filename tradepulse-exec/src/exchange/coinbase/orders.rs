use rust_decimal::Decimal;
use serde_json::{Value, json};
use tradepulse_core::exchange::ExchangeError;
use tradepulse_core::money::Price;
use tradepulse_core::order::{OrderReport, OrderRequest, OrderStatus, RequestKind, Side};

use super::account::Account;
use super::client::Call;
use super::errors::CallError;
use super::messages::{CreateMessage, ProductMessage, product_id};
use super::trading::{duplicate, not_sent};
use crate::exchange::clock_offset::ClockOffset;

/// How far beyond its trigger the limit of a stop is, as a part of it.
const STOP_ROOM: Decimal = Decimal::from_parts(5, 0, 0, false, 2);

/// An order that was made this much earlier than it was sent is another one, milliseconds.
const CLOCK_TOLERANCE_MS: i64 = 10_000;

/// The venue's word for a side.
const fn side(side: Side) -> &'static str {
    match side {
        Side::Long => "BUY",
        Side::Short => "SELL",
    }
}

/// The limit of a stop with this trigger, on the grid of its market.
fn stop_limit(side: Side, trigger: Price, tick: Price) -> Price {
    let beyond = |factor: Decimal| {
        let price = Decimal::from(trigger).checked_mul(factor)?;
        Price::try_from(price).ok()
    };
    match side {
        Side::Long => beyond(Decimal::ONE + STOP_ROOM).map(|price| price.ceil_to(tick)),
        Side::Short => beyond(Decimal::ONE - STOP_ROOM).map(|price| price.floor_to(tick)),
    }
    .unwrap_or(trigger)
}

/// An order as it is sent. `tick` is the price step of its market, which stops need.
pub(super) fn body(request: &OrderRequest, tick: Option<Price>) -> Value {
    json!({
        "client_order_id": request.id.to_string(),
        "product_id": product_id(&request.symbol),
        "side": side(request.side),
        "order_configuration": configuration(request, tick),
    })
}

/// What kind of order it is, as the venue has it.
fn configuration(request: &OrderRequest, tick: Option<Price>) -> Value {
    let size = request.quantity.to_string();
    let stop = |trigger: Price, limit: Price| {
        let direction = match request.side {
            Side::Long => "STOP_DIRECTION_STOP_UP",
            Side::Short => "STOP_DIRECTION_STOP_DOWN",
        };
        json!({ "stop_limit_stop_limit_gtc": {
            "base_size": size, "limit_price": limit.to_string(),
            "stop_price": trigger.to_string(), "stop_direction": direction,
        } })
    };
    match request.kind {
        RequestKind::Market => json!({ "market_market_ioc": { "base_size": size } }),
        RequestKind::Limit { price } => json!({ "limit_limit_gtc": {
            "base_size": size, "limit_price": price.to_string(), "post_only": false,
        } }),
        RequestKind::StopLimit { trigger, price } => stop(trigger, price),
        RequestKind::Stop { trigger } => {
            let limit = tick.map_or(trigger, |tick| stop_limit(request.side, trigger, tick));
            stop(trigger, limit)
        }
        RequestKind::Oco { stop, target } => json!({ "trigger_bracket_gtc": {
            "base_size": size, "limit_price": target.to_string(),
            "stop_trigger_price": stop.to_string(),
        } }),
    }
}

impl Account {
    /// Whether the venue has such orders at all.
    pub(super) fn check_support(request: &OrderRequest) -> Result<(), ExchangeError> {
        match (request.kind, request.side) {
            (RequestKind::Oco { .. }, Side::Long) => {
                Err(ExchangeError::Unsupported("a native pair that buys"))
            }
            (_, Side::Long) if request.reduce_only => {
                Err(ExchangeError::Unsupported("a reduce-only order"))
            }
            _ => Ok(()),
        }
    }

    /// Sends an order, and asks how it stands: the answer to an order says nothing of that.
    pub(super) async fn place(
        &self,
        request: &OrderRequest,
    ) -> Result<Vec<OrderReport>, ExchangeError> {
        let tick = match request.kind {
            RequestKind::Stop { .. } => Some(self.tick(request).await?),
            _ => None,
        };
        let call = Call::command("orders", body(request, tick));
        let sent = ClockOffset::machine();
        let answer: Result<CreateMessage, _> = self.client.call(&call).await;
        let venue_id = answer.and_then(CreateMessage::order_id).map_err(CallError::of_command)?;
        self.book().note(request.id, &venue_id);
        // The clock may have been set right by the call.
        let sent_ms = sent.as_ms() + self.client.clock.offset_ms();
        let Ok(order) = self.by_venue_id(&venue_id).await else {
            // It is there, whatever became of it.
            return Ok(accepted(request, &venue_id, sent_ms));
        };
        if order.created().is_some_and(|at| at.as_ms() + CLOCK_TOLERANCE_MS < sent_ms) {
            return Err(duplicate(request.id));
        }
        match self.complete(&request.symbol, request.id, &order).await {
            Ok(Some(reports)) => Ok(reports),
            _ => Ok(accepted(request, &venue_id, sent_ms)),
        }
    }

    /// The price step of the order's market.
    async fn tick(&self, request: &OrderRequest) -> Result<Price, ExchangeError> {
        let symbol = &request.symbol;
        if let Some(tick) = self.book().tick(symbol) {
            return Ok(tick);
        }
        let call = Call::ask(format!("products/{}", product_id(symbol)));
        let product: Result<ProductMessage, _> = self.client.call(&call).await;
        let product = product.map_err(|error| not_sent(error.of_question()))?;
        let tick = product.rules().price_tick;
        let tick = tick.ok_or_else(|| {
            ExchangeError::NotSent(format!("the price step of {symbol} is not known"))
        })?;
        self.book().note_tick(symbol, tick);
        Ok(tick)
    }
}

/// The reports of an order of which nothing is known but that the venue has it.
fn accepted(request: &OrderRequest, venue_id: &str, at_ms: i64) -> Vec<OrderReport> {
    let report = |id| OrderReport {
        id,
        symbol: request.symbol.clone(),
        venue_id: Some(venue_id.to_owned()),
        status: OrderStatus::Open,
        filled: Default::default(),
        executions: Vec::new(),
        reason: None,
        at: tradepulse_core::time::Timestamp::from_ms(at_ms),
    };
    request.reported_as().map(report).collect()
}

#[cfg(test)]
mod tests {
    use tradepulse_core::order::{ClientOrderId, RunTag};

    use super::*;

    fn price(text: &str) -> Price {
        text.parse().unwrap()
    }

    #[test]
    fn orders_are_written_as_the_venue_has_them() {
        let request = |side, kind| OrderRequest {
            id: ClientOrderId::new(RunTag::new(1), 1),
            symbol: "BTC/USD".parse().unwrap(),
            side,
            quantity: "1.50".parse().unwrap(),
            kind,
            reduce_only: false,
        };
        let written = |side, kind| configuration(&request(side, kind), Some(price("0.5")));
        let market = json!({ "market_market_ioc": { "base_size": "1.5" } });
        assert_eq!(written(Side::Long, RequestKind::Market), market);
        let stop = json!({ "stop_limit_stop_limit_gtc": {
            "base_size": "1.5", "limit_price": "90", "stop_price": "95",
            "stop_direction": "STOP_DIRECTION_STOP_DOWN",
        } });
        assert_eq!(written(Side::Short, RequestKind::Stop { trigger: price("95") }), stop);
        let pair = json!({ "trigger_bracket_gtc": {
            "base_size": "1.5", "limit_price": "105", "stop_trigger_price": "95",
        } });
        let kind = RequestKind::Oco { stop: price("95"), target: price("105") };
        assert_eq!(written(Side::Short, kind), pair);
        let bought = Account::check_support(&request(Side::Long, kind));
        assert!(matches!(bought, Err(ExchangeError::Unsupported(_))));
    }

    #[test]
    fn the_limit_of_a_stop_is_five_percent_beyond_it_and_on_the_grid() {
        assert_eq!(stop_limit(Side::Short, price("95"), price("0.01")), price("90.25"));
        assert_eq!(stop_limit(Side::Short, price("95"), price("1")), price("90"));
        assert_eq!(stop_limit(Side::Long, price("95"), price("1")), price("100"));
    }
}
