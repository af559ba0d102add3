use super::batch::{self, Settled};
use super::rsi::NONE_LEFT;
use super::true_range::true_range;
use super::{BatchError, Indicator, PeriodError, checked};
use crate::market::{Candle, Columns};

/// Average directional index: how strongly the market trends, whichever way, 0 to 100.
///
/// Wilder 1978, TA-Lib `ADX`, `PLUS_DI`, `MINUS_DI`. The directional movement of a candle is how
/// far its high is above the last one (+DM) or its low below the last one (−DM), whichever is more;
/// ±DI is its Wilder sum over `period` candles in percent of that of the true range; the index is
/// the Wilder average of `100 × |+DI − −DI| / (+DI + −DI)`. First value after `2 × period − 1`
/// inputs.
///
/// Without any range, ±DI are 0. Without any directional movement the index stays as it is; it
/// starts from 0.
///
/// ```
/// use tradepulse_core::indicator::{Adx, Indicator};
/// # use tradepulse_core::market::Candle;
/// # use tradepulse_core::time::Timestamp;
/// # let candle = |low: f64| Candle {
/// #     open_time: Timestamp::from_ms(0),
/// #     open: low, high: low + 2.0, low, close: low + 1.0, volume: 1.0,
/// # };
/// let mut adx = Adx::new(2)?;
/// let rising = [10.0, 11.0, 12.0, 13.0].map(|low| adx.next(candle(low)));
/// assert_eq!(rising[2], None);
/// let lines = rising[3].unwrap();
/// assert_eq!((lines.adx, lines.plus_di, lines.minus_di), (100.0, 50.0, 0.0));
/// # Ok::<(), tradepulse_core::indicator::PeriodError>(())
/// ```
#[doc(alias = "ADX")]
#[doc(alias = "DMI")]
#[doc(alias = "directional movement")]
#[derive(Clone, Debug)]
pub struct Adx {
    period: usize,
    seen: usize,
    keep: f64,
    share: f64,
    previous: [f64; 3],
    // Wilder sums of what `moves` answers.
    sums: [f64; 3],
    adx: f64,
}

/// The lines of [`Adx`], each 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdxLines {
    /// Strength of the trend.
    pub adx: f64,
    /// Movement upwards in percent of the range.
    #[doc(alias = "+DI")]
    pub plus_di: f64,
    /// Movement downwards in percent of the range.
    #[doc(alias = "-DI")]
    pub minus_di: f64,
}

impl Adx {
    /// The index over `period` candles.
    ///
    /// # Errors
    /// Unless `period` is 1 to 100,000.
    pub fn new(period: usize) -> Result<Self, PeriodError> {
        let period = checked("period", period, 1)?;
        let n = period as f64;
        Ok(Self {
            period,
            seen: 0,
            keep: (n - 1.0) / n,
            share: 1.0 / n,
            previous: [0.0; 3],
            sums: [0.0; 3],
            adx: 0.0,
        })
    }

    /// The lines of all candles; `NaN` while warming up.
    ///
    /// # Errors
    /// A period as in [`new`](Self::new), or columns that differ in length.
    pub fn batch(
        period: usize,
        candles: &Columns,
        adx: &mut [f64],
        plus_di: &mut [f64],
        minus_di: &mut [f64],
    ) -> Result<(), BatchError> {
        let outs = [adx, plus_di, minus_di];
        batch::fill_settled(Self::new(period)?, batch::candles(candles)?, outs, |lines| {
            [lines.adx, lines.plus_di, lines.minus_di]
        })
    }
}

impl Indicator for Adx {
    type Input = Candle;
    type Output = AdxLines;

    #[inline]
    fn next(&mut self, candle: Candle) -> Option<AdxLines> {
        if self.seen == 2 * self.period {
            return Some(self.settled(candle));
        }
        self.seen += 1;
        if self.seen <= self.period {
            let moves = self.moves(candle);
            if self.seen > 1 {
                self.sums = std::array::from_fn(|i| self.sums[i] + moves[i]);
            }
            return None;
        }
        self.adx += self.direction(candle).unwrap_or(0.0);
        (self.seen == 2 * self.period).then(|| {
            self.adx /= self.period as f64;
            self.lines()
        })
    }

    fn warm_up(&self) -> usize {
        2 * self.period - 1
    }
}

impl Settled for Adx {
    #[inline]
    fn settled(&mut self, candle: Candle) -> AdxLines {
        if let Some(direction) = self.direction(candle) {
            self.adx += (direction - self.adx) * self.share;
        }
        self.lines()
    }
}

impl Adx {
    /// Movement up, movement down, and range of `candle`.
    #[inline]
    fn moves(&mut self, candle: Candle) -> [f64; 3] {
        let [high, low, close] = self.previous;
        self.previous = [candle.high, candle.low, candle.close];
        let up = candle.high - high;
        let down = low - candle.low;
        let plus = if up > down && up > 0.0 { up } else { 0.0 };
        let minus = if down > up && down > 0.0 { down } else { 0.0 };
        [plus, minus, true_range(candle.high, candle.low, close)]
    }

    /// The directional index with `candle`, if there was any movement.
    #[inline]
    fn direction(&mut self, candle: Candle) -> Option<f64> {
        let moves = self.moves(candle);
        self.sums = std::array::from_fn(|i| self.sums[i] * self.keep + moves[i]);
        let [plus, minus, _] = self.sums;
        let moved = plus + minus;
        (moved > NONE_LEFT).then(|| 100.0 * ((plus - minus).abs() / moved))
    }

    #[inline]
    fn lines(&self) -> AdxLines {
        let [plus, minus, range] = self.sums;
        let percent = |moved: f64| if range > NONE_LEFT { 100.0 * (moved / range) } else { 0.0 };
        AdxLines { adx: self.adx, plus_di: percent(plus), minus_di: percent(minus) }
    }
}
