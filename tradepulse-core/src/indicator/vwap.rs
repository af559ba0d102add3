use super::mfi::typical_price;
use super::{BatchError, Indicator, batch};
use crate::market::{Candle, Columns};

/// Volume-weighted average price of the UTC day so far, in quote currency.
///
/// The typical price `(high + low + close) / 3` of each candle of the day, weighted by its volume.
/// It starts anew with the first candle that opens on a new UTC day, and has a value for every
/// candle. While nothing has been traded that day it is the typical price of the candle.
///
/// ```
/// use tradepulse_core::indicator::{Indicator, Vwap};
/// # use tradepulse_core::market::Candle;
/// # use tradepulse_core::time::Timestamp;
/// # let candle = |hour: i64, close, volume| Candle {
/// #     open_time: Timestamp::from_ms(hour * 3_600_000),
/// #     open: close, high: close, low: close, close, volume,
/// # };
/// let mut vwap = Vwap::new();
/// assert_eq!(vwap.next(candle(22, 10.0, 1.0)), Some(10.0));
/// assert_eq!(vwap.next(candle(23, 14.0, 3.0)), Some(13.0));
/// assert_eq!(vwap.next(candle(24, 20.0, 5.0)), Some(20.0)); // the next day
/// ```
#[doc(alias = "VWAP")]
#[derive(Clone, Debug, Default)]
pub struct Vwap {
    day: Option<i64>,
    money: f64,
    volume: f64,
}

impl Vwap {
    /// An average that has seen no candle.
    pub fn new() -> Self {
        Self::default()
    }

    /// The averages of all candles.
    ///
    /// # Errors
    /// Columns that differ in length.
    pub fn batch(candles: &Columns, out: &mut [f64]) -> Result<(), BatchError> {
        batch::fill(Self::new(), batch::candles(candles)?, [out], |value| [value])
    }
}

impl Indicator for Vwap {
    type Input = Candle;
    type Output = f64;

    #[inline]
    fn next(&mut self, candle: Candle) -> Option<f64> {
        let day = Some(candle.open_time.utc_day());
        if day != self.day {
            *self = Self { day, money: 0.0, volume: 0.0 };
        }
        let price = typical_price(candle.high, candle.low, candle.close);
        self.money += price * candle.volume;
        self.volume += candle.volume;
        Some(if self.volume > 0.0 { self.money / self.volume } else { price })
    }

    fn warm_up(&self) -> usize {
        0
    }
}
