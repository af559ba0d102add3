use super::mfi::typical_price;
use super::{BatchError, Indicator, batch};
use crate::market::{Candle, Columns};
use crate::time::DAY_MS;

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
#[derive(Clone, Debug)]
pub struct Vwap {
    // First and last millisecond of the day.
    first: i64,
    last: i64,
    money: f64,
    volume: f64,
}

impl Default for Vwap {
    fn default() -> Self {
        Self::new()
    }
}

impl Vwap {
    /// An average that has seen no candle.
    pub fn new() -> Self {
        // No time is in this day.
        Self { first: 1, last: 0, money: 0.0, volume: 0.0 }
    }

    /// The averages of all candles.
    ///
    /// # Errors
    /// Columns that differ in length.
    pub fn batch(candles: &Columns, out: &mut [f64]) -> Result<(), BatchError> {
        let Columns { time, high, low, close, volume, .. } = batch::even(candles)?;
        batch::prepare(time.len(), 0, &mut [&mut *out])?;
        let mut sums = Self::new();
        let late = time.len() % 2;
        if let Some(first) = out[..late].first_mut() {
            *first = sums.add(candles.candle(0));
        }
        let (time, _) = time[late..].as_chunks::<2>();
        let (outs, _) = out[late..].as_chunks_mut::<2>();
        let [high, low, close, volume] = [high, low, close, volume]
            .map(|column| &column[late..].as_chunks::<2>().0[..time.len()]);
        for (i, (&time, out)) in time.iter().zip(outs).enumerate() {
            let prices: [f64; 2] =
                std::array::from_fn(|k| typical_price(high[i][k], low[i][k], close[i][k]));
            let flows: [f64; 2] = std::array::from_fn(|k| prices[k] * volume[i][k]);
            let mut so_far = [(0.0, 0.0); 2];
            for k in 0..2 {
                sums.take(time[k], flows[k], volume[i][k]);
                so_far[k] = (sums.money, sums.volume);
            }
            *out = std::array::from_fn(|k| average(so_far[k].0, so_far[k].1, prices[k]));
        }
        Ok(())
    }

    /// The average with `candle`.
    #[inline]
    fn add(&mut self, candle: Candle) -> f64 {
        let price = typical_price(candle.high, candle.low, candle.close);
        self.take(candle.open_time.as_ms(), price * candle.volume, candle.volume);
        average(self.money, self.volume, price)
    }

    /// Adds what was traded in a candle that opened at `time`, to nothing if that is another day.
    #[inline]
    fn take(&mut self, time: i64, money: f64, volume: f64) {
        if time < self.first || time > self.last {
            let since = time.rem_euclid(DAY_MS);
            *self = Self {
                first: time.saturating_sub(since),
                last: time.saturating_add(DAY_MS - 1 - since),
                money: 0.0,
                volume: 0.0,
            };
        }
        self.money += money;
        self.volume += volume;
    }
}

/// The average of what was traded; `price` if nothing was.
#[inline]
fn average(money: f64, volume: f64, price: f64) -> f64 {
    if volume > 0.0 { money / volume } else { price }
}

impl Indicator for Vwap {
    type Input = Candle;
    type Output = f64;

    #[inline]
    fn next(&mut self, candle: Candle) -> Option<f64> {
        Some(self.add(candle))
    }

    fn warm_up(&self) -> usize {
        0
    }
}
