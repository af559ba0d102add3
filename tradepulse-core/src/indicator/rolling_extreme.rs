use super::{BatchError, Indicator, PeriodError, batch, checked};

/// The highest (`HIGH`) or lowest of the last `n` values: a suffix of the last full block of `n`
/// and what the new block holds so far, as in [`WindowSum`](super::window_sum::WindowSum).
#[derive(Clone, Debug)]
pub(super) struct WindowExtreme<const HIGH: bool> {
    slots: Box<[f64]>,
    at: usize,
    prefix: f64,
    full: bool,
}

impl<const HIGH: bool> WindowExtreme<HIGH> {
    const NOTHING: f64 = if HIGH { f64::NEG_INFINITY } else { f64::INFINITY };

    pub(super) fn new(n: usize) -> Self {
        Self { slots: vec![0.0; n].into(), at: 0, prefix: Self::NOTHING, full: false }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    #[inline]
    fn further(a: f64, b: f64) -> f64 {
        if HIGH == (a > b) { a } else { b }
    }

    /// Takes `value`; the extreme once there are `n`.
    #[inline]
    pub(super) fn push(&mut self, value: f64) -> Option<f64> {
        self.prefix = Self::further(value, self.prefix);
        self.slots[self.at] = value;
        self.at += 1;
        if self.at < self.slots.len() {
            return self.full.then(|| Self::further(self.slots[self.at], self.prefix));
        }
        let extreme = self.prefix;
        let mut suffix = Self::NOTHING;
        for slot in self.slots.iter_mut().rev() {
            suffix = Self::further(*slot, suffix);
            *slot = suffix;
        }
        self.at = 0;
        self.prefix = Self::NOTHING;
        self.full = true;
        Some(extreme)
    }
}

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
pub struct RollingMax(WindowExtreme<true>);

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
pub struct RollingMin(WindowExtreme<false>);

impl RollingMax {
    /// The highest of the last `period` values.
    ///
    /// # Errors
    /// Unless `period` is 1 to 100,000.
    pub fn new(period: usize) -> Result<Self, PeriodError> {
        Ok(Self(WindowExtreme::new(checked("period", period, 1)?)))
    }

    /// The rolling maxima of a whole column; `NaN` while warming up.
    ///
    /// # Errors
    /// A period as in [`new`](Self::new), or columns that differ in length.
    pub fn batch(period: usize, values: &[f64], out: &mut [f64]) -> Result<(), BatchError> {
        batch::fill_one(Self::new(period)?, values, out)
    }
}

impl RollingMin {
    /// The lowest of the last `period` values.
    ///
    /// # Errors
    /// Unless `period` is 1 to 100,000.
    pub fn new(period: usize) -> Result<Self, PeriodError> {
        Ok(Self(WindowExtreme::new(checked("period", period, 1)?)))
    }

    /// The rolling minima of a whole column; `NaN` while warming up.
    ///
    /// # Errors
    /// A period as in [`new`](Self::new), or columns that differ in length.
    pub fn batch(period: usize, values: &[f64], out: &mut [f64]) -> Result<(), BatchError> {
        batch::fill_one(Self::new(period)?, values, out)
    }
}

impl Indicator for RollingMax {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn next(&mut self, value: f64) -> Option<f64> {
        self.0.push(value)
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
        self.0.push(value)
    }

    fn warm_up(&self) -> usize {
        self.0.len() - 1
    }
}
