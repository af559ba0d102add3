use std::fmt;

use serde::{Deserialize, Serialize};

/// The rules that can refuse an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RiskRule {
    /// A person has paused entries.
    Paused,
    /// Equity fell too far from its peak.
    EmergencyDrawdown,
    /// Too many losses in a row.
    CircuitBreaker,
    /// The day has lost enough.
    MaxDailyLoss,
    /// The day has had enough trades.
    MaxDailyTrades,
    /// Too soon after the last entry.
    MinTradeInterval,
    /// Too many positions.
    MaxOpenPositions,
    /// Too many positions in this market.
    MaxOpenPositionsPerSymbol,
    /// Too much held in all.
    MaxTotalExposure,
    /// Too much held for the equity.
    MaxLeverage,
    /// Too much like a position there is.
    MaxCorrelation,
    /// Too little balance would be left free.
    BalanceBuffer,
    /// Too far from the last price.
    PriceSanity,
    /// The last candle is too old.
    StaleData,
    /// The spread is too wide.
    Spread,
}

impl RiskRule {
    /// The name in JSON and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::EmergencyDrawdown => "emergency_drawdown",
            Self::CircuitBreaker => "circuit_breaker",
            Self::MaxDailyLoss => "max_daily_loss",
            Self::MaxDailyTrades => "max_daily_trades",
            Self::MinTradeInterval => "min_trade_interval",
            Self::MaxOpenPositions => "max_open_positions",
            Self::MaxOpenPositionsPerSymbol => "max_open_positions_per_symbol",
            Self::MaxTotalExposure => "max_total_exposure",
            Self::MaxLeverage => "max_leverage",
            Self::MaxCorrelation => "max_correlation",
            Self::BalanceBuffer => "balance_buffer",
            Self::PriceSanity => "price_sanity",
            Self::StaleData => "stale_data",
            Self::Spread => "spread",
        }
    }
}

impl fmt::Display for RiskRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// An entry that the risk gate did not let pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{rule}: {text}")]
pub struct RiskRefusal {
    /// The rule.
    pub rule: RiskRule,
    /// What there is; `None` where it is not known, or the rule has no figure.
    pub figure: Option<f64>,
    /// What it was held against, if the rule has a limit.
    pub limit: Option<f64>,
    /// Figure and limit in words, with their units.
    pub text: String,
}
