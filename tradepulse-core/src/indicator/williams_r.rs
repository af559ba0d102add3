use super::aggregate::Range;
use super::window::{Computed, Window};
use super::{BatchError, Indicator, PeriodError, batch, checked};
use crate::market::{Candle, Columns};

/// Williams %R: how far the close is below the highest high of the last candles, −100 to 0.
///
/// Williams, TA-Lib `WILLR`: `−100 × (highest high − close) / (highest high − lowest low)` of
/// `period` candles. First value after `period − 1` inputs. 0 where the candles have no range.
///
/// ```
/// use tradepulse_core::indicator::{Indicator, WilliamsR};
/// # use tradepulse_core::market::Candle;
/// # use tradepulse_core::time::Timestamp;
/// # let candle = |high, low, close| Candle {
/// #     open_time: Timestamp::from_ms(0), open: close, high, low, close, volume: 1.0,
/// # };
/// let mut williams = WilliamsR::new(2)?;
/// assert_eq!(williams.next(candle(12.0, 10.0, 11.0)), None);
/// assert_eq!(williams.next(candle(14.0, 11.0, 13.0)), Some(-25.0));
/// # Ok::<(), tradepulse_core::indicator::PeriodError>(())
/// ```
#[doc(alias = "%R")]
#[doc(alias = "WILLR")]
#[derive(Clone, Debug)]
pub struct WilliamsR {
    range: Window<Range>,
}

impl WilliamsR {
    /// The range of the last `period` candles.
    ///
    /// # Errors
    /// Unless `period` is 1 to 100,000.
    pub fn new(period: usize) -> Result<Self, PeriodError> {
        let period = checked("period", period, 1)?;
        Ok(Self { range: Window::new(period, Range) })
    }

    /// The values of all candles; `NaN` while warming up.
    ///
    /// # Errors
    /// A period as in [`new`](Self::new), or columns that differ in length.
    pub fn batch(period: usize, candles: &Columns, out: &mut [f64]) -> Result<(), BatchError> {
        let Columns { high, low, close, .. } = batch::even(candles)?;
        Self::new(period)?.range.fill(
            Computed([high, low], |[high, low]: [f64; 2]| [high, -low]),
            [close],
            [out],
            |[close], range, _| [below_the_high(close, range)],
        )
    }
}

#[inline]
fn below_the_high(close: f64, [highest, minus_lowest]: [f64; 2]) -> f64 {
    let range = highest + minus_lowest;
    if range > 0.0 { (highest - close) / range * -100.0 } else { 0.0 }
}

impl Indicator for WilliamsR {
    type Input = Candle;
    type Output = f64;

    #[inline]
    fn next(&mut self, candle: Candle) -> Option<f64> {
        let (range, _) = self.range.push([candle.high, -candle.low])?;
        Some(below_the_high(candle.close, range))
    }

    fn warm_up(&self) -> usize {
        self.range.len() - 1
    }
}
