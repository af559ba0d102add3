use super::mfi::typical_price;
use super::{BatchError, Indicator, PeriodError, batch, checked};
use crate::market::{Candle, Columns};

/// Commodity channel index: how far the typical price is from its mean, in units of its mean
/// deviation; about −100 to 100 three quarters of the time.
///
/// Lambert 1980, TA-Lib `CCI`: `(price − mean) / (0.015 × mean of |price − mean|)` of the typical
/// prices `(high + low + close) / 3` of `period` candles. First value after `period − 1` inputs.
/// 0 where a difference is no more than the rounding of its own prices (within 1e-14 of the mean).
/// Takes time in proportion to the period, by definition.
///
/// ```
/// use tradepulse_core::indicator::{Cci, Indicator};
/// # use tradepulse_core::market::Candle;
/// # use tradepulse_core::time::Timestamp;
/// # let candle = |close| Candle {
/// #     open_time: Timestamp::from_ms(0), open: close, high: close, low: close, close, volume: 1.0,
/// # };
/// let mut cci = Cci::new(2)?;
/// assert_eq!(cci.next(candle(10.0)), None);
/// assert_eq!(cci.next(candle(12.0)).map(f64::round), Some(67.0)); // 1 / 0.015
/// # Ok::<(), tradepulse_core::indicator::PeriodError>(())
/// ```
#[doc(alias = "CCI")]
#[derive(Clone, Debug)]
pub struct Cci {
    // The prices before the newest one, which is handed over in a register.
    before: Box<[f64]>,
    at: usize,
    missing: usize,
    count: f64,
}

/// The sum of `term` over `values`, in four parts that do not wait for each other.
#[inline]
fn sum(values: &[f64], term: impl Fn(f64) -> f64) -> f64 {
    let (fours, rest) = values.as_chunks::<4>();
    let mut sums = [0.0; 4];
    for four in fours {
        for (sum, &value) in sums.iter_mut().zip(four) {
            *sum += term(value);
        }
    }
    let rest: f64 = rest.iter().map(|&value| term(value)).sum();
    (sums[0] + sums[2]) + (sums[1] + sums[3]) + rest
}

impl Cci {
    /// The index over `period` candles.
    ///
    /// # Errors
    /// Unless `period` is 1 to 100,000.
    pub fn new(period: usize) -> Result<Self, PeriodError> {
        let period = checked("period", period, 1)?;
        let before = vec![0.0; period - 1].into();
        Ok(Self { before, at: 0, missing: period - 1, count: period as f64 })
    }

    /// The index of all candles; `NaN` while warming up.
    ///
    /// # Errors
    /// A period as in [`new`](Self::new), or columns that differ in length.
    pub fn batch(period: usize, candles: &Columns, out: &mut [f64]) -> Result<(), BatchError> {
        batch::fill(Self::new(period)?, batch::candles(candles)?, [out], |value| [value])
    }
}

impl Indicator for Cci {
    type Input = Candle;
    type Output = f64;

    #[inline]
    fn next(&mut self, candle: Candle) -> Option<f64> {
        let price = typical_price(candle.high, candle.low, candle.close);
        let mean = (sum(&self.before, |before| before) + price) / self.count;
        let distance = price - mean;
        let distances = sum(&self.before, |before| (before - mean).abs()) + distance.abs();
        let deviation = distances / self.count;
        if let Some(oldest) = self.before.get_mut(self.at) {
            *oldest = price;
            self.at += 1;
            if self.at == self.before.len() {
                self.at = 0;
            }
        }
        if self.missing > 0 {
            self.missing -= 1;
            return None;
        }
        let rounding = 1e-14 * mean.abs();
        let some = distance.abs() > rounding && deviation > rounding;
        Some(if some { distance / (0.015 * deviation) } else { 0.0 })
    }

    fn warm_up(&self) -> usize {
        self.before.len()
    }
}
