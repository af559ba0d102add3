use rust_decimal::Decimal;
use serde_json::{Value, json};
use tradepulse_core::exchange::TradingRules;
use tradepulse_core::money::{Price, Quantity};

use super::super::ledger::{NewOrder, OrderType};
use super::super::market::Market;
use super::refusal::Refusal;
use super::render::decimal;

/// Prices may be this many times the last one, or a part of it.
const MULTIPLIER_UP: &str = "5";
const MULTIPLIER_DOWN: &str = "0.2";
/// Orders in the book of one market.
pub(super) const MAX_NUM_ORDERS: usize = 200;

/// Whether an order is on the grid of its market and within its limits.
pub(super) fn check(
    market: &Market,
    order: &NewOrder,
    last: Price,
    futures: bool,
) -> Result<(), Refusal> {
    let failure = |filter: &str| Refusal::new(-1013, format!("Filter failure: {filter}"));
    let rules = &market.rules;
    for (name, price) in [("price", order.price), ("stopPrice", order.trigger)] {
        let Some(price) = price else { continue };
        if Decimal::from(price).normalize().scale() > 8 {
            return Err(Refusal::new(-1111, format!("Parameter '{name}' has too much precision.")));
        }
        if rules.price_tick.is_some_and(|tick| price.floor_to(tick) != price) {
            return Err(if futures {
                Refusal::new(-4014, "Price not increased by tick size.")
            } else {
                failure("PRICE_FILTER")
            });
        }
        let share = price.to_f64() / last.to_f64();
        let within = (MULTIPLIER_DOWN.parse().unwrap_or(0.0)
            ..=MULTIPLIER_UP.parse().unwrap_or(f64::MAX))
            .contains(&share);
        if !within {
            return Err(if futures {
                Refusal::new(
                    -4131,
                    "The counterparty's best price does not meet the PERCENT_PRICE filter limit.",
                )
            } else {
                failure("PERCENT_PRICE")
            });
        }
    }
    let instrument = &rules.instrument;
    if Decimal::from(order.quantity).normalize().scale() > 8 {
        return Err(Refusal::new(-1111, "Parameter 'quantity' has too much precision."));
    }
    let on_step =
        instrument.quantity_step.is_none_or(|step| order.quantity.floor_to(step) == order.quantity);
    let enough = instrument.min_quantity.is_none_or(|least| order.quantity >= least);
    if !on_step || !enough || order.quantity.is_zero() {
        return Err(match (futures, enough) {
            (true, false) => Refusal::new(-4003, "Quantity less than zero."),
            (true, true) => {
                Refusal::new(-1111, "Precision is over the maximum defined for this asset.")
            }
            (false, _) => failure("LOT_SIZE"),
        });
    }
    let price = order.price.or(order.trigger).unwrap_or(last);
    let worth = Decimal::from(order.quantity.times(price));
    if let Some(least) = instrument.min_notional
        && worth < Decimal::from(least)
        && !order.reduce_only
    {
        return Err(if futures {
            let message = format!(
                "Order's notional must be no smaller than {least} (unless you choose reduce only)."
            );
            Refusal::new(-4164, message)
        } else {
            failure("NOTIONAL")
        });
    }
    Ok(())
}

/// Whether a stop waits on its side of the market.
pub(super) fn check_trigger(order: &NewOrder, last: Price, futures: bool) -> Result<(), Refusal> {
    let (OrderType::Stop | OrderType::StopLimit, Some(trigger)) = (order.kind, order.trigger)
    else {
        return Ok(());
    };
    let waits = match order.side {
        tradepulse_core::order::Side::Long => trigger > last,
        tradepulse_core::order::Side::Short => trigger < last,
    };
    if waits {
        Ok(())
    } else if futures {
        Err(Refusal::new(-2021, "Order would immediately trigger."))
    } else {
        Err(Refusal::new(-2010, "Order would trigger immediately."))
    }
}

/// The filters of a market, as the venue lists them.
pub(super) fn list(rules: &TradingRules, futures: bool) -> Value {
    let step = |value: Option<Quantity>| decimal(value.unwrap_or_default());
    let tick = rules.price_tick.map_or_else(|| "0.00000000".to_owned(), decimal);
    let instrument = &rules.instrument;
    let (min_quantity, quantity_step) =
        (step(instrument.min_quantity), step(instrument.quantity_step));
    let lot = |kind: &str| {
        json!({
            "filterType": kind, "minQty": min_quantity, "maxQty": "9000000.00000000",
            "stepSize": quantity_step,
        })
    };
    let notional = step(instrument.min_notional);
    let mut filters = vec![
        json!({
            "filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "100000000.00000000",
            "tickSize": tick,
        }),
        lot("LOT_SIZE"),
        lot("MARKET_LOT_SIZE"),
        json!({ "filterType": "MAX_NUM_ORDERS", "maxNumOrders": MAX_NUM_ORDERS, "limit": MAX_NUM_ORDERS }),
        json!({
            "filterType": "PERCENT_PRICE", "multiplierUp": MULTIPLIER_UP,
            "multiplierDown": MULTIPLIER_DOWN, "avgPriceMins": 5, "multiplierDecimal": "4",
        }),
    ];
    filters.push(if futures {
        json!({ "filterType": "MIN_NOTIONAL", "notional": notional })
    } else {
        json!({
            "filterType": "NOTIONAL", "minNotional": notional, "applyMinToMarket": true,
            "maxNotional": "9000000.00000000", "applyMaxToMarket": false, "avgPriceMins": 5,
        })
    });
    Value::Array(filters)
}
