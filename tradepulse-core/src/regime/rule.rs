use super::Regime;
use crate::indicator::{Indicator, LinearRegressionSlope, PeriodError, StandardDeviation};
use crate::time::{DAY_MS, Timeframe};

/// The base rule: a line fitted to the log closes of a window, its rise over the window measured
/// in the window's random-walk standard deviations, `z = slope × W / (sd × √W)` with `sd` the
/// sample standard deviation (n − 1) of the W − 1 log returns inside the window. Above 1 is bull,
/// below −1 bear. A window without any movement is sideways.
///
/// ```
/// use tradepulse_core::regime::{Regime, RegimeRule};
/// let mut rule = RegimeRule::new(50)?;
/// let labels: Vec<_> = (0..60).map(|i| rule.next(100.0 + f64::from(i))).collect();
/// assert_eq!(labels[48], None);
/// assert_eq!(labels[59], Some(Regime::Bull));
/// # Ok::<(), tradepulse_core::indicator::PeriodError>(())
/// ```
#[derive(Clone, Debug)]
pub struct RegimeRule {
    slope: LinearRegressionSlope,
    deviation: StandardDeviation,
    window: f64,
    previous: Option<f64>,
}

impl RegimeRule {
    /// Fewest candles a window may have.
    pub const MIN_WINDOW: usize = 50;
    /// Largest magnitude of a score. A line without any noise has no finite one.
    pub const MAX_SCORE: f64 = 10.0;

    /// The rule over windows of `window` candles.
    ///
    /// # Errors
    /// If there are fewer than 3, or more than an indicator can look back on.
    pub fn new(window: usize) -> Result<Self, PeriodError> {
        Ok(Self {
            slope: LinearRegressionSlope::new(window)?,
            deviation: StandardDeviation::new(window.saturating_sub(1), 1.0)?,
            window: window as f64,
            previous: None,
        })
    }

    /// The rule over windows of `days` days, at least [`MIN_WINDOW`](Self::MIN_WINDOW) candles.
    ///
    /// # Errors
    /// If that is more candles than an indicator can look back on.
    pub fn over_days(days: f64, timeframe: Timeframe) -> Result<Self, PeriodError> {
        let candles = (days * DAY_MS as f64 / timeframe.as_ms() as f64).round() as usize;
        Self::new(candles.max(Self::MIN_WINDOW))
    }

    /// The regime at this close; `None` until the window is full.
    pub fn next(&mut self, close: f64) -> Option<Regime> {
        let (rise, scale) = self.measure(close)?;
        Some(if rise > scale {
            Regime::Bull
        } else if rise < -scale {
            Regime::Bear
        } else {
            Regime::Sideways
        })
    }

    /// The rule's `z` at this close instead of its verdict, held within ±[`MAX_SCORE`]; 0 for a
    /// window without any movement. `None` until the window is full.
    ///
    /// [`MAX_SCORE`]: Self::MAX_SCORE
    pub fn next_score(&mut self, close: f64) -> Option<f64> {
        let (rise, scale) = self.measure(close)?;
        if rise == 0.0 {
            return Some(0.0);
        }
        Some((rise / scale).clamp(-Self::MAX_SCORE, Self::MAX_SCORE))
    }

    /// Rise over the window, and the standard deviation of a random walk over it.
    fn measure(&mut self, close: f64) -> Option<(f64, f64)> {
        let log_close = close.ln();
        let slope = self.slope.next(log_close);
        let deviation = match self.previous.replace(log_close) {
            None => None,
            Some(previous) => self.deviation.next(log_close - previous),
        };
        let (slope, population) = (slope?, deviation?);
        let returns = self.window - 1.0;
        let sd = population * (returns / (returns - 1.0)).sqrt();
        Some((slope * self.window, sd * self.window.sqrt()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::label;
    use super::*;
    use crate::market::SyntheticMarket;
    use crate::random::Seed;

    fn naive(closes: &[f64]) -> Regime {
        let n = closes.len() as f64;
        let y: Vec<f64> = closes.iter().map(|c| c.ln()).collect();
        let (mx, my) = ((n - 1.0) / 2.0, y.iter().sum::<f64>() / n);
        let x = |i: usize| i as f64 - mx;
        let sxy: f64 = y.iter().enumerate().map(|(i, y)| x(i) * (y - my)).sum();
        let sxx: f64 = (0..y.len()).map(|i| x(i) * x(i)).sum();
        let r: Vec<f64> = y.windows(2).map(|p| p[1] - p[0]).collect();
        let mean = r.iter().sum::<f64>() / r.len() as f64;
        let variance =
            r.iter().map(|r| (r - mean) * (r - mean)).sum::<f64>() / (r.len() - 1) as f64;
        let z = sxy / sxx * n / (variance.sqrt() * n.sqrt());
        match z {
            z if z > 1.0 => Regime::Bull,
            z if z < -1.0 => Regime::Bear,
            _ => Regime::Sideways,
        }
    }

    #[test]
    fn labels_follow_the_rule_and_nothing_that_comes_later() {
        let market =
            SyntheticMarket { candles: 3000, ..SyntheticMarket::new(Seed(5), Timeframe::H1) };
        let series = market.generate().unwrap();
        let labels = label(&series, 7.0).unwrap();
        for (i, found) in labels.iter().enumerate() {
            let expected = (i >= 167).then(|| naive(&series.close()[i - 167..=i]));
            assert_eq!(*found, expected, "candle {i}");
        }
        let distinct: std::collections::HashSet<_> = labels.iter().flatten().collect();
        assert_eq!(distinct.len(), 3, "all three regimes occur");
        let part = label(&series.slice(0..2000), 7.0).unwrap();
        assert_eq!(part, labels[..2000]);
    }

    #[test]
    fn stillness_is_sideways() {
        let mut rule = RegimeRule::new(50).unwrap();
        let last = (0..80).map(|_| rule.next(42.5)).last().unwrap();
        assert_eq!(last, Some(Regime::Sideways));
        let mut rule = RegimeRule::new(50).unwrap();
        assert_eq!((0..80).map(|_| rule.next_score(42.5)).last().unwrap(), Some(0.0));
    }
}
