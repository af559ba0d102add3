use super::aggregate::{Aggregate, Extreme};
use super::window::Window;
use super::{BatchError, Indicator, PeriodError, batch, checked};

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
        extremes::<true>(Self::new(period)?.0.len(), values, out)
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
        extremes::<false>(Self::new(period)?.0.len(), values, out)
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

/// The extremes of windows of `n`, as [`Window`] finds them: each is the further of that of the end
/// of one block and that of the start of the next. Both are found in one pass over a block.
fn extremes<const HIGH: bool>(n: usize, values: &[f64], out: &mut [f64]) -> Result<(), BatchError> {
    let nothing = Extreme::<HIGH>::NOTHING;
    let further = |a, b| Extreme::<HIGH>.join(a, b);
    batch::prepare(values.len(), 0, &mut [&mut *out])?;
    // From each value to the end of the last block, and of the present one; none after the end.
    let (mut ends, mut next) = (vec![nothing; n + 1], vec![nothing; n + 1]);
    for (block, out) in values.chunks(n).zip(out.chunks_mut(n)) {
        let length = block.len();
        let (mut start, mut end) = (nothing, nothing);
        let (before, slots) = (&ends[1..][..length], &mut next[..length]);
        let out = &mut out[..length];
        for i in 0..length {
            start = further(start, block[i]);
            out[i] = further(before[i], start);
            let j = length - 1 - i;
            end = further(end, block[j]);
            slots[j] = end;
        }
        std::mem::swap(&mut ends, &mut next);
    }
    batch::prepare(values.len(), n - 1, &mut [out])
}
