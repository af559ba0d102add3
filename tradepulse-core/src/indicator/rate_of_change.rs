use super::past::{self, Past};
use super::{BatchError, Indicator, PeriodError, checked};

/// Rate of change over `period` candles, in percent.
///
/// TA-Lib `ROC`: `(x / x[period candles ago] − 1) × 100`. First value after `period` inputs. 0 where
/// the value before was 0.
///
/// ```
/// use tradepulse_core::indicator::{Indicator, RateOfChange};
/// let mut rate = RateOfChange::new(1)?;
/// assert_eq!([2.0, 3.0].map(|x| rate.next(x)), [None, Some(50.0)]);
/// # Ok::<(), tradepulse_core::indicator::PeriodError>(())
/// ```
#[doc(alias = "ROC")]
#[derive(Clone, Debug)]
pub struct RateOfChange(Past);

#[inline]
fn rate(value: f64, past: f64) -> f64 {
    if past == 0.0 { 0.0 } else { (value / past - 1.0) * 100.0 }
}

impl RateOfChange {
    /// The rate over `period` values.
    ///
    /// # Errors
    /// Unless `period` is 1 to 100,000.
    pub fn new(period: usize) -> Result<Self, PeriodError> {
        Ok(Self(Past::new(checked("period", period, 1)?)))
    }

    /// The rates of a whole column; `NaN` while warming up.
    ///
    /// # Errors
    /// A period as in [`new`](Self::new), or columns that differ in length.
    pub fn batch(period: usize, values: &[f64], out: &mut [f64]) -> Result<(), BatchError> {
        past::fill(checked("period", period, 1)?, values, out, rate)
    }
}

impl Indicator for RateOfChange {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn next(&mut self, value: f64) -> Option<f64> {
        self.0.push(value).map(|past| rate(value, past))
    }

    fn warm_up(&self) -> usize {
        self.0.len()
    }
}
