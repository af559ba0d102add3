use super::aggregate::Range;
use super::window::Window;
use super::{BatchError, Indicator, PeriodError, Sma, batch, checked};
use crate::market::{Candle, Columns};

/// Slow stochastic: where the close lies in the range of the last candles, 0 to 100, smoothed.
///
/// Lane, TA-Lib `STOCH` with simple averages: the raw %K is
/// `100 × (close − lowest low) / (highest high − lowest low)` of `period` candles, slow %K its mean
/// over `k_smoothing` candles, slow %D the mean of that over `d_smoothing`. First value after
/// `period + k_smoothing + d_smoothing − 3` inputs. The raw %K of candles without any range is 0.
///
/// ```
/// use tradepulse_core::indicator::{Indicator, Stochastic};
/// # use tradepulse_core::market::Candle;
/// # use tradepulse_core::time::Timestamp;
/// # let candle = |high, low, close| Candle {
/// #     open_time: Timestamp::from_ms(0), open: close, high, low, close, volume: 1.0,
/// # };
/// let mut stochastic = Stochastic::new(2, 1, 1)?;
/// assert_eq!(stochastic.next(candle(12.0, 10.0, 11.0)), None);
/// assert_eq!(stochastic.next(candle(14.0, 11.0, 13.0)).map(|lines| lines.k), Some(75.0));
/// # Ok::<(), tradepulse_core::indicator::PeriodError>(())
/// ```
#[doc(alias = "STOCH")]
#[doc(alias = "%K")]
#[derive(Clone, Debug)]
pub struct Stochastic {
    range: Window<Range>,
    k: Sma,
    d: Sma,
}

/// The lines of [`Stochastic`], each 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StochasticLines {
    /// Slow %K.
    #[doc(alias = "%K")]
    pub k: f64,
    /// Slow %D.
    #[doc(alias = "%D")]
    pub d: f64,
}

impl Stochastic {
    /// The range of `period` candles, smoothed over `k_smoothing` and then `d_smoothing` candles
    /// (classically 14, 3, 3).
    ///
    /// # Errors
    /// Unless each is 1 to 100,000.
    pub fn new(period: usize, k_smoothing: usize, d_smoothing: usize) -> Result<Self, PeriodError> {
        let period = checked("period", period, 1)?;
        Ok(Self {
            range: Window::new(period, Range),
            k: Sma::new(checked("%K smoothing", k_smoothing, 1)?)?,
            d: Sma::new(checked("%D smoothing", d_smoothing, 1)?)?,
        })
    }

    /// The lines of all candles; `NaN` while warming up.
    ///
    /// # Errors
    /// Periods as in [`new`](Self::new), or columns that differ in length.
    pub fn batch(
        [period, k_smoothing, d_smoothing]: [usize; 3],
        candles: &Columns,
        k: &mut [f64],
        d: &mut [f64],
    ) -> Result<(), BatchError> {
        let indicator = Self::new(period, k_smoothing, d_smoothing)?;
        batch::fill(indicator, batch::candles(candles)?, [k, d], |lines| [lines.k, lines.d])
    }
}

impl Indicator for Stochastic {
    type Input = Candle;
    type Output = StochasticLines;

    #[inline]
    fn next(&mut self, candle: Candle) -> Option<StochasticLines> {
        let ([highest, minus_lowest], _) = self.range.push([candle.high, -candle.low])?;
        let range = highest + minus_lowest;
        let raw = if range > 0.0 { (candle.close + minus_lowest) / range * 100.0 } else { 0.0 };
        let k = self.k.next(raw)?;
        let d = self.d.next(k)?;
        Some(StochasticLines { k, d })
    }

    fn warm_up(&self) -> usize {
        self.range.len() - 1 + self.k.warm_up() + self.d.warm_up()
    }
}
