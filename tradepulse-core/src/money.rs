//! The door between observations (`f64`) and obligations (exact decimals).
//!
//! Prices and quantities that bind somebody are multiples of a venue's tick or step. A float is
//! taken as the decimal it prints as (its shortest form), so that 0.3 is three steps of 0.1; on the
//! way back it becomes the nearest float.

use std::fmt;

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromStr, Zero};
use serde::{Deserialize, Serialize};

/// An amount of base currency, exact and not negative.
///
/// ```
/// use tradepulse_core::money::Quantity;
/// let step: Quantity = "0.001".parse()?;
/// let quantity = Quantity::from_f64(0.123999)?.floor_to(step);
/// assert_eq!(quantity.to_string(), "0.123");
/// assert_eq!(quantity.to_f64(), 0.123);
/// # Ok::<(), tradepulse_core::money::MoneyError>(())
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "Decimal", into = "Decimal")]
pub struct Quantity(Decimal);

impl Quantity {
    /// The decimal that `value` prints as.
    ///
    /// # Errors
    /// If it is negative, not finite, or needs more than 28 decimal places.
    pub fn from_f64(value: f64) -> Result<Self, MoneyError> {
        let unfit = || MoneyError::Unfit(value.to_string());
        if !value.is_finite() || value.abs() >= 1e28 {
            return Err(unfit());
        }
        value.to_string().parse().map_err(|_| unfit())
    }

    /// The nearest float.
    pub fn to_f64(self) -> f64 {
        self.0.to_string().parse().unwrap_or(f64::NAN)
    }

    /// The largest multiple of `step` that is not above this quantity; unchanged if `step` is 0.
    pub fn floor_to(self, step: Self) -> Self {
        if step.is_zero() {
            return self;
        }
        Self(self.0.checked_rem(step.0).map_or(self.0, |rest| self.0 - rest))
    }

    /// Whether it is nothing.
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.normalize().fmt(f)
    }
}

impl FromStr for Quantity {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let value = Decimal::from_str(text).map_err(|_| MoneyError::Unfit(text.to_owned()))?;
        value.try_into()
    }
}

impl TryFrom<Decimal> for Quantity {
    type Error = MoneyError;

    fn try_from(value: Decimal) -> Result<Self, MoneyError> {
        if value < Decimal::zero() {
            return Err(MoneyError::Unfit(value.to_string()));
        }
        Ok(Self(value))
    }
}

impl From<Quantity> for Decimal {
    fn from(quantity: Quantity) -> Self {
        quantity.0
    }
}

/// A number that cannot pass the door.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MoneyError {
    /// Not a finite, non-negative number of at most 28 digits.
    #[error("{0} is not an amount: expected a finite number, not negative, of at most 28 digits")]
    Unfit(String),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The door loses nothing: float to decimal and back gives the same bits.
        #[test]
        fn the_door_is_lossless(mantissa in 1_u64..(1 << 53), exponent in -70_i32..40) {
            let value = mantissa as f64 * 2_f64.powi(exponent);
            prop_assume!((1e-9..1e15).contains(&value));
            prop_assert_eq!(Quantity::from_f64(value).unwrap().to_f64().to_bits(), value.to_bits());
        }

        #[test]
        fn flooring_stays_on_the_grid(units in 0_u64..1_000_000_000, scale in 0_u32..8, value in 0.0..1e6_f64) {
            let step = Quantity(Decimal::new(1 + i64::try_from(units % 99).unwrap(), scale));
            let quantity = Quantity::from_f64(value).unwrap();
            let floored = quantity.floor_to(step);
            prop_assert!((floored.0 % step.0).is_zero());
            prop_assert!(floored <= quantity && quantity.0 - floored.0 < step.0);
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for value in [-1.0, f64::NAN, f64::INFINITY, 1e300] {
            assert!(Quantity::from_f64(value).is_err(), "{value}");
        }
        assert!("-1".parse::<Quantity>().is_err());
        assert_eq!(Quantity::from_f64(0.3).unwrap().floor_to("0.1".parse().unwrap()).to_f64(), 0.3);
        assert!(serde_json::from_str::<Quantity>("\"-3\"").is_err());
    }
}
