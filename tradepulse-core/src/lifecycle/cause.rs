use serde::{Deserialize, Serialize};

use super::death_signal::DeathSignal;
use crate::overfitting::WalkForwardFlag;

/// Why a configuration stands where it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// A figure that must be known is not.
    Unknown {
        /// The figure.
        figure: Figure,
    },
    /// It loses money.
    Loss {
        /// Net profit, quote currency.
        net_profit: f64,
    },
    /// Its Sharpe ratio is below 0.5.
    LowSharpe {
        /// Lifetime Sharpe ratio.
        sharpe: f64,
    },
    /// Less than 0.7 of its orders fill.
    LowFillRate {
        /// Share of orders filled.
        fill_rate: f64,
    },
    /// Its 30-day Sharpe ratio is negative, and below half the lifetime one.
    RollingSharpeNegative {
        /// Sharpe ratio of the last 30 days.
        rolling: f64,
        /// Lifetime Sharpe ratio.
        lifetime: f64,
    },
    /// It is in PAPER, and no 30 days of trades show that it has recovered.
    NotRecovered,
    /// Its 30-day Sharpe ratio is below half the lifetime one.
    RollingSharpeFell {
        /// Sharpe ratio of the last 30 days.
        rolling: f64,
        /// Lifetime Sharpe ratio.
        lifetime: f64,
    },
    /// It lost more than 20 % of its performance since it was activated.
    PerformanceFell {
        /// Share lost.
        lost: f64,
    },
    /// Two or more kinds of death signals sound.
    DeathSignals {
        /// The signals.
        signals: Vec<DeathSignal>,
    },
    /// It recovered from PAPER, and starts again.
    Recovered,
    /// Too few trades.
    FewTrades {
        /// Trades that count.
        trades: u64,
        /// Trades needed.
        needed: u64,
    },
    /// Such a mean return is too likely by chance.
    PValue {
        /// One-sided p-value.
        p_value: f64,
    },
    /// It may be no more than the luckiest of many trials.
    DeflatedSharpe {
        /// Deflated Sharpe probability.
        probability: f64,
        /// Number of trials, where known.
        trials: Option<u64>,
    },
    /// Choosing the best of the study's trials does not carry over to other data.
    Overfitting {
        /// Probability of overfitting.
        probability: f64,
    },
    /// The walk-forward raised flags.
    WalkForward {
        /// The flags.
        flags: Vec<WalkForwardFlag>,
    },
    /// Enough trades, and the evidence gate is passed.
    GatePassed {
        /// Trades that count.
        trades: u64,
    },
    /// A long record with a high Sharpe ratio.
    LongRecord {
        /// Trades that count.
        trades: u64,
        /// Lifetime Sharpe ratio.
        sharpe: f64,
    },
}

/// A figure that must be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Figure {
    /// Net profit.
    NetProfit,
    /// Sharpe ratio.
    Sharpe,
    /// Fill rate.
    FillRate,
    /// p-value.
    PValue,
    /// Deflated Sharpe probability.
    DeflatedSharpe,
    /// Probability of overfitting.
    Overfitting,
    /// Walk-forward.
    WalkForward,
}

impl Figure {
    /// Its name in a sentence.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NetProfit => "net profit",
            Self::Sharpe => "Sharpe ratio",
            Self::FillRate => "fill rate",
            Self::PValue => "p-value",
            Self::DeflatedSharpe => "deflated Sharpe ratio",
            Self::Overfitting => "probability of overfitting",
            Self::WalkForward => "walk-forward",
        }
    }
}
