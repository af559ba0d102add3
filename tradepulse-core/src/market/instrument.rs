use serde::{Deserialize, Serialize};

use crate::money::Quantity;

/// What can be held of an instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstrumentKind {
    /// Coins: what is not owned cannot be sold without margin.
    #[default]
    Spot,
    /// A perpetual future: both sides, with funding.
    Perpetual,
}

/// A venue's rules for one market, as far as they bind an order's quantity.
///
/// The default has no step and no minimum: research precision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Instrument {
    /// Spot or perpetual.
    pub kind: InstrumentKind,
    /// Quantities are multiples of this, if given.
    #[doc(alias = "lot size")]
    pub quantity_step: Option<Quantity>,
    /// Smallest quantity of an order.
    pub min_quantity: Option<Quantity>,
    /// Smallest notional of an order, in quote currency.
    pub min_notional: Option<Quantity>,
}

impl Instrument {
    /// Rounds `quantity` down to the step. `None` if it is no positive number to begin with or
    /// nothing is left.
    #[inline]
    pub fn floor_quantity(&self, quantity: f64) -> Option<f64> {
        let floored = match self.quantity_step {
            None => quantity,
            Some(step) => Quantity::from_f64(quantity).ok()?.floor_to(step).to_f64(),
        };
        (floored > 0.0 && floored.is_finite()).then_some(floored)
    }

    /// Whether an order of `quantity` at `price` reaches both minimums.
    #[inline]
    pub fn reaches_minimum(&self, quantity: f64, price: f64) -> bool {
        self.min_quantity.is_none_or(|min| quantity >= min.to_f64())
            && self.min_notional.is_none_or(|min| quantity * price >= min.to_f64())
    }
}
