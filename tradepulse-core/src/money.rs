//! The door between observations (`f64`) and obligations (exact decimals).
//!
//! Prices and quantities that bind somebody are multiples of a venue's tick or step. A float is
//! taken as the decimal it prints as (its shortest form), so that 0.3 is three steps of 0.1; on the
//! way back it becomes the nearest float. [`Quantity`] is an amount of base currency, [`Price`] a
//! price, [`Amount`] a sum of money, which may be negative.

mod amount;
mod price;
mod quantity;

use rust_decimal::Decimal;
use rust_decimal::prelude::FromStr;

pub use amount::Amount;
pub use price::Price;
pub use quantity::Quantity;

/// The decimal that `value` prints as.
fn from_f64(value: f64) -> Result<Decimal, MoneyError> {
    let unfit = || MoneyError::Unfit(value.to_string());
    if !value.is_finite() || value.abs() >= 1e28 {
        return Err(unfit());
    }
    Decimal::from_str(&value.to_string()).map_err(|_| unfit())
}

/// The nearest float.
fn to_f64(value: Decimal) -> f64 {
    value.to_string().parse().unwrap_or(f64::NAN)
}

/// The largest multiple of `step` that is not above `value`, which is not negative; unchanged if
/// `step` is 0.
fn floor_to(value: Decimal, step: Decimal) -> Decimal {
    if step.is_zero() {
        return value;
    }
    value.checked_rem(step).map_or(value, |rest| value - rest)
}

/// A number that cannot pass the door.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MoneyError {
    /// Not a finite, non-negative number of at most 28 digits.
    #[error("{0} is not an amount: expected a finite number, not negative, of at most 28 digits")]
    Unfit(String),
    /// Not a price: zero, negative, or not finite.
    #[error("{0} is not a price: expected a finite number above zero, of at most 28 digits")]
    NoPrice(String),
}
