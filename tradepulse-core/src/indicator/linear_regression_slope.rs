use super::{BatchError, Indicator, PeriodError, batch, checked};

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
    // Blocks and reference as in `Moments`. Of the values from a slot to the end of its block: the
    // sum, and the sum of each value times its distance from that slot.
    slots: Box<[[f64; 2]]>,
    at: usize,
    // Of the values of the new block: the sum, and the sum of each value times its position.
    prefix: [f64; 2],
    reference: f64,
    full: bool,
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
            slots: vec![[0.0; 2]; period].into(),
            at: 0,
            prefix: [0.0; 2],
            reference: 0.0,
            full: false,
            middle: (n - 1.0) / 2.0,
            divisor: n * (n * n - 1.0) / 12.0,
        })
    }

    /// The slopes of a whole column; `NaN` while warming up.
    ///
    /// # Errors
    /// A period as in [`new`](Self::new), or columns that differ in length.
    pub fn batch(period: usize, values: &[f64], out: &mut [f64]) -> Result<(), BatchError> {
        batch::fill_one(Self::new(period)?, values, out)
    }
}

impl Indicator for LinearRegressionSlope {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn next(&mut self, value: f64) -> Option<f64> {
        let difference = value - self.reference;
        self.prefix[0] += difference;
        self.prefix[1] += self.at as f64 * difference;
        self.slots[self.at][0] = value;
        self.at += 1;
        if self.at == self.slots.len() {
            self.reference = value;
            let mut suffix = [0.0; 2];
            for slot in self.slots.iter_mut().rev() {
                let difference = slot[0] - value;
                suffix = [suffix[0] + difference, suffix[1] + suffix[0]];
                *slot = suffix;
            }
            self.at = 0;
            self.prefix = [0.0; 2];
            self.full = true;
        }
        self.full.then(|| {
            let [sum, weighted] = self.slots[self.at];
            let [new_sum, new_weighted] = self.prefix;
            let before = (self.slots.len() - self.at) as f64;
            let weighted = weighted + (before * new_sum + new_weighted);
            (weighted - self.middle * (sum + new_sum)) / self.divisor
        })
    }

    fn warm_up(&self) -> usize {
        self.slots.len() - 1
    }
}
