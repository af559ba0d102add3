use super::aggregate::Sum;
use super::window::Window;
use super::{BatchError, Indicator, PeriodError, checked};

/// Simple moving average: the mean of the last `period` values, in their unit.
///
/// TA-Lib `SMA`. First value after `period − 1` inputs.
///
/// ```
/// use tradepulse_core::indicator::{Indicator, Sma};
/// let mut sma = Sma::new(2)?;
/// assert_eq!([1.0, 3.0, 4.0].map(|x| sma.next(x)), [None, Some(2.0), Some(3.5)]);
/// # Ok::<(), tradepulse_core::indicator::PeriodError>(())
/// ```
#[doc(alias = "SMA")]
#[doc(alias = "moving average")]
#[derive(Clone, Debug)]
pub struct Sma {
    window: Window<Sum<1>>,
    count: f64,
}

impl Sma {
    /// The mean of the last `period` values.
    ///
    /// # Errors
    /// Unless `period` is 1 to 100,000.
    pub fn new(period: usize) -> Result<Self, PeriodError> {
        let period = checked("period", period, 1)?;
        Ok(Self { window: Window::new(period, Sum), count: period as f64 })
    }

    /// The means of a whole column; `NaN` while warming up.
    ///
    /// # Errors
    /// A period as in [`new`](Self::new), or columns that differ in length.
    pub fn batch(period: usize, values: &[f64], out: &mut [f64]) -> Result<(), BatchError> {
        let Self { window, count } = Self::new(period)?;
        window.fill(values.as_chunks().0, [], [out], |[], [sum], _| [sum / count])
    }
}

impl Indicator for Sma {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn next(&mut self, value: f64) -> Option<f64> {
        self.window.push([value]).map(|([sum], _)| sum / self.count)
    }

    fn warm_up(&self) -> usize {
        self.window.len() - 1
    }
}
