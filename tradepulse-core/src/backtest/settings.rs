use serde::{Deserialize, Serialize};

use super::BacktestError;
use crate::engine::Rules;
use crate::risk::RiskRules;
use crate::simulation::{Costs, Priority, Slippage};
use crate::sizing::Sizing;

/// How a backtest is run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Starting capital, quote currency.
    pub capital: f64,
    /// How intents become orders.
    pub rules: Rules,
    /// What the venue charges. The same as `rules.costs`, unless one asks what would have happened
    /// had costs turned out otherwise than reckoned.
    pub venue_costs: Costs,
    /// Which leg fills first where a candle leaves that open.
    pub priority: Priority,
    /// Limits that each entry is held against, if any: the gate of live trading, with equity marked
    /// at each close. An emergency shutdown closes the position and refuses all later entries; a
    /// position held for too long is closed. Both fill at the next open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<RiskRules>,
}

impl Default for Settings {
    /// 10,000 capital, default rules and costs, stop first.
    fn default() -> Self {
        Self::with_costs(Costs::default())
    }
}

impl Settings {
    /// Default settings with other costs, for the engine and the venue alike.
    pub fn with_costs(costs: Costs) -> Self {
        Self {
            capital: 10_000.0,
            rules: Rules { costs, ..Rules::default() },
            venue_costs: costs,
            priority: Priority::StopFirst,
            risk: None,
        }
    }

    pub(super) fn check(&self) -> Result<(), BacktestError> {
        let positive = |name, value: f64| {
            if value > 0.0 && value.is_finite() {
                return Ok(());
            }
            Err(BacktestError::Setting { name, value, expected: "a number above zero" })
        };
        let fraction = |name, value: f64| {
            if (0.0..1.0).contains(&value) {
                return Ok(());
            }
            Err(BacktestError::Setting { name, value, expected: "a fraction from 0 to below 1" })
        };
        self.risk.map_or(Ok(()), |rules| rules.check())?;
        positive("capital", self.capital)?;
        positive("max_leverage", self.rules.max_leverage)?;
        if !(self.rules.min_edge >= 0.0 && self.rules.min_edge.is_finite()) {
            let (name, value) = ("min_edge", self.rules.min_edge);
            return Err(BacktestError::Setting { name, value, expected: "a number not below 0" });
        }
        let rules = &self.rules;
        for (name, value) in [
            ("break_even", rules.break_even),
            ("min_notional", rules.min_notional),
            ("max_notional", rules.max_notional),
            ("max_duration_ms", rules.max_duration_ms.map(|ms| ms as f64)),
        ] {
            value.map_or(Ok(()), |value| positive(name, value))?;
        }
        if let Some(callback) = rules.trailing_stop {
            positive("trailing_stop", callback)?;
            fraction("trailing_stop", callback)?;
        }
        for costs in [&self.rules.costs, &self.venue_costs] {
            fraction("taker_fee", costs.taker_fee)?;
            fraction("maker_fee", costs.maker_fee)?;
            fraction("slippage", costs.slippage.expected())?;
            if let Slippage::VolumeShare { fraction: smallest, impact } = costs.slippage {
                fraction("slippage impact", impact)?;
                fraction("slippage and its impact", smallest + impact)?;
            }
        }
        let (name, value) = match self.rules.sizing {
            Sizing::AllIn => return Ok(()),
            Sizing::FixedRisk { risk } => ("risk", risk),
            Sizing::FixedFraction { fraction } => ("fraction", fraction),
            Sizing::FixedAmount { amount } => ("amount", amount),
            Sizing::Kelly { share, risk } => {
                positive("risk", risk)?;
                ("fraction", share)
            }
            Sizing::VolatilityTarget { daily_volatility } => ("daily_volatility", daily_volatility),
        };
        positive(name, value)
    }
}
