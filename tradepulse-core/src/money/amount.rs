use std::fmt;
use std::ops::Neg;

use rust_decimal::Decimal;
use rust_decimal::prelude::FromStr;
use serde::{Deserialize, Serialize};

use super::MoneyError;

/// A sum of money in some currency, exact; negative where it is owed.
///
/// ```
/// use tradepulse_core::money::Amount;
/// let fee: Amount = "0.25".parse()?;
/// assert_eq!((-fee).plus(fee), Amount::ZERO);
/// # Ok::<(), tradepulse_core::money::MoneyError>(())
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Amount(Decimal);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// The decimal that `value` prints as.
    ///
    /// # Errors
    /// If it is not finite, or needs more than 28 decimal places.
    pub fn from_f64(value: f64) -> Result<Self, MoneyError> {
        super::from_f64(value).map(Self)
    }

    /// The nearest float.
    pub fn to_f64(self) -> f64 {
        super::to_f64(self.0)
    }

    /// The sum; the larger of both where that does not fit.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.checked_add(other.0).unwrap_or(self.0.max(other.0)))
    }
}

impl Neg for Amount {
    type Output = Self;

    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.normalize().fmt(f)
    }
}

impl FromStr for Amount {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        Decimal::from_str(text).map(Self).map_err(|_| MoneyError::Unfit(text.to_owned()))
    }
}

impl From<Decimal> for Amount {
    fn from(value: Decimal) -> Self {
        Self(value)
    }
}

impl From<Amount> for Decimal {
    fn from(amount: Amount) -> Self {
        amount.0
    }
}
