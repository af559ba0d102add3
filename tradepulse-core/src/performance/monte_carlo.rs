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
        if trades.is_empty() || runs == 0 {
            return None;
        }
        let mut equity = capital;
        let returns: Vec<f64> = trades
            .iter()
            .map(|trade| {
                let share = trade.profit / equity;
                equity += trade.profit;
                share
            })
            .collect();
        let n = returns.len();
        let block = (n as f64).cbrt().round().max(1.0) as usize;
        let mut random = seed.stream("monte carlo");
        let (mut finals, mut drawdowns) = (Vec::with_capacity(runs), Vec::with_capacity(runs));
        for _ in 0..runs {
            let (mut equity, mut peak, mut worst) = (capital, capital, 0.0_f64);
            let mut drawn = 0;
            while drawn < n {
                let start = random.random_range(0..n);
                for k in 0..block.min(n - drawn) {
                    if equity <= 0.0 {
                        break;
                    }
                    equity *= 1.0 + returns[(start + k) % n];
                    peak = f64::max(peak, equity);
                    worst = worst.max((peak - equity) / peak * 100.0);
                }
                drawn += block;
            }
            finals.push(equity);
            drawdowns.push(worst);
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

    /// A loss of more than everything, drawn twice, is no profit.
    #[test]
    fn ruin_is_the_end() {
        let trades = [trade(10.0), trade(-330.0)];
        let monte_carlo = MonteCarlo::new(100.0, &trades, 500, Seed(1)).unwrap();
        assert!(monte_carlo.final_equity.p5 < 0.0);
        assert!(monte_carlo.final_equity.p95 <= 121.0 + 1e-9, "{monte_carlo:?}");
    }
}
