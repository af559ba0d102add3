use super::aggregate::Moments;
use super::standard_deviation::{checked_multiplier, deviation};
use super::window::Window;
use super::{BatchError, Indicator, PeriodError, checked};

/// Bollinger bands: the mean of the last `period` values, and bands a multiple of their standard
/// deviation away, in their unit.
///
/// Bollinger, TA-Lib `BBANDS` with a simple average: the population deviation, as in
/// [`StandardDeviation`](super::StandardDeviation). First value after `period − 1` inputs. While all
/// values are equal, so are the bands.
///
/// ```
/// use tradepulse_core::indicator::{Bands, Bollinger, Indicator};
/// let mut bollinger = Bollinger::new(2, 2.0)?;
/// assert_eq!(bollinger.next(1.0), None);
/// assert_eq!(bollinger.next(3.0), Some(Bands { upper: 4.0, middle: 2.0, lower: 0.0 }));
/// # Ok::<(), tradepulse_core::indicator::PeriodError>(())
/// ```
#[doc(alias = "BBANDS")]
#[derive(Clone, Debug)]
pub struct Bollinger {
    window: Window<Moments>,
    share: f64,
    multiplier: f64,
}

/// The lines of [`Bollinger`], in the unit of the values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bands {
    /// The mean plus the multiple of the deviation.
    pub upper: f64,
    /// The mean.
    pub middle: f64,
    /// The mean less the multiple of the deviation.
    pub lower: f64,
}

impl Bollinger {
    /// Bands `multiplier` deviations around the mean of `period` values (classically 20 and 2).
    ///
    /// # Errors
    /// Unless `period` is 1 to 100,000 and `multiplier` finite and not negative.
    pub fn new(period: usize, multiplier: f64) -> Result<Self, PeriodError> {
        let period = checked("period", period, 1)?;
        let multiplier = checked_multiplier(multiplier)?;
        Ok(Self { window: Window::new(period, Moments), share: 1.0 / period as f64, multiplier })
    }

    /// The bands of a whole column; `NaN` while warming up.
    ///
    /// # Errors
    /// Parameters as in [`new`](Self::new), or columns that differ in length.
    pub fn batch(
        period: usize,
        multiplier: f64,
        values: &[f64],
        upper: &mut [f64],
        middle: &mut [f64],
        lower: &mut [f64],
    ) -> Result<(), BatchError> {
        let Self { window, share, multiplier } = Self::new(period, multiplier)?;
        let outs = [upper, middle, lower];
        window.fill(values, [], outs, |[], sums, reference| {
            let Bands { upper, middle, lower } = bands(sums, reference, share, multiplier);
            [upper, middle, lower]
        })
    }
}

/// The bands from the sums of differences to a reference.
#[inline]
fn bands(sums: [f64; 2], reference: f64, share: f64, multiplier: f64) -> Bands {
    let middle = reference + sums[0] * share;
    let width = deviation(sums, share) * multiplier;
    Bands { upper: middle + width, middle, lower: middle - width }
}

impl Indicator for Bollinger {
    type Input = f64;
    type Output = Bands;

    #[inline]
    fn next(&mut self, value: f64) -> Option<Bands> {
        let (sums, reference) = self.window.push(value)?;
        Some(bands(sums, reference, self.share, self.multiplier))
    }

    fn warm_up(&self) -> usize {
        self.window.len() - 1
    }
}
