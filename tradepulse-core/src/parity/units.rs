use std::ops::{AddAssign, Sub, SubAssign};

use rust_decimal::Decimal;

use super::ParityError;
use crate::money::Amount;

/// A sum of money in units of 10⁻⁸. A figure has at most 10²⁶ of them, so that sums of any number
/// of figures that fit into memory fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Units(i128);

impl Units {
    const PER_WHOLE: f64 = 1e8;
    const SCALE: u32 = 8;
    const LARGEST: f64 = 1e18;

    /// The nearest number of units.
    pub(super) fn of(figure: f64) -> Result<Self, ParityError> {
        if figure.is_nan() || figure.abs() > Self::LARGEST {
            return Err(ParityError::Figure { figure });
        }
        Ok(Self((figure * Self::PER_WHOLE).round() as i128))
    }

    /// As an amount; the largest there is where it does not fit (beyond 10²⁰).
    pub(super) fn amount(self) -> Amount {
        let most = Decimal::MAX.mantissa();
        let fitting = self.0.clamp(-most, most);
        Amount::from(Decimal::from_i128_with_scale(fitting, Self::SCALE))
    }
}

impl AddAssign for Units {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl SubAssign for Units {
    fn sub_assign(&mut self, other: Self) {
        self.0 -= other.0;
    }
}

impl Sub for Units {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}
