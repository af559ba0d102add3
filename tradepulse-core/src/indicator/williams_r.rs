use super::window::{Extreme, Window};
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
    highest: Window<Extreme<true>>,
    lowest: Window<Extreme<false>>,
}

impl WilliamsR {
    /// The range of the last `period` candles.
    ///
    /// # Errors
    /// Unless `period` is 1 to 100,000.
    pub fn new(period: usize) -> Result<Self, PeriodError> {
        let period = checked("period", period, 1)?;
        Ok(Self { highest: Window::new(period, Extreme), lowest: Window::new(period, Extreme) })
    }

    /// The values of all candles; `NaN` while warming up.
    ///
    /// # Errors
    /// A period as in [`new`](Self::new), or columns that differ in length.
    pub fn batch(period: usize, candles: &Columns, out: &mut [f64]) -> Result<(), BatchError> {
        batch::fill(Self::new(period)?, batch::candles(candles)?, [out], |value| [value])
    }
}

impl Indicator for WilliamsR {
    type Input = Candle;
    type Output = f64;

    #[inline]
    fn next(&mut self, candle: Candle) -> Option<f64> {
        let highest = self.highest.push(candle.high);
        let lowest = self.lowest.push(candle.low);
        let ((highest, _), (lowest, _)) = highest.zip(lowest)?;
        let range = highest - lowest;
        Some(if range > 0.0 { (highest - candle.close) / range * -100.0 } else { 0.0 })
    }

    fn warm_up(&self) -> usize {
        self.highest.len() - 1
    }
}
