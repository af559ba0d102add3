use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::statistics::quantile;
use crate::account::Trade;
use crate::random::Seed;

/// 5 %, 50 % and 95 % of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// 5 % of the runs are below.
    pub p5: f64,
    /// Half of the runs are below.
    pub p50: f64,
    /// 95 % of the runs are below.
    pub p95: f64,
}

/// What the same trades could have become in another order and mix.
///
/// A circular block bootstrap (Politis and Romano 1992): each run draws blocks of consecutive
/// trades until it has as many trades as there were, and compounds their returns on equity. Blocks
/// of about ∛n trades keep runs of luck together. Drawdown is taken at trade ends. A run that has
/// lost all its equity stays where it is: what is gone cannot be traded with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MonteCarlo {
    /// Number of runs.
    pub runs: usize,
    /// Trades in a block.
    pub block: usize,
    /// Final equity, quote currency.
    pub final_equity: Percentiles,
    /// Maximum drawdown, percent, positive.
    pub max_drawdown_pct: Percentiles,
    /// Share of runs that end below the capital.
    pub probability_of_loss: f64,
}

impl MonteCarlo {
    /// `runs` bootstrap runs; `None` without trades or runs.
    pub fn new(capital: f64, trades: &[Trade], runs: usize, seed: Seed) -> Option<Self> {
        let resampling = Resampled::new(capital, trades, seed)?;
        let (n, block) = (trades.len(), resampling.block);
        let (mut finals, mut drawdowns) = (Vec::with_capacity(runs), Vec::with_capacity(runs));
        resampling.runs(runs, |path| {
            let (mut peak, mut worst) = (capital, 0.0_f64);
            for equity in path {
                peak = f64::max(peak, *equity);
                worst = worst.max((peak - equity) / peak * 100.0);
            }
            finals.push(path[n - 1]);
            drawdowns.push(worst);
        });
        if finals.is_empty() {
            return None;
        }
        let percentiles = |values: &[f64]| {
            Some(Percentiles {
                p5: quantile(values, 0.05)?,
                p50: quantile(values, 0.5)?,
                p95: quantile(values, 0.95)?,
            })
        };
        Some(Self {
            runs,
            block,
            final_equity: percentiles(&finals)?,
            max_drawdown_pct: percentiles(&drawdowns)?,
            probability_of_loss: finals.iter().filter(|f| **f < capital).count() as f64
                / runs as f64,
        })
    }
}

/// How those runs spread as they go: equity after so many trades, over all runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MonteCarloFan {
    /// Trades made at each place, ascending: the first is 1, the last all of them.
    pub trades: Vec<usize>,
    /// Equity at each place, quote currency.
    pub equity: Vec<Band>,
}

/// Quantiles at one place of a [`MonteCarloFan`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Band {
    /// 5 % of the runs are below.
    pub p5: f64,
    /// A quarter of the runs is below.
    pub p25: f64,
    /// Half of the runs are below.
    pub p50: f64,
    /// Three quarters of the runs are below.
    pub p75: f64,
    /// 95 % of the runs are below.
    pub p95: f64,
}

impl MonteCarloFan {
    /// The runs that [`MonteCarlo::new`] makes of the same arguments, looked at in at most `places`
    /// places; `None` without trades, runs or places.
    pub fn new(
        capital: f64,
        trades: &[Trade],
        runs: usize,
        seed: Seed,
        places: usize,
    ) -> Option<Self> {
        let resampling = Resampled::new(capital, trades, seed)?;
        let n = trades.len();
        let mut at: Vec<usize> = match places {
            0 | 1 => vec![n; places],
            _ => (0..places).map(|k| 1 + k * (n - 1) / (places - 1)).collect(),
        };
        at.dedup();
        let mut equity = vec![Vec::with_capacity(runs); at.len()];
        resampling.runs(runs, |path| {
            for (place, trades) in equity.iter_mut().zip(&at) {
                place.push(path[trades - 1]);
            }
        });
        let band = |values: Vec<f64>| {
            Some(Band {
                p5: quantile(&values, 0.05)?,
                p25: quantile(&values, 0.25)?,
                p50: quantile(&values, 0.5)?,
                p75: quantile(&values, 0.75)?,
                p95: quantile(&values, 0.95)?,
            })
        };
        let equity: Option<Vec<Band>> = equity.into_iter().map(band).collect();
        equity.filter(|bands| !bands.is_empty()).map(|equity| Self { trades: at, equity })
    }
}

/// Trades' returns on equity, and how blocks of them are drawn.
struct Resampled {
    capital: f64,
    returns: Vec<f64>,
    block: usize,
    seed: Seed,
}

impl Resampled {
    /// `None` without trades.
    fn new(capital: f64, trades: &[Trade], seed: Seed) -> Option<Self> {
        let mut equity = capital;
        let share = |trade: &Trade| {
            let share = trade.profit / equity;
            equity += trade.profit;
            share
        };
        let returns: Vec<f64> = trades.iter().map(share).collect();
        let block = (trades.len() as f64).cbrt().round().max(1.0) as usize;
        (!returns.is_empty()).then_some(Self { capital, returns, block, seed })
    }

    /// Shows `look` the equity after every trade of each run.
    fn runs(&self, runs: usize, mut look: impl FnMut(&[f64])) {
        let n = self.returns.len();
        let mut random = self.seed.stream("monte carlo");
        let mut path = Vec::with_capacity(n);
        for _ in 0..runs {
            let mut equity = self.capital;
            path.clear();
            while path.len() < n {
                let start = random.random_range(0..n);
                for k in 0..self.block.min(n - path.len()) {
                    if equity > 0.0 {
                        equity *= 1.0 + self.returns[(start + k) % n];
                    }
                    path.push(equity);
                }
            }
            look(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::{ExitReason, Side};

    fn trade(profit: f64) -> Trade {
        Trade {
            side: Side::Long,
            entry_time_ms: 0,
            entry_price: 1.0,
            exit_time_ms: 1,
            exit_price: 1.0,
            quantity: 1.0,
            fees: 0.0,
            profit,
            profit_pct: profit,
            exit_reason: ExitReason::Stop,
            holding: 1,
            ambiguous: false,
            slippage: 0.0,
            funding: 0.0,
        }
    }

    #[test]
    fn the_fan_is_of_the_same_runs() {
        let trades: Vec<Trade> = (0..50).map(|i| trade(f64::from(i % 7) - 2.5)).collect();
        let monte_carlo = MonteCarlo::new(100.0, &trades, 300, Seed(4)).unwrap();
        let fan = MonteCarloFan::new(100.0, &trades, 300, Seed(4), 20).unwrap();
        assert_eq!((fan.trades.len(), fan.trades[0], fan.trades[19]), (20, 1, 50));
        let last = fan.equity[19];
        let ends = monte_carlo.final_equity;
        assert_eq!((last.p5, last.p50, last.p95), (ends.p5, ends.p50, ends.p95));
        for band in &fan.equity {
            assert!(band.p5 <= band.p25 && band.p25 <= band.p50, "{band:?}");
            assert!(band.p50 <= band.p75 && band.p75 <= band.p95, "{band:?}");
        }
        let short = MonteCarloFan::new(100.0, &trades[..3], 10, Seed(4), 20).unwrap();
        assert_eq!(short.trades, [1, 2, 3]);
        assert_eq!(MonteCarloFan::new(100.0, &[], 10, Seed(4), 20), None);
        assert_eq!(MonteCarloFan::new(100.0, &trades, 0, Seed(4), 20), None);
        assert_eq!(MonteCarloFan::new(100.0, &trades, 10, Seed(4), 0), None);
    }

    /// A loss of more than everything, drawn twice, is no profit.
    #[test]
    fn ruin_is_the_end() {
        let trades = [trade(10.0), trade(-330.0)];
        let monte_carlo = MonteCarlo::new(100.0, &trades, 500, Seed(1)).unwrap();
        assert!(monte_carlo.final_equity.p5 < 0.0);
        assert!(monte_carlo.final_equity.p95 <= 121.0 + 1e-9, "{monte_carlo:?}");
    }
}
