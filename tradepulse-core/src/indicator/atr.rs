use super::smoothing::Smoothing;
use super::true_range::true_range;
use super::{BatchError, Indicator, PeriodError, batch, checked};
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
        Self::fill(period, candles, out, |atr, _| atr)
    }

    /// What `finish` makes of each average and the close of its candle.
    #[inline]
    pub(super) fn fill(
        period: usize,
        candles: &Columns,
        out: &mut [f64],
        finish: impl Fn(f64, f64) -> f64,
    ) -> Result<(), BatchError> {
        let mut atr = Self::new(period)?;
        let Columns { high, low, close, .. } = batch::even(candles)?;
        batch::prepare(close.len(), period, &mut [&mut *out])?;
        // Up to the first answer, and then until an even number of rows is left.
        let early = period + 1;
        let early = close.len().min(early + close.len().saturating_sub(early) % 2);
        for row in 0..early {
            if let Some(mean) = atr.next(candles.candle(row)) {
                out[row] = finish(mean, close[row]);
            }
        }
        let (pairs, _) = out[early..].as_chunks_mut::<2>();
        let [high, low, close, before] =
            [&high[early..], &low[early..], &close[early..], &close[early.saturating_sub(1)..]]
                .map(|column| &column.as_chunks::<2>().0[..pairs.len()]);
        let ranges_of =
            |i: usize| std::array::from_fn(|k| true_range(high[i][k], low[i][k], before[i][k]));
        // The ranges are a pair ahead, so that the average does not wait for them.
        let mut ahead = if pairs.is_empty() { [0.0; 2] } else { ranges_of(0) };
        for i in 0..pairs.len() {
            let ranges = ahead;
            if i + 1 < pairs.len() {
                ahead = ranges_of(i + 1);
            }
            let means = atr.smoothing.next_two(ranges);
            pairs[i] = std::array::from_fn(|k| finish(means[k], close[i][k]));
        }
        Ok(())
    }
}

impl Indicator for Atr {
    type Input = Candle;
    type Output = f64;

    #[inline]
    fn next(&mut self, candle: Candle) -> Option<f64> {
        let range = true_range(candle.high, candle.low, self.previous_close);
        self.previous_close = candle.close;
        if self.seen > self.period {
            return Some(self.smoothing.next(range));
        }
        if self.seen > 0 {
            self.sum += range;
        }
        self.seen += 1;
        (self.seen > self.period).then(|| {
            let mean = self.sum / self.period as f64;
            self.smoothing.start(mean, range);
            mean
        })
    }

    fn warm_up(&self) -> usize {
        self.period
    }
}
