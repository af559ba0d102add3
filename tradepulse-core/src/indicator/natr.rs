use super::{Atr, BatchError, Indicator, PeriodError};
use crate::market::{Candle, Columns};

/// Normalized average true range: the [`Atr`] in percent of the close.
///
/// TA-Lib `NATR`: `100 × atr / close`. First value after `period` inputs. 0 at a close of 0.
///
/// ```
/// use tradepulse_core::indicator::{Indicator, Natr};
/// # use tradepulse_core::market::Candle;
/// # use tradepulse_core::time::Timestamp;
/// # let candle = |high, low, close| Candle {
/// #     open_time: Timestamp::from_ms(0), open: close, high, low, close, volume: 1.0,
/// # };
/// let mut natr = Natr::new(1)?;
/// assert_eq!(natr.next(candle(11.0, 9.0, 10.0)), None);
/// assert_eq!(natr.next(candle(17.0, 10.0, 14.0)), Some(50.0));
/// # Ok::<(), tradepulse_core::indicator::PeriodError>(())
/// ```
#[doc(alias = "NATR")]
#[derive(Clone, Debug)]
pub struct Natr(Atr);

impl Natr {
    /// The average over `period` true ranges.
    ///
    /// # Errors
    /// Unless `period` is 1 to 100,000.
    pub fn new(period: usize) -> Result<Self, PeriodError> {
        Atr::new(period).map(Self)
    }

    /// The averages of all candles; `NaN` while warming up.
    ///
    /// # Errors
    /// A period as in [`new`](Self::new), or columns that differ in length.
    pub fn batch(period: usize, candles: &Columns, out: &mut [f64]) -> Result<(), BatchError> {
        Atr::fill(period, candles, out, percent)
    }
}

impl Indicator for Natr {
    type Input = Candle;
    type Output = f64;

    #[inline]
    fn next(&mut self, candle: Candle) -> Option<f64> {
        let atr = self.0.next(candle)?;
        Some(percent(atr, candle.close))
    }

    fn warm_up(&self) -> usize {
        self.0.warm_up()
    }
}

#[inline]
fn percent(atr: f64, close: f64) -> f64 {
    if close == 0.0 { 0.0 } else { atr / close * 100.0 }
}
