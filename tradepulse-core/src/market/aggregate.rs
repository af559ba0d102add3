use super::{Candle, Columns, DataError, Series};
use crate::time::Timeframe;

/// Makes longer candles of shorter ones while they arrive.
///
/// A longer candle lies on the grid of its timeframe (which starts at the Unix epoch, as every
/// grid does) and exists only when all its shorter candles do: its open is that of the first, its
/// close that of the last, its volume the sum in order of time.
///
/// ```
/// use tradepulse_core::market::{Aggregator, Candle};
/// use tradepulse_core::time::{Timeframe, Timestamp};
///
/// let mut aggregator = Aggregator::new(Timeframe::M5, Timeframe::M15)?;
/// let candle = |minute: i64, open: f64, close: f64| Candle {
///     open_time: Timestamp::from_ms(minute * 60_000),
///     open, high: open.max(close), low: open.min(close), close, volume: 1.0,
/// };
/// assert_eq!(aggregator.push(&candle(0, 10.0, 12.0)), None);
/// assert_eq!(aggregator.push(&candle(5, 12.0, 9.0)), None);
/// let longer = aggregator.push(&candle(10, 9.0, 11.0)).expect("all three are there");
/// assert_eq!((longer.open, longer.high, longer.low, longer.close), (10.0, 12.0, 9.0, 11.0));
/// assert_eq!((longer.open_time.as_ms(), longer.volume), (0, 3.0));
/// # Ok::<(), tradepulse_core::market::AggregateError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Aggregator {
    base: Timeframe,
    target: Timeframe,
    /// The candle that is forming; `None` while a window is incomplete from its start.
    forming: Option<Candle>,
    /// Open time of the only base candle that continues it.
    next: i64,
}

impl Aggregator {
    /// An aggregator from candles of `base` to candles of `target`.
    ///
    /// # Errors
    /// [`AggregateError::NotAMultiple`] unless `target` is a multiple of `base`.
    pub fn new(base: Timeframe, target: Timeframe) -> Result<Self, AggregateError> {
        if target.as_ms() % base.as_ms() != 0 {
            return Err(AggregateError::NotAMultiple { base, target });
        }
        Ok(Self { base, target, forming: None, next: i64::MIN })
    }

    /// The timeframe of the candles that come out.
    pub fn target(&self) -> Timeframe {
        self.target
    }

    /// Takes the next base candle; gives the longer candle if this one closes it.
    ///
    /// Base candles come in order of time. A missing one, or one out of order, means that the
    /// longer candle it belongs to never exists.
    pub fn push(&mut self, candle: &Candle) -> Option<Candle> {
        let time = candle.open_time.as_ms();
        let forming = match &mut self.forming {
            Some(forming) if time == self.next => {
                forming.high = forming.high.max(candle.high);
                forming.low = forming.low.min(candle.low);
                forming.close = candle.close;
                forming.volume += candle.volume;
                forming
            }
            forming => {
                // `next` is on the target's grid after a longer candle closed.
                let opens = (forming.is_none() && time == self.next)
                    || self.target.is_aligned(candle.open_time);
                if !opens {
                    *forming = None;
                    self.next = i64::MIN;
                    return None;
                }
                forming.insert(*candle)
            }
        };
        self.next = time.saturating_add(self.base.as_ms());
        if self.next.saturating_sub(forming.open_time.as_ms()) == self.target.as_ms() {
            return self.forming.take();
        }
        None
    }
}

/// Makes a series of longer candles, in the way of [`Aggregator`].
///
/// ```
/// use tradepulse_core::market::{Candle, Columns, Series, aggregate};
/// use tradepulse_core::time::{Timeframe, Timestamp};
///
/// let mut columns = Columns::default();
/// for i in 0..7 {
///     columns.push(Candle {
///         open_time: Timestamp::from_ms(i * 300_000),
///         open: 100.0, high: 101.0, low: 99.0, close: 100.5, volume: 2.0,
///     });
/// }
/// let series = Series::new(Timeframe::M5, columns)?;
/// let longer = aggregate(&series, Timeframe::M15)?;
/// assert_eq!(longer.len(), 2, "the third has only one of its three candles");
/// assert_eq!(longer.volume(), [6.0, 6.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`AggregateError::NotAMultiple`] unless `target` is a multiple of the series' timeframe;
/// [`AggregateError::Volume`] if a sum of volumes is not finite.
pub fn aggregate(series: &Series, target: Timeframe) -> Result<Series, AggregateError> {
    let mut aggregator = Aggregator::new(series.timeframe(), target)?;
    let factor = target.as_ms() / series.timeframe().as_ms();
    let expected = series.len() / usize::try_from(factor).unwrap_or(usize::MAX);
    let mut columns = Columns::with_capacity(expected);
    for candle in series.candles() {
        if let Some(longer) = aggregator.push(&candle) {
            columns.push(longer);
        }
    }
    Series::new(target, columns).map_err(AggregateError::Volume)
}

/// Candles that cannot be aggregated.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AggregateError {
    /// The longer timeframe is not made of whole shorter ones.
    #[error(
        "{target} candles cannot be made of {base} candles: {target} is not a multiple of {base}"
    )]
    NotAMultiple {
        /// The timeframe there is.
        base: Timeframe,
        /// The timeframe asked for.
        target: Timeframe,
    },
    /// The sum of the volumes is too large to be a number.
    #[error("the volume of a longer candle is too large")]
    Volume(#[source] DataError),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn candle(minute: i64) -> Candle {
        let x = minute as f64;
        Candle {
            open_time: Timestamp::from_ms(minute * 60_000),
            open: 100.0 + x,
            high: 102.0 + x,
            low: 99.0 + x,
            close: 101.0 + x,
            volume: 1.0,
        }
    }

    fn opens(minutes: impl IntoIterator<Item = i64>, target: Timeframe) -> Vec<i64> {
        let mut aggregator = Aggregator::new(Timeframe::M1, target).unwrap();
        minutes
            .into_iter()
            .filter_map(|m| aggregator.push(&candle(m)))
            .map(|c| c.open_time.as_ms() / 60_000)
            .collect()
    }

    #[test]
    fn windows_are_whole_or_absent() {
        assert_eq!(opens(0..15, Timeframe::M5), [0, 5, 10]);
        assert_eq!(opens(2..15, Timeframe::M5), [5, 10]);
        assert_eq!(opens((0..15).filter(|m| *m != 7), Timeframe::M5), [0, 10]);
        assert_eq!(opens((0..15).filter(|m| *m != 5), Timeframe::M5), [0, 10]);
        assert_eq!(opens((0..15).filter(|m| *m != 9), Timeframe::M5), [0, 10]);
        assert_eq!(opens(-5..5, Timeframe::M5), [-5, 0]);
        assert_eq!(opens([0, 1, 2, 2, 3, 4], Timeframe::M5), [0i64; 0]);
        assert_eq!(opens([3, 1, 2], Timeframe::M1), [3, 1, 2]);
        assert_eq!(opens([0, 1, 2, 3, 0, 1, 2, 3, 4], Timeframe::M5), [0]);
    }

    #[test]
    fn prices_and_volume() {
        let mut aggregator = Aggregator::new(Timeframe::M1, Timeframe::M3).unwrap();
        let out: Vec<_> = (0..3).filter_map(|m| aggregator.push(&candle(m))).collect();
        let whole = Candle { high: 104.0, close: 103.0, volume: 3.0, ..candle(0) };
        assert_eq!(out, [whole]);
        assert_eq!(aggregator.target(), Timeframe::M3);
    }

    #[test]
    fn only_multiples() {
        let error = Aggregator::new(Timeframe::M3, Timeframe::M5).unwrap_err();
        assert_eq!(
            error.to_string(),
            "5m candles cannot be made of 3m candles: 5m is not a multiple of 3m"
        );
        assert!(Aggregator::new(Timeframe::H1, Timeframe::M5).is_err());
    }

    #[test]
    fn a_volume_beyond_all_numbers_is_an_error() {
        let mut columns = Columns::default();
        for minute in 0..3 {
            columns.push(Candle { volume: f64::MAX, ..candle(minute) });
        }
        let series = Series::new(Timeframe::M1, columns).unwrap();
        assert!(matches!(aggregate(&series, Timeframe::M3), Err(AggregateError::Volume(_))));
    }
}
