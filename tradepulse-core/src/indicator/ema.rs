use super::batch::{self, Settled};
use super::smoothing::Smoothing;
use super::{BatchError, Indicator, PeriodError, checked};

/// Exponential moving average: new values weigh `2 / (period + 1)`, in the unit of the values.
///
/// TA-Lib `EMA`: the first value, after `period − 1` inputs, is the simple mean of `period` values;
/// then `ema = ema' + 2 / (period + 1) × (x − ema')`. On a constant series it is that constant.
///
/// ```
/// use tradepulse_core::indicator::{Ema, Indicator};
/// let mut ema = Ema::new(3)?;
/// assert_eq!([1.0, 2.0, 3.0, 6.0].map(|x| ema.next(x)), [None, None, Some(2.0), Some(4.0)]);
/// # Ok::<(), tradepulse_core::indicator::PeriodError>(())
/// ```
#[doc(alias = "EMA")]
#[doc(alias = "exponential moving average")]
#[derive(Clone, Debug)]
pub struct Ema {
    period: usize,
    missing: usize,
    sum: f64,
    smoothing: Smoothing,
}

impl Ema {
    /// The average over `period` values.
    ///
    /// # Errors
    /// Unless `period` is 1 to 100,000.
    pub fn new(period: usize) -> Result<Self, PeriodError> {
        let period = checked("period", period, 1)?;
        Ok(Self { period, missing: period, sum: 0.0, smoothing: Smoothing::exponential(period) })
    }

    /// The averages of a whole column; `NaN` while warming up.
    ///
    /// # Errors
    /// A period as in [`new`](Self::new), or columns that differ in length.
    pub fn batch(period: usize, values: &[f64], out: &mut [f64]) -> Result<(), BatchError> {
        batch::fill_settled(Self::new(period)?, values.iter().copied(), [out], |value| [value])
    }
}

impl Indicator for Ema {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn next(&mut self, value: f64) -> Option<f64> {
        if self.missing == 0 {
            return Some(self.settled(value));
        }
        self.sum += value;
        self.missing -= 1;
        (self.missing == 0).then(|| {
            let mean = self.sum / self.period as f64;
            self.smoothing.start(mean, value);
            mean
        })
    }

    fn warm_up(&self) -> usize {
        self.period - 1
    }
}

impl Settled for Ema {
    #[inline]
    fn settled(&mut self, value: f64) -> f64 {
        self.smoothing.next(value)
    }
}
