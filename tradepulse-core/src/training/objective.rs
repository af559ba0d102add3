use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::parameter::{did_you_mean, nearest};
use crate::performance::Metrics;

/// What a search maximises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Objective {
    /// `sharpe × min(1, trades / 30) − max_drawdown_pct / 100`: a Sharpe ratio that few trades do
    /// not earn in full, less the deepest drawdown as a fraction.
    #[default]
    Balanced,
    /// Net profit, quote currency.
    NetProfit,
    /// Sharpe ratio of daily returns.
    Sharpe,
    /// Sortino ratio of daily returns.
    Sortino,
    /// Growth over drawdown.
    Calmar,
    /// Compound annual growth rate.
    Cagr,
    /// Gross profit over gross loss.
    ProfitFactor,
    /// Mean profit of a trade.
    Expectancy,
    /// Mean over deviation of the trades' percent profits.
    TradeSharpe,
    /// Winning trades over trades.
    WinRate,
    /// The deepest drawdown, made as shallow as possible.
    Drawdown,
}

impl Objective {
    /// All objectives.
    pub const ALL: [Self; 11] = [
        Self::Balanced,
        Self::NetProfit,
        Self::Sharpe,
        Self::Sortino,
        Self::Calmar,
        Self::Cagr,
        Self::ProfitFactor,
        Self::Expectancy,
        Self::TradeSharpe,
        Self::WinRate,
        Self::Drawdown,
    ];

    /// The name in commands and records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Balanced => "balanced",
            Self::NetProfit => "net_profit",
            Self::Sharpe => "sharpe",
            Self::Sortino => "sortino",
            Self::Calmar => "calmar",
            Self::Cagr => "cagr",
            Self::ProfitFactor => "profit_factor",
            Self::Expectancy => "expectancy",
            Self::TradeSharpe => "trade_sharpe",
            Self::WinRate => "win_rate",
            Self::Drawdown => "drawdown",
        }
    }

    /// Its value, larger is better; `None` where a figure it needs is not defined.
    pub fn value(self, metrics: &Metrics) -> Option<f64> {
        match self {
            Self::Balanced => {
                let earned = (metrics.trades as f64 / 30.0).min(1.0);
                Some(metrics.sharpe? * earned - metrics.max_drawdown_pct / 100.0)
            }
            Self::NetProfit => Some(metrics.net_profit),
            Self::Sharpe => metrics.sharpe,
            Self::Sortino => metrics.sortino,
            Self::Calmar => metrics.calmar,
            Self::Cagr => metrics.cagr,
            Self::ProfitFactor => metrics.profit_factor,
            Self::Expectancy => metrics.expectancy,
            Self::TradeSharpe => metrics.trade_sharpe,
            Self::WinRate => metrics.win_rate,
            Self::Drawdown => Some(-metrics.max_drawdown_pct),
        }
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Objective {
    type Err = UnknownObjective;

    fn from_str(text: &str) -> Result<Self, UnknownObjective> {
        Self::ALL.into_iter().find(|o| o.name() == text).ok_or_else(|| UnknownObjective {
            name: text.to_owned(),
            nearest: nearest(text, Self::ALL.iter().map(|o| o.name())),
        })
    }
}

/// There is no objective of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no objective {name:?}{}", did_you_mean(.nearest))]
pub struct UnknownObjective {
    name: String,
    nearest: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_few_trades_earn_less() {
        for objective in Objective::ALL {
            assert_eq!(objective.name().parse(), Ok(objective));
        }
        assert!("sharp".parse::<Objective>().unwrap_err().to_string().contains("\"sharpe\""));
        let metrics = |trades| Metrics {
            sharpe: Some(2.0),
            trades,
            max_drawdown_pct: 10.0,
            ..Metrics::default()
        };
        assert_eq!(Objective::Balanced.value(&metrics(15)), Some(1.0 - 0.1));
        assert_eq!(Objective::Balanced.value(&metrics(300)), Some(2.0 - 0.1));
        assert_eq!(Objective::Balanced.value(&Metrics::default()), None);
    }
}
