use super::aggregate::Sum;
use super::window::{Computed, Window};
use super::{BatchError, Indicator, PeriodError, batch, checked};
use crate::market::{Candle, Columns};

/// Money flow index: the share of money traded on rising typical prices, 0 to 100.
///
/// Quong and Soudack, TA-Lib `MFI`: the typical price is `(high + low + close) / 3`, the flow of a
/// candle that times its volume; the index is `100 × rising / (rising + falling)` over `period`
/// candles, each against the one before. First value after `period` inputs. 0 where nothing flowed:
/// no volume, or no change of the typical price.
///
/// ```
/// use tradepulse_core::indicator::{Indicator, Mfi};
/// # use tradepulse_core::market::Candle;
/// # use tradepulse_core::time::Timestamp;
/// # let candle = |close, volume| Candle {
/// #     open_time: Timestamp::from_ms(0), open: close, high: close, low: close, close, volume,
/// # };
/// let mut mfi = Mfi::new(2)?;
/// assert_eq!(mfi.next(candle(1.0, 1.0)), None);
/// assert_eq!(mfi.next(candle(3.0, 2.0)), None); // 6 rising
/// assert_eq!(mfi.next(candle(2.0, 1.0)), Some(75.0)); // 2 falling
/// # Ok::<(), tradepulse_core::indicator::PeriodError>(())
/// ```
#[doc(alias = "MFI")]
#[derive(Clone, Debug)]
pub struct Mfi {
    previous: Option<f64>,
    flows: Window<Sum<2>>,
}

/// The mean of high, low and close.
#[inline]
pub(super) fn typical_price(high: f64, low: f64, close: f64) -> f64 {
    (high + low + close) / 3.0
}

/// The money that flowed on a rising and on a falling price.
#[inline]
fn flow(previous: f64, price: f64, volume: f64) -> [f64; 2] {
    let flow = price * volume;
    [if price > previous { flow } else { 0.0 }, if price < previous { flow } else { 0.0 }]
}

#[inline]
fn share([rising, falling]: [f64; 2]) -> f64 {
    let total = rising + falling;
    if total > 0.0 { 100.0 * (rising / total) } else { 0.0 }
}

impl Mfi {
    /// The index over `period` candles.
    ///
    /// # Errors
    /// Unless `period` is 1 to 100,000.
    pub fn new(period: usize) -> Result<Self, PeriodError> {
        Ok(Self { previous: None, flows: Window::new(checked("period", period, 1)?, Sum) })
    }

    /// The index of all candles; `NaN` while warming up.
    ///
    /// # Errors
    /// A period as in [`new`](Self::new), or columns that differ in length.
    pub fn batch(period: usize, candles: &Columns, out: &mut [f64]) -> Result<(), BatchError> {
        let Columns { high, low, close, volume, .. } = batch::even(candles)?;
        let Self { flows, .. } = Self::new(period)?;
        batch::prepare(high.len(), 1, &mut [&mut *out])?;
        // The first candle has no flow.
        let first = high.len().min(1);
        let [h, l, x] = [high, low, close].map(|column| &column[..column.len() - first]);
        let [high, low, close, volume] = [high, low, close, volume].map(|column| &column[first..]);
        let flow = |[h, l, x, high, low, close, volume]: [f64; 7]| {
            flow(typical_price(h, l, x), typical_price(high, low, close), volume)
        };
        let values = Computed([h, l, x, high, low, close, volume], flow);
        flows.fill(values, [], [&mut out[first..]], |[], flows, _| [share(flows)])
    }
}

impl Indicator for Mfi {
    type Input = Candle;
    type Output = f64;

    #[inline]
    fn next(&mut self, candle: Candle) -> Option<f64> {
        let price = typical_price(candle.high, candle.low, candle.close);
        let previous = self.previous.replace(price)?;
        let (flows, _) = self.flows.push(flow(previous, price, candle.volume))?;
        Some(share(flows))
    }

    fn warm_up(&self) -> usize {
        self.flows.len()
    }
}
