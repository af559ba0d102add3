use std::fmt;

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromStr, Zero};
use serde::{Deserialize, Serialize};

use super::{Amount, MoneyError, Price};

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
        super::from_f64(value)?.try_into()
    }

    /// The nearest float.
    pub fn to_f64(self) -> f64 {
        super::to_f64(self.0)
    }

    /// The largest multiple of `step` that is not above this quantity; unchanged if `step` is 0.
    pub fn floor_to(self, step: Self) -> Self {
        Self(super::floor_to(self.0, step.0))
    }

    /// Nothing.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// Whether it is nothing.
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// The sum; the larger of both where that does not fit.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.checked_add(other.0).unwrap_or(self.0.max(other.0)))
    }

    /// What is left after taking `other` away, at least nothing.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.checked_sub(other.0).unwrap_or_default().max(Decimal::ZERO))
    }

    /// What it costs at `price`, in quote currency.
    pub fn times(self, price: Price) -> Amount {
        Amount::from(self.0.checked_mul(price.into()).unwrap_or(Decimal::MAX))
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
