use super::aggregate::Weighted;
use super::window::Window;
use super::{BatchError, Indicator, PeriodError, checked};

/// Slope of the least-squares line through the last `period` values, in their unit per candle.
///
/// TA-Lib `LINEARREG_SLOPE`. First value after `period − 1` inputs. Exactly 0 while all values are
/// equal.
///
/// ```
/// use tradepulse_core::indicator::{Indicator, LinearRegressionSlope};
/// let mut slope = LinearRegressionSlope::new(3)?;
/// assert_eq!([1.0, 3.0, 5.0].map(|x| slope.next(x)), [None, None, Some(2.0)]);
/// # Ok::<(), tradepulse_core::indicator::PeriodError>(())
/// ```
#[doc(alias = "LINEARREG_SLOPE")]
#[doc(alias = "trend")]
#[derive(Clone, Debug)]
pub struct LinearRegressionSlope {
    window: Window<Weighted<true>>,
    middle: f64,
    divisor: f64,
}

impl LinearRegressionSlope {
    /// The slope over the last `period` values.
    ///
    /// # Errors
    /// Unless `period` is 2 to 100,000.
    pub fn new(period: usize) -> Result<Self, PeriodError> {
        let period = checked("period", period, 2)?;
        let n = period as f64;
        Ok(Self {
            window: Window::new(period, Weighted { newest: n - 1.0 }),
            middle: (n - 1.0) / 2.0,
            divisor: n * (n * n - 1.0) / 12.0,
        })
    }

    /// The slopes of a whole column; `NaN` while warming up.
    ///
    /// # Errors
    /// A period as in [`new`](Self::new), or columns that differ in length.
    pub fn batch(period: usize, values: &[f64], out: &mut [f64]) -> Result<(), BatchError> {
        let Self { window, middle, divisor } = Self::new(period)?;
        window.fill(values, [], [out], |[], sums, _| [slope(sums, middle, divisor)])
    }
}

/// Weights each value by its distance from the middle of the window.
#[inline]
fn slope([sum, weighted]: [f64; 2], middle: f64, divisor: f64) -> f64 {
    (weighted - middle * sum) / divisor
}

impl Indicator for LinearRegressionSlope {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn next(&mut self, value: f64) -> Option<f64> {
        self.window.push(value).map(|(sums, _)| slope(sums, self.middle, self.divisor))
    }

    fn warm_up(&self) -> usize {
        self.window.len() - 1
    }
}
