use super::{BatchError, Indicator, batch};
use crate::market::{Candle, Columns};

/// On-balance volume: the volume of rising candles less that of falling ones, in base currency.
///
/// Granville 1963, TA-Lib `OBV`: starts at the volume of the first candle; a close above the last
/// one adds the volume, one below subtracts it. A value for every candle. Only its changes mean
/// something: the level depends on where the data starts.
///
/// ```
/// use tradepulse_core::indicator::{Indicator, Obv};
/// # use tradepulse_core::market::Candle;
/// # use tradepulse_core::time::Timestamp;
/// # let candle = |close, volume| Candle {
/// #     open_time: Timestamp::from_ms(0), open: close, high: close, low: close, close, volume,
/// # };
/// let mut obv = Obv::new();
/// assert_eq!(obv.next(candle(10.0, 5.0)), Some(5.0));
/// assert_eq!(obv.next(candle(9.0, 7.0)), Some(-2.0));
/// ```
#[doc(alias = "OBV")]
#[doc(alias = "on balance volume")]
#[derive(Clone, Debug)]
pub struct Obv {
    previous_close: f64,
    balance: f64,
}

impl Default for Obv {
    fn default() -> Self {
        Self::new()
    }
}

impl Obv {
    /// A balance that has seen no candle.
    pub fn new() -> Self {
        Self { previous_close: f64::NEG_INFINITY, balance: 0.0 }
    }

    /// The balances of all candles.
    ///
    /// # Errors
    /// Columns that differ in length.
    pub fn batch(candles: &Columns, out: &mut [f64]) -> Result<(), BatchError> {
        batch::fill(Self::new(), batch::candles(candles)?, [out], |value| [value])
    }
}

impl Indicator for Obv {
    type Input = Candle;
    type Output = f64;

    #[inline]
    fn next(&mut self, candle: Candle) -> Option<f64> {
        let up = if candle.close > self.previous_close { candle.volume } else { 0.0 };
        let down = if candle.close < self.previous_close { candle.volume } else { 0.0 };
        self.previous_close = candle.close;
        self.balance += up - down;
        Some(self.balance)
    }

    fn warm_up(&self) -> usize {
        0
    }
}
