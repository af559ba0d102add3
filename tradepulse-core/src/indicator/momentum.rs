use super::past::{self, Past};
use super::{BatchError, Indicator, PeriodError, checked};

/// Momentum: the change over `period` candles, in the unit of the values.
///
/// TA-Lib `MOM`: `x − x[period candles ago]`. First value after `period` inputs.
///
/// ```
/// use tradepulse_core::indicator::{Indicator, Momentum};
/// let mut momentum = Momentum::new(2)?;
/// assert_eq!([1.0, 5.0, 4.0].map(|x| momentum.next(x)), [None, None, Some(3.0)]);
/// # Ok::<(), tradepulse_core::indicator::PeriodError>(())
/// ```
#[doc(alias = "MOM")]
#[derive(Clone, Debug)]
pub struct Momentum(Past);

#[inline]
fn change(value: f64, past: f64) -> f64 {
    value - past
}

impl Momentum {
    /// The change over `period` values.
    ///
    /// # Errors
    /// Unless `period` is 1 to 100,000.
    pub fn new(period: usize) -> Result<Self, PeriodError> {
        Ok(Self(Past::new(checked("period", period, 1)?)))
    }

    /// The changes of a whole column; `NaN` while warming up.
    ///
    /// # Errors
    /// A period as in [`new`](Self::new), or columns that differ in length.
    pub fn batch(period: usize, values: &[f64], out: &mut [f64]) -> Result<(), BatchError> {
        past::fill(checked("period", period, 1)?, values, out, change)
    }
}

impl Indicator for Momentum {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn next(&mut self, value: f64) -> Option<f64> {
        self.0.push(value).map(|past| change(value, past))
    }

    fn warm_up(&self) -> usize {
        self.0.len()
    }
}
