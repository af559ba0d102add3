use std::fmt;

use rust_decimal::Decimal;
use rust_decimal::prelude::FromStr;
use serde::{Deserialize, Serialize};

use super::MoneyError;

/// A price in quote currency per unit of base currency: exact and above zero.
///
/// ```
/// use tradepulse_core::money::Price;
/// let tick: Price = "0.01".parse()?;
/// let price = Price::from_f64(101.239)?;
/// assert_eq!(price.floor_to(tick).to_string(), "101.23");
/// assert_eq!(price.ceil_to(tick).to_string(), "101.24");
/// # Ok::<(), tradepulse_core::money::MoneyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Decimal", into = "Decimal")]
pub struct Price(Decimal);

impl Price {
    /// The decimal that `value` prints as.
    ///
    /// # Errors
    /// If it is not above zero, not finite, or needs more than 28 decimal places.
    pub fn from_f64(value: f64) -> Result<Self, MoneyError> {
        super::from_f64(value)?.try_into()
    }

    /// The nearest float.
    pub fn to_f64(self) -> f64 {
        super::to_f64(self.0)
    }

    /// The largest multiple of `tick` that is not above this price, but at least one tick.
    #[must_use]
    pub fn floor_to(self, tick: Self) -> Self {
        Self(super::floor_to(self.0, tick.0).max(tick.0))
    }

    /// The smallest multiple of `tick` that is not below this price.
    #[must_use]
    pub fn ceil_to(self, tick: Self) -> Self {
        let floored = super::floor_to(self.0, tick.0);
        if floored == self.0 {
            return self;
        }
        Self(floored.checked_add(tick.0).unwrap_or(self.0))
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.normalize().fmt(f)
    }
}

impl FromStr for Price {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let value = Decimal::from_str(text).map_err(|_| MoneyError::NoPrice(text.to_owned()))?;
        value.try_into()
    }
}

impl TryFrom<Decimal> for Price {
    type Error = MoneyError;

    fn try_from(value: Decimal) -> Result<Self, MoneyError> {
        if value <= Decimal::ZERO {
            return Err(MoneyError::NoPrice(value.to_string()));
        }
        Ok(Self(value))
    }
}

impl From<Price> for Decimal {
    fn from(price: Price) -> Self {
        price.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rounding_brackets_the_price(value in 0.01..1e6_f64, cents in 1_i64..500) {
            let (price, tick) = (Price::from_f64(value).unwrap(), Price(Decimal::new(cents, 2)));
            let (below, above) = (price.floor_to(tick), price.ceil_to(tick));
            prop_assert!((below.0 % tick.0).is_zero() && (above.0 % tick.0).is_zero());
            prop_assert!(price <= above && (below <= price || below == tick));
            prop_assert!(above.0 - below.0 <= tick.0);
        }
    }

    #[test]
    fn what_is_no_price_is_refused() {
        for value in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Price::from_f64(value).is_err(), "{value}");
        }
        assert!("0".parse::<Price>().is_err());
        assert!(serde_json::from_str::<Price>("\"-3\"").is_err());
    }
}
