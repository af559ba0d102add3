use serde::{Deserialize, Serialize};

use crate::backtest::CostSurvival;

/// Whether a profit survives costs that turn out higher than assumed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
#[non_exhaustive]
pub enum CostJudgement {
    /// The profit is gone only above twice the assumed costs.
    Survives {
        /// Multiple of the assumed costs at which the profit is gone, or the largest one tried.
        multiple: f64,
    },
    /// Costs twice as high, or less, eat the profit.
    TooThin {
        /// Multiple of the assumed costs at which the profit is gone.
        multiple: f64,
    },
    /// There is no profit even without costs.
    NoProfit,
    /// Nothing was measured, or no costs were assumed.
    Unknown,
}

impl CostJudgement {
    /// The break-even must be above this multiple of the assumed costs.
    pub const MULTIPLE: f64 = 2.0;

    /// Judges a cost survival run.
    pub fn new(survival: &CostSurvival) -> Self {
        if let Some(multiple) = survival.break_even_multiple {
            return Self::of_multiple(multiple);
        }
        let at = |fee: f64, slippage: f64| {
            let same = |cell: &&crate::backtest::CostCell| {
                cell.fee_multiple == fee && cell.slippage_multiple == slippage
            };
            survival.grid.iter().find(same).map(|cell| cell.net_profit)
        };
        let dearest = CostSurvival::MULTIPLES.into_iter().fold(0.0, f64::max);
        match (at(0.0, 0.0), at(dearest, dearest)) {
            (Some(free), _) if free <= 0.0 => Self::NoProfit,
            // The same profit at any costs: there were none to multiply.
            (Some(free), Some(dear)) if dear > 0.0 && dear != free => {
                Self::Survives { multiple: CostSurvival::LARGEST_MULTIPLE }
            }
            _ => Self::Unknown,
        }
    }

    /// Judges the multiple of the assumed costs at which the profit is gone.
    pub fn of_multiple(multiple: f64) -> Self {
        if !multiple.is_finite() {
            Self::Unknown
        } else if multiple > Self::MULTIPLE {
            Self::Survives { multiple }
        } else {
            Self::TooThin { multiple }
        }
    }

    /// Whether the profit survives.
    pub fn survives(self) -> bool {
        matches!(self, Self::Survives { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backtest::CostCell;

    fn survival(free: f64, dear: f64, break_even: Option<f64>) -> CostSurvival {
        let cell = |m, net_profit| CostCell { fee_multiple: m, slippage_multiple: m, net_profit };
        CostSurvival {
            grid: vec![cell(0.0, free), cell(4.0, dear)],
            break_even_multiple: break_even,
            break_even_round_trip: None,
        }
    }

    #[test]
    fn a_missing_break_even_means_different_things() {
        let judge = |free, dear, multiple| CostJudgement::new(&survival(free, dear, multiple));
        assert_eq!(judge(9.0, -9.0, Some(1.5)), CostJudgement::TooThin { multiple: 1.5 });
        assert_eq!(judge(9.0, -9.0, Some(2.0)), CostJudgement::TooThin { multiple: 2.0 });
        assert!(judge(9.0, -9.0, Some(2.1)).survives());
        assert!(judge(9.0, 5.0, None).survives());
        assert_eq!(judge(0.0, -5.0, None), CostJudgement::NoProfit);
        assert_eq!(judge(5.0, 5.0, None), CostJudgement::Unknown);
        assert_eq!(CostJudgement::of_multiple(f64::NAN), CostJudgement::Unknown);
    }
}
