use super::aggregate::Moments;
use super::window::Window;
use super::{BatchError, Indicator, PeriodError, checked};

/// Standard deviation of the last `period` values times a multiplier, in their unit.
///
/// TA-Lib `STDDEV`: the population deviation (the mean of squares is over `period`, not
/// `period − 1`). First value after `period − 1` inputs. Exactly 0 while all values are equal.
///
/// ```
/// use tradepulse_core::indicator::{Indicator, StandardDeviation};
/// let mut deviation = StandardDeviation::new(2, 1.0)?;
/// assert_eq!([1.0, 3.0, 3.0].map(|x| deviation.next(x)), [None, Some(1.0), Some(0.0)]);
/// # Ok::<(), tradepulse_core::indicator::PeriodError>(())
/// ```
#[doc(alias = "STDDEV")]
#[doc(alias = "volatility")]
#[derive(Clone, Debug)]
pub struct StandardDeviation {
    window: Window<Moments>,
    share: f64,
    multiplier: f64,
}

impl StandardDeviation {
    /// `multiplier` times the deviation of the last `period` values.
    ///
    /// # Errors
    /// Unless `period` is 1 to 100,000 and `multiplier` finite and not negative.
    pub fn new(period: usize, multiplier: f64) -> Result<Self, PeriodError> {
        let period = checked("period", period, 1)?;
        let multiplier = checked_multiplier(multiplier)?;
        Ok(Self { window: Window::new(period, Moments), share: 1.0 / period as f64, multiplier })
    }

    /// The deviations of a whole column; `NaN` while warming up.
    ///
    /// # Errors
    /// Parameters as in [`new`](Self::new), or columns that differ in length.
    pub fn batch(
        period: usize,
        multiplier: f64,
        values: &[f64],
        out: &mut [f64],
    ) -> Result<(), BatchError> {
        let Self { window, share, multiplier } = Self::new(period, multiplier)?;
        window.fill(values, [], [out], |[], sums, _| [deviation(sums, share) * multiplier])
    }
}

/// The population deviation of values, one of which weighs `share`, from the sums of their
/// differences to a reference.
#[inline]
pub(super) fn deviation([differences, squares]: [f64; 2], share: f64) -> f64 {
    let mean = differences * share;
    let variance = squares * share - mean * mean;
    if variance > 0.0 { variance.sqrt() } else { 0.0 }
}

/// Checks that `found` is finite and not negative.
pub(super) fn checked_multiplier(found: f64) -> Result<f64, PeriodError> {
    if found.is_finite() && found >= 0.0 {
        Ok(found)
    } else {
        Err(PeriodError::Multiplier { found })
    }
}

impl Indicator for StandardDeviation {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn next(&mut self, value: f64) -> Option<f64> {
        let (sums, _) = self.window.push(value)?;
        Some(deviation(sums, self.share) * self.multiplier)
    }

    fn warm_up(&self) -> usize {
        self.window.len() - 1
    }
}
