use rust_decimal::Decimal;
use tradepulse_core::money::Price;
use tradepulse_core::order::Side;

use super::super::ledger::{NewOrder, OrderType};
use super::super::market::Market;
use super::refusal::OrderRefusal;

/// Whether an order is on the grid of its market and within its limits.
pub(super) fn check(market: &Market, order: &NewOrder, last: Price) -> Result<(), OrderRefusal> {
    let rules = &market.rules;
    let instrument = &rules.instrument;
    let quantity = order.quantity;
    if instrument.quantity_step.is_some_and(|step| quantity.floor_to(step) != quantity) {
        let message = "Too many decimals in order amount";
        return Err(OrderRefusal::new("INVALID_SIZE_PRECISION", message));
    }
    if quantity.is_zero() || instrument.min_quantity.is_some_and(|least| quantity < least) {
        let message = "Order size is below the minimum";
        return Err(OrderRefusal::new("PREVIEW_INVALID_BASE_SIZE_TOO_SMALL", message));
    }
    let prices = [order.price, order.trigger].into_iter().flatten();
    if let Some(tick) = rules.price_tick
        && prices.clone().any(|price| price.floor_to(tick) != price)
    {
        let message = "Too many decimals in order price";
        return Err(OrderRefusal::new("INVALID_PRICE_PRECISION", message));
    }
    let worth = Decimal::from(quantity.times(prices.min().unwrap_or(last)));
    if instrument.min_notional.is_some_and(|least| worth < Decimal::from(least)) {
        let message = "Order value is below the minimum";
        return Err(OrderRefusal::new("PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL", message));
    }
    Ok(())
}

/// Whether a stop waits on its side of the market.
pub(super) fn check_trigger(order: &NewOrder, last: Price) -> Result<(), OrderRefusal> {
    let (OrderType::Stop | OrderType::StopLimit, Some(trigger)) = (order.kind, order.trigger)
    else {
        return Ok(());
    };
    match order.side {
        Side::Short if trigger >= last => {
            Err(OrderRefusal::new("PREVIEW_STOP_PRICE_ABOVE_LAST_TRADE_PRICE", ""))
        }
        Side::Long if trigger <= last => {
            Err(OrderRefusal::new("PREVIEW_STOP_PRICE_BELOW_LAST_TRADE_PRICE", ""))
        }
        _ => Ok(()),
    }
}
