//! Tests of significance: could it have been luck?

mod random_entries;
mod template;
mod two_sample;

use serde::{Deserialize, Serialize};

pub use random_entries::{RandomEntries, ScheduledEntry, random_entry_profits};
pub use template::TradeTemplate;
pub use two_sample::TwoSample;

use crate::overfitting::variance;
use crate::performance::{finite, mean};

/// Where an observed figure lies among the same figure of random runs.
///
/// ```
/// use tradepulse_core::significance::RandomTest;
/// let runs: Vec<f64> = (0..999).map(f64::from).collect();
/// let test = RandomTest::new(990.0, &runs).ok_or("nothing to compare with")?;
/// assert_eq!((test.at_least, test.p_value), (9, 0.01));
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RandomTest {
    /// The observed figure; higher is better.
    pub observed: f64,
    /// Number of random runs that gave a figure.
    pub runs: usize,
    /// Runs that did as well or better.
    pub at_least: usize,
    /// One-sided p-value `(1 + at_least) / (1 + runs)`: the observed run counts as one of the
    /// random ones, so that it is never zero. Phipson and Smyth 2010.
    pub p_value: f64,
    /// Mean of the random runs.
    pub mean: f64,
    /// Standard deviation (n − 1) of the random runs; `None` for a single one.
    pub deviation: Option<f64>,
    /// How many of these standard deviations the observed figure is above the mean.
    pub z_score: Option<f64>,
}

impl RandomTest {
    /// Compares `observed` with `random` runs; runs that gave no number are left out. `None`
    /// without a number on either side.
    pub fn new(observed: f64, random: &[f64]) -> Option<Self> {
        let random: Vec<f64> = random.iter().copied().filter(|r| r.is_finite()).collect();
        if !observed.is_finite() || random.is_empty() {
            return None;
        }
        let at_least = random.iter().filter(|r| **r >= observed).count();
        let (mean, deviation) = (mean(&random)?, variance(&random).map(f64::sqrt));
        Some(Self {
            observed,
            runs: random.len(),
            at_least,
            p_value: (1 + at_least) as f64 / (1 + random.len()) as f64,
            mean,
            deviation,
            z_score: deviation.filter(|sd| *sd > 0.0).and_then(|sd| finite((observed - mean) / sd)),
        })
    }

    /// Compares `observed` with `runs` random runs, the figure of the i-th being `run(i)`; a run
    /// that gives `None` is left out. Each should draw from a stream of its own, such as
    /// `seed.stream(&format!("… {i}"))`, so that it does not depend on who computes it.
    pub fn with(observed: f64, runs: usize, run: impl FnMut(usize) -> Option<f64>) -> Option<Self> {
        let figures: Vec<f64> = (0..runs).filter_map(run).collect();
        Self::new(observed, &figures)
    }
}

/// Why random entries cannot be drawn.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SignificanceError {
    /// No trade to imitate.
    #[error("there is no trade to imitate")]
    NoTrades,
    /// A distance or a holding that no trade can have.
    #[error("trade {trade}: {name} = {value}: expected {expected}")]
    Template {
        /// The trade, counted from 0.
        trade: usize,
        /// What is wrong.
        name: &'static str,
        /// Its value.
        value: f64,
        /// What it should be.
        expected: &'static str,
    },
    /// Marks of allowed entries that are not one a candle.
    #[error("{found} marks of allowed entries for {expected} candles")]
    Marks {
        /// Marks given.
        found: usize,
        /// Candles there are.
        expected: usize,
    },
    /// More trades than candles to enter on.
    #[error("{trades} trades, but only {candles} candles to enter on")]
    TooFewCandles {
        /// Trades to place.
        trades: usize,
        /// Candles an entry may fill on.
        candles: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_observed_run_counts() {
        let test = RandomTest::new(5.0, &[1.0, 2.0, 3.0]).unwrap();
        assert_eq!((test.p_value, test.mean, test.z_score), (0.25, 2.0, Some(3.0)));
        let test = RandomTest::new(1.0, &[1.0, 1.0, f64::NAN]).unwrap();
        assert_eq!((test.p_value, test.runs, test.z_score), (1.0, 2, None));
        assert_eq!(RandomTest::new(f64::NAN, &[1.0]), None);
        assert_eq!(RandomTest::with(1.0, 5, |_| None), None);
        assert_eq!(RandomTest::with(9.0, 5, |i| Some(i as f64)).unwrap().runs, 5);
    }
}
