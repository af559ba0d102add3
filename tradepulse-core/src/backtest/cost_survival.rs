use serde::Serialize;

use super::{Backtest, BacktestError, Outcome, Settings};
use crate::simulation::{Costs, Slippage};

/// Net profit at one pair of costs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CostCell {
    /// Taker and maker fee are this many times the assumed ones.
    pub fee_multiple: f64,
    /// Slippage is this many times the assumed one.
    pub slippage_multiple: f64,
    /// Net profit of the whole run, quote currency.
    pub net_profit: f64,
}

/// What is left when trading costs more than assumed. Entries are chosen and sized by the assumed
/// costs, as they were; only what the venue charges differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CostSurvival {
    /// Net profit over a grid of fees and slippage.
    pub grid: Vec<CostCell>,
    /// The multiple of all assumed costs at which net profit is zero; `None` if there is no profit
    /// even without costs, or still one at [`LARGEST_MULTIPLE`](Self::LARGEST_MULTIPLE) times them.
    pub break_even_multiple: Option<f64>,
    /// The same as a cost of a round trip, fraction of the price.
    pub break_even_round_trip: Option<f64>,
}

impl CostSurvival {
    /// Multiples of the assumed costs on each axis of the grid.
    pub const MULTIPLES: [f64; 5] = [0.0, 0.5, 1.0, 2.0, 4.0];
    /// Where the search for the break-even ends.
    pub const LARGEST_MULTIPLE: f64 = 64.0;

    /// Runs the backtest again at each cell of the grid, and by bisection for the break-even.
    ///
    /// `run` is the same run under other settings, such as `|b| b.run::<S>(&parameters)`.
    ///
    /// # Errors
    /// If the run fails.
    pub fn new(
        backtest: &Backtest<'_>,
        run: impl Fn(&Backtest<'_>) -> Result<Outcome, BacktestError>,
    ) -> Result<Self, BacktestError> {
        let assumed = backtest.settings();
        let net_profit = |fee: f64, slippage: f64| -> Result<f64, BacktestError> {
            let venue_costs = scaled(&assumed.venue_costs, fee, slippage);
            let settings = Settings { venue_costs, ..assumed.clone() };
            Ok(run(&backtest.under(settings)?)?.metrics.net_profit)
        };
        let mut grid = Vec::new();
        for fee_multiple in Self::MULTIPLES {
            for slippage_multiple in Self::MULTIPLES {
                let net_profit = net_profit(fee_multiple, slippage_multiple)?;
                grid.push(CostCell { fee_multiple, slippage_multiple, net_profit });
            }
        }
        let round_trip = assumed.venue_costs.round_trip();
        let mut break_even_multiple = None;
        if round_trip > 0.0 && net_profit(0.0, 0.0)? > 0.0 {
            let (mut low, mut high) = (0.0, 1.0);
            while high <= Self::LARGEST_MULTIPLE && net_profit(high, high)? > 0.0 {
                (low, high) = (high, high * 2.0);
            }
            if high <= Self::LARGEST_MULTIPLE {
                for _ in 0..12 {
                    let middle = (low + high) / 2.0;
                    if net_profit(middle, middle)? > 0.0 {
                        low = middle;
                    } else {
                        high = middle;
                    }
                }
                break_even_multiple = Some((low + high) / 2.0);
            }
        }
        let break_even_round_trip = break_even_multiple.map(|multiple| multiple * round_trip);
        Ok(Self { grid, break_even_multiple, break_even_round_trip })
    }
}

fn scaled(costs: &Costs, fee: f64, slippage: f64) -> Costs {
    const HIGHEST: f64 = 0.99;
    let capped = |rate: f64, multiple: f64| (rate * multiple).min(HIGHEST);
    Costs {
        taker_fee: capped(costs.taker_fee, fee),
        maker_fee: capped(costs.maker_fee, fee),
        slippage: match costs.slippage {
            Slippage::Fixed { fraction } => {
                Slippage::Fixed { fraction: capped(fraction, slippage) }
            }
            Slippage::VolumeShare { fraction, impact } => {
                let fraction = capped(fraction, slippage);
                let impact = (impact * slippage).min(HIGHEST - fraction);
                Slippage::VolumeShare { fraction, impact }
            }
        },
    }
}
