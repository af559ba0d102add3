use super::aggregate::Extreme;
use super::window::Window;
use super::{BatchError, Indicator, PeriodError, checked};

/// Rolling maximum: the highest of the last `period` values, in their unit.
///
/// TA-Lib `MAX`. First value after `period − 1` inputs. Constant time per value, however long the
/// period.
///
/// ```
/// use tradepulse_core::indicator::{Indicator, RollingMax};
/// let mut highest = RollingMax::new(2)?;
/// assert_eq!([3.0, 1.0, 2.0].map(|x| highest.next(x)), [None, Some(3.0), Some(2.0)]);
/// # Ok::<(), tradepulse_core::indicator::PeriodError>(())
/// ```
#[doc(alias = "MAX")]
#[doc(alias = "highest")]
#[derive(Clone, Debug)]
pub struct RollingMax(Window<Extreme<true>>);

/// Rolling minimum: the lowest of the last `period` values, in their unit.
///
/// TA-Lib `MIN`. First value after `period − 1` inputs. Constant time per value, however long the
/// period.
///
/// ```
/// use tradepulse_core::indicator::{Indicator, RollingMin};
/// let mut lowest = RollingMin::new(2)?;
/// assert_eq!([3.0, 1.0, 2.0].map(|x| lowest.next(x)), [None, Some(1.0), Some(1.0)]);
/// # Ok::<(), tradepulse_core::indicator::PeriodError>(())
/// ```
#[doc(alias = "MIN")]
#[doc(alias = "lowest")]
#[derive(Clone, Debug)]
pub struct RollingMin(Window<Extreme<false>>);

impl RollingMax {
    /// The highest of the last `period` values.
    ///
    /// # Errors
    /// Unless `period` is 1 to 100,000.
    pub fn new(period: usize) -> Result<Self, PeriodError> {
        Ok(Self(Window::new(checked("period", period, 1)?, Extreme)))
    }

    /// The rolling maxima of a whole column; `NaN` while warming up.
    ///
    /// # Errors
    /// A period as in [`new`](Self::new), or columns that differ in length.
    pub fn batch(period: usize, values: &[f64], out: &mut [f64]) -> Result<(), BatchError> {
        Self::new(period)?.0.fill(values, [], [out], |[], extreme, _| [extreme])
    }
}

impl RollingMin {
    /// The lowest of the last `period` values.
    ///
    /// # Errors
    /// Unless `period` is 1 to 100,000.
    pub fn new(period: usize) -> Result<Self, PeriodError> {
        Ok(Self(Window::new(checked("period", period, 1)?, Extreme)))
    }

    /// The rolling minima of a whole column; `NaN` while warming up.
    ///
    /// # Errors
    /// A period as in [`new`](Self::new), or columns that differ in length.
    pub fn batch(period: usize, values: &[f64], out: &mut [f64]) -> Result<(), BatchError> {
        Self::new(period)?.0.fill(values, [], [out], |[], extreme, _| [extreme])
    }
}

impl Indicator for RollingMax {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn next(&mut self, value: f64) -> Option<f64> {
        self.0.push(value).map(|(extreme, _)| extreme)
    }

    fn warm_up(&self) -> usize {
        self.0.len() - 1
    }
}

impl Indicator for RollingMin {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn next(&mut self, value: f64) -> Option<f64> {
        self.0.push(value).map(|(extreme, _)| extreme)
    }

    fn warm_up(&self) -> usize {
        self.0.len() - 1
    }
}
