use super::batch::{self, Settled};
use super::{BatchError, Indicator, PeriodError, checked};

/// Relative strength index: the share of gains in all price changes, 0 to 100.
///
/// Wilder 1978, TA-Lib `RSI`: `100 × gain / (gain + loss)`, both averaged over the first `period`
/// changes and then smoothed by `(average' × (period − 1) + change) / period`. First value after
/// `period` inputs. A series without any gain or loss answers 0, as TA-Lib does.
///
/// ```
/// use tradepulse_core::indicator::{Indicator, Rsi};
/// let mut rsi = Rsi::new(2)?;
/// assert_eq!([1.0, 4.0, 3.0].map(|x| rsi.next(x)), [None, None, Some(75.0)]);
/// # Ok::<(), tradepulse_core::indicator::PeriodError>(())
/// ```
#[doc(alias = "RSI")]
#[doc(alias = "relative strength index")]
#[derive(Clone, Debug)]
pub struct Rsi {
    period: usize,
    seen: usize,
    keep: f64,
    previous: f64,
    // `period` times the averages: the factor cancels.
    gain: f64,
    loss: f64,
}

impl Rsi {
    /// The index over `period` changes.
    ///
    /// # Errors
    /// Unless `period` is 1 to 100,000.
    pub fn new(period: usize) -> Result<Self, PeriodError> {
        let period = checked("period", period, 1)?;
        let keep = (period as f64 - 1.0) / period as f64;
        Ok(Self { period, seen: 0, keep, previous: 0.0, gain: 0.0, loss: 0.0 })
    }

    /// The index of a whole column; `NaN` while warming up.
    ///
    /// # Errors
    /// A period as in [`new`](Self::new), or columns that differ in length.
    pub fn batch(period: usize, values: &[f64], out: &mut [f64]) -> Result<(), BatchError> {
        batch::fill_settled(Self::new(period)?, values.iter().copied(), [out], |value| [value])
    }
}

/// Gains and losses this small have lost their digits; they count as none.
pub(super) const NONE_LEFT: f64 = f64::MIN_POSITIVE / f64::EPSILON;

impl Indicator for Rsi {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn next(&mut self, value: f64) -> Option<f64> {
        if self.seen > self.period {
            return Some(self.settled(value));
        }
        let (gain, loss) = self.change(value);
        if self.seen > 0 {
            self.gain += gain;
            self.loss += loss;
        }
        self.seen += 1;
        (self.seen > self.period).then(|| self.index())
    }

    fn warm_up(&self) -> usize {
        self.period
    }
}

impl Settled for Rsi {
    #[inline]
    fn settled(&mut self, value: f64) -> f64 {
        let (gain, loss) = self.change(value);
        self.gain = self.gain * self.keep + gain;
        self.loss = self.loss * self.keep + loss;
        self.index()
    }
}

impl Rsi {
    /// What was gained and lost since the last value.
    #[inline]
    fn change(&mut self, value: f64) -> (f64, f64) {
        let change = value - self.previous;
        self.previous = value;
        let gain = if change > 0.0 { change } else { 0.0 };
        (gain, gain - change)
    }

    #[inline]
    fn index(&self) -> f64 {
        let total = self.gain + self.loss;
        if total > NONE_LEFT { 100.0 * (self.gain / total) } else { 0.0 }
    }
}
