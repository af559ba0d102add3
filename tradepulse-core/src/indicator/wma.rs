use super::aggregate::Weighted;
use super::window::Window;
use super::{BatchError, Indicator, PeriodError, checked};

/// Weighted moving average: the oldest of the last `period` values weighs 1, the newest `period`;
/// in their unit.
///
/// TA-Lib `WMA`. First value after `period − 1` inputs.
///
/// ```
/// use tradepulse_core::indicator::{Indicator, Wma};
/// let mut wma = Wma::new(2)?;
/// assert_eq!([1.0, 4.0, 1.0].map(|x| wma.next(x)), [None, Some(3.0), Some(2.0)]);
/// # Ok::<(), tradepulse_core::indicator::PeriodError>(())
/// ```
#[doc(alias = "WMA")]
#[doc(alias = "linearly weighted moving average")]
#[derive(Clone, Debug)]
pub struct Wma {
    window: Window<Weighted<false>>,
    weights: f64,
}

impl Wma {
    /// The weighted mean of the last `period` values.
    ///
    /// # Errors
    /// Unless `period` is 1 to 100,000.
    pub fn new(period: usize) -> Result<Self, PeriodError> {
        let period = checked("period", period, 1)?;
        let n = period as f64;
        let window = Window::new(period, Weighted { newest: n - 1.0 });
        Ok(Self { window, weights: n * (n + 1.0) / 2.0 })
    }

    /// The weighted means of a whole column; `NaN` while warming up.
    ///
    /// # Errors
    /// A period as in [`new`](Self::new), or columns that differ in length.
    pub fn batch(period: usize, values: &[f64], out: &mut [f64]) -> Result<(), BatchError> {
        let Self { window, weights } = Self::new(period)?;
        window.fill(values, [], [out], |[], sums, _| [mean(sums, weights)])
    }
}

/// Positions count from 0, weights from 1.
#[inline]
fn mean([sum, weighted]: [f64; 2], weights: f64) -> f64 {
    (weighted + sum) / weights
}

impl Indicator for Wma {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn next(&mut self, value: f64) -> Option<f64> {
        self.window.push(value).map(|(sums, _)| mean(sums, self.weights))
    }

    fn warm_up(&self) -> usize {
        self.window.len() - 1
    }
}
