use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::indicator::{Indicator, PeriodError, Sma};
use crate::time::{DAY_MS, Timeframe};

/// How much a market moves, and whether that is much for it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Volatility {
    /// Realised volatility of the last day: root of the sum of its squared log returns.
    pub daily: f64,
    /// Share of the days before that moved less (half of those that moved as much), 0..1; `None`
    /// until there are [`VolatilityModel::MIN_DAYS`] of them.
    pub percentile: Option<f64>,
}

/// Realised volatility of the last day against its own 90-day distribution.
///
/// The distribution is that of up to 90 days that do not overlap, one taken every day; neighbouring
/// candles' volatilities share nearly all of their returns and would say nothing new. A "day" has at
/// least 6 candles: of fewer returns the sum is mostly noise. Andersen and Bollerslev 1998 on
/// realised volatility.
///
/// ```
/// use tradepulse_core::{regime::VolatilityModel, time::Timeframe};
/// let mut model = VolatilityModel::new(Timeframe::H4)?;
/// let values: Vec<_> = (0..8).map(|i| model.next(if i % 2 == 0 { 100.0 } else { 101.0 })).collect();
/// assert_eq!(values[5], None);
/// assert!(values[6].is_some_and(|v| (v.daily - 0.0244).abs() < 1e-4 && v.percentile.is_none()));
/// # Ok::<(), tradepulse_core::indicator::PeriodError>(())
/// ```
#[derive(Clone, Debug)]
pub struct VolatilityModel {
    squares: Sma,
    candles: usize,
    per_day: f64,
    previous: Option<f64>,
    since_sample: usize,
    days: VecDeque<f64>,
}

impl VolatilityModel {
    /// Days in the distribution.
    pub const DAYS: usize = 90;
    /// Fewest days to compare with.
    pub const MIN_DAYS: usize = 30;
    /// Fewest candles in a "day".
    pub const MIN_CANDLES: usize = 6;

    /// The model for candles of `timeframe`.
    ///
    /// # Errors
    /// If a day has more candles than an indicator can look back on.
    pub fn new(timeframe: Timeframe) -> Result<Self, PeriodError> {
        let per_day = DAY_MS as f64 / timeframe.as_ms() as f64;
        let candles = (per_day.round() as usize).max(Self::MIN_CANDLES);
        Ok(Self {
            squares: Sma::new(candles)?,
            candles,
            per_day,
            previous: None,
            since_sample: 0,
            days: VecDeque::with_capacity(Self::DAYS),
        })
    }

    /// The volatility at this close; `None` until there is a day of returns.
    pub fn next(&mut self, close: f64) -> Option<Volatility> {
        let log_close = close.ln();
        let change = log_close - self.previous.replace(log_close)?;
        let mean = self.squares.next(change * change)?;
        let percentile = self.percentile(mean);
        if self.since_sample == 0 {
            if self.days.len() == Self::DAYS {
                self.days.pop_front();
            }
            self.days.push_back(mean);
        }
        self.since_sample = (self.since_sample + 1) % self.candles;
        Some(Volatility { daily: (mean * self.per_day).sqrt(), percentile })
    }

    fn percentile(&self, mean: f64) -> Option<f64> {
        if self.days.len() < Self::MIN_DAYS {
            return None;
        }
        let below = self.days.iter().filter(|day| **day < mean).count() as f64;
        let equal = self.days.iter().filter(|day| **day == mean).count() as f64;
        Some((below + equal / 2.0) / self.days.len() as f64)
    }
}
