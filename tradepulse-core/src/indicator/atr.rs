use super::batch::{self, Settled};
use super::smoothing::Smoothing;
use super::true_range::true_range;
use super::{BatchError, Indicator, PeriodError, checked};
use crate::market::{Candle, Columns};

/// Average true range: how far the price moves in a candle, in quote currency.
///
/// Wilder 1978, TA-Lib `ATR`: the mean of the first `period` [true ranges](super::TrueRange), then
/// `atr = (atr' × (period − 1) + true range) / period`. First value after `period` inputs (the
/// first candle has no true range).
///
/// ```
/// use tradepulse_core::indicator::{Atr, Indicator};
/// # use tradepulse_core::market::Candle;
/// # use tradepulse_core::time::Timestamp;
/// # let candle = |high, low, close| Candle {
/// #     open_time: Timestamp::from_ms(0), open: close, high, low, close, volume: 1.0,
/// # };
/// let mut atr = Atr::new(2)?;
/// assert_eq!(atr.next(candle(11.0, 9.0, 10.0)), None);
/// assert_eq!(atr.next(candle(12.0, 10.0, 11.0)), None);
/// assert_eq!(atr.next(candle(13.0, 9.0, 12.0)), Some(3.0));
/// # Ok::<(), tradepulse_core::indicator::PeriodError>(())
/// ```
#[doc(alias = "ATR")]
#[doc(alias = "average true range")]
#[derive(Clone, Debug)]
pub struct Atr {
    period: usize,
    seen: usize,
    previous_close: f64,
    sum: f64,
    smoothing: Smoothing,
}

impl Atr {
    /// The average over `period` true ranges.
    ///
    /// # Errors
    /// Unless `period` is 1 to 100,000.
    pub fn new(period: usize) -> Result<Self, PeriodError> {
        let period = checked("period", period, 1)?;
        let smoothing = Smoothing::wilder(period);
        Ok(Self { period, seen: 0, previous_close: 0.0, sum: 0.0, smoothing })
    }

    /// The averages of all candles; `NaN` while warming up.
    ///
    /// # Errors
    /// A period as in [`new`](Self::new), or columns that differ in length.
    pub fn batch(period: usize, candles: &Columns, out: &mut [f64]) -> Result<(), BatchError> {
        batch::fill_settled(Self::new(period)?, batch::candles(candles)?, [out], |value| [value])
    }
}

impl Indicator for Atr {
    type Input = Candle;
    type Output = f64;

    #[inline]
    fn next(&mut self, candle: Candle) -> Option<f64> {
        if self.seen > self.period {
            return Some(self.settled(candle));
        }
        let range = true_range(candle.high, candle.low, self.previous_close);
        self.previous_close = candle.close;
        if self.seen > 0 {
            self.sum += range;
        }
        self.seen += 1;
        (self.seen > self.period).then(|| {
            let mean = self.sum / self.period as f64;
            self.smoothing.start([mean], range);
            mean
        })
    }

    fn warm_up(&self) -> usize {
        self.period
    }
}

impl Settled for Atr {
    #[inline]
    fn settled(&mut self, candle: Candle) -> f64 {
        let range = true_range(candle.high, candle.low, self.previous_close);
        self.previous_close = candle.close;
        self.smoothing.next(range)
    }
}
