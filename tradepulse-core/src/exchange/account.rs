use serde::{Deserialize, Serialize};

use crate::market::Symbol;
use crate::money::{Price, Quantity};
use crate::order::Side;

/// What an account holds of one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// Such as `USDT`.
    pub currency: String,
    /// Free to use.
    pub free: Quantity,
    /// Bound by open orders.
    pub locked: Quantity,
}

/// What the key of an account may do, as far as the venue tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyPermissions {
    /// Whether it may trade.
    pub trade: Option<bool>,
    /// Whether it may withdraw, which nothing here needs.
    pub withdraw: Option<bool>,
}

/// A position of a derivatives account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VenuePosition {
    /// The market.
    pub symbol: Symbol,
    /// Long or short.
    pub side: Side,
    /// Base currency, above zero.
    pub quantity: Quantity,
    /// Average entry price.
    pub entry_price: Price,
}
