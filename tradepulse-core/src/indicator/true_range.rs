use super::{BatchError, Indicator, batch};
use crate::market::{Candle, Columns};

/// True range: how far the price moved since the last close, in quote currency.
///
/// Wilder 1978, TA-Lib `TRANGE`: the largest of `high − low`, `|high − close'|` and
/// `|low − close'|`, where `close'` is the close of the candle before. First value after one input.
///
/// ```
/// use tradepulse_core::indicator::TrueRange;
/// # use tradepulse_core::market::{Candle, Columns};
/// # use tradepulse_core::time::Timestamp;
/// # let candle = |minute: i64, high, low, close| Candle {
/// #     open_time: Timestamp::from_ms(minute * 60_000), open: close, high, low, close, volume: 1.0,
/// # };
/// let mut columns = Columns::default();
/// columns.push(candle(0, 11.0, 9.0, 10.0));
/// columns.push(candle(1, 15.0, 12.0, 14.0)); // a gap up: 15 − 10
/// let mut out = [0.0; 2];
/// TrueRange::batch(&columns, &mut out)?;
/// assert_eq!(out[1], 5.0);
/// # Ok::<(), tradepulse_core::indicator::BatchError>(())
/// ```
#[doc(alias = "TR")]
#[doc(alias = "TRANGE")]
#[derive(Clone, Debug, Default)]
pub struct TrueRange {
    previous_close: Option<f64>,
}

impl TrueRange {
    /// A true range that has seen no candle.
    pub fn new() -> Self {
        Self::default()
    }

    /// The true ranges of all candles; `NaN` for the first.
    ///
    /// # Errors
    /// Columns that differ in length.
    pub fn batch(candles: &Columns, out: &mut [f64]) -> Result<(), BatchError> {
        let Columns { high, low, close, .. } = batch::even(candles)?;
        batch::prepare(close.len(), 1, &mut [&mut *out])?;
        let rows = high.iter().zip(low).skip(1).zip(close);
        for (out, ((&high, &low), &previous_close)) in out.iter_mut().skip(1).zip(rows) {
            *out = true_range(high, low, previous_close);
        }
        Ok(())
    }
}

/// The true range of a candle of `high` and `low` after `previous_close`: the largest of the three
/// differences is that of the outermost prices.
#[inline]
pub(super) fn true_range(high: f64, low: f64, previous_close: f64) -> f64 {
    let top = if high > previous_close { high } else { previous_close };
    let bottom = if low < previous_close { low } else { previous_close };
    top - bottom
}

impl Indicator for TrueRange {
    type Input = Candle;
    type Output = f64;

    #[inline]
    fn next(&mut self, candle: Candle) -> Option<f64> {
        let previous = self.previous_close.replace(candle.close);
        previous.map(|close| true_range(candle.high, candle.low, close))
    }

    fn warm_up(&self) -> usize {
        1
    }
}
