use serde::{Deserialize, Serialize};

use super::BreakerRules;
use crate::time::Timestamp;

/// The limits of the risk gate. `None` (`null` in a file) turns a limit off; what a file does not
/// name has its default.
///
/// ```
/// use tradepulse_core::risk::RiskRules;
/// let rules: RiskRules =
///     serde_json::from_str(r#"{"max_daily_trades": 5, "max_total_exposure": null}"#)?;
/// assert_eq!((rules.max_daily_trades, rules.max_total_exposure), (Some(5), None));
/// assert_eq!(rules.max_leverage, RiskRules::default().max_leverage);
/// assert!(serde_json::from_str::<RiskRules>(r#"{"max_leverge": 3}"#).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RiskRules {
    /// Positions open at once, in all markets.
    pub max_open_positions: Option<u32>,
    /// Positions open at once in one market.
    pub max_open_positions_per_symbol: Option<u32>,
    /// Entries in one UTC day.
    pub max_daily_trades: Option<u32>,
    /// Seconds from one entry to the next, in whatever market.
    pub min_trade_interval_seconds: Option<u32>,
    /// Loss of one UTC day as a fraction of the equity it began with, from which on the day has no
    /// more entries. The loss is that of marked equity or of the trades ended, whichever is larger.
    pub max_daily_loss: Option<f64>,
    /// The same in quote currency. The limit that is reached first holds.
    pub max_daily_loss_quote: Option<f64>,
    /// Losses in a row that stop trading for a while.
    pub circuit_breaker: Option<BreakerRules>,
    /// Drawdown of equity from its peak, a fraction, beyond which everything is closed and nothing
    /// is entered until a person says so.
    pub emergency_drawdown: Option<f64>,
    /// Notional of all positions together, the new one included, quote currency.
    pub max_total_exposure: Option<f64>,
    /// The same as a multiple of equity.
    pub max_leverage: Option<f64>,
    /// Correlation (−1..=1, over [30 days](super::ReturnWindow::DAYS)) of a new position's returns
    /// with those of each position open in another market. Returns of a short are those of its
    /// market with the opposite sign.
    pub max_correlation: Option<f64>,
    /// Hours after which a position is overdue and to be closed.
    pub max_position_duration_hours: Option<u32>,
    /// Fraction of the free balance that an entry must leave free.
    pub balance_buffer: Option<f64>,
    /// Distance of an entry's price from the last price, a fraction of the last price.
    pub max_price_deviation: Option<f64>,
    /// Age of the last candle's close, in timeframes.
    pub max_candle_age: Option<f64>,
    /// Spread as a multiple of what the strategy tolerates.
    pub max_spread: Option<f64>,
}

impl Default for RiskRules {
    fn default() -> Self {
        Self {
            max_open_positions: Some(1),
            max_open_positions_per_symbol: Some(1),
            max_daily_trades: Some(20),
            min_trade_interval_seconds: Some(300),
            max_daily_loss: Some(0.10),
            max_daily_loss_quote: Some(500.0),
            circuit_breaker: Some(BreakerRules::default()),
            emergency_drawdown: Some(0.20),
            max_total_exposure: Some(5000.0),
            max_leverage: Some(5.0),
            max_correlation: Some(0.8),
            max_position_duration_hours: Some(72),
            balance_buffer: Some(0.10),
            max_price_deviation: Some(0.02),
            max_candle_age: Some(2.0),
            max_spread: Some(1.0),
        }
    }
}

impl RiskRules {
    /// Every limit off.
    pub const fn none() -> Self {
        Self {
            max_open_positions: None,
            max_open_positions_per_symbol: None,
            max_daily_trades: None,
            min_trade_interval_seconds: None,
            max_daily_loss: None,
            max_daily_loss_quote: None,
            circuit_breaker: None,
            emergency_drawdown: None,
            max_total_exposure: None,
            max_leverage: None,
            max_correlation: None,
            max_position_duration_hours: None,
            balance_buffer: None,
            max_price_deviation: None,
            max_candle_age: None,
            max_spread: None,
        }
    }

    /// Whether every limit is one that can be kept. A gate whose rules fail here is safe all the
    /// same: a limit that is no number refuses every entry.
    ///
    /// # Errors
    /// The first limit out of its range.
    pub fn check(&self) -> Result<(), RiskRulesError> {
        let within = |name, value: Option<f64>, most: f64, expected| match value {
            Some(value) if !(0.0..=most).contains(&value) => {
                Err(RiskRulesError { name, value, expected })
            }
            _ => Ok(()),
        };
        for (name, value) in [
            ("max_daily_loss", self.max_daily_loss),
            ("emergency_drawdown", self.emergency_drawdown),
            ("balance_buffer", self.balance_buffer),
        ] {
            within(name, value, 1.0, "a fraction from 0 to 1")?;
        }
        for (name, value) in [
            ("max_daily_loss_quote", self.max_daily_loss_quote),
            ("max_total_exposure", self.max_total_exposure),
            ("max_leverage", self.max_leverage),
            ("max_price_deviation", self.max_price_deviation),
            ("max_candle_age", self.max_candle_age),
            ("max_spread", self.max_spread),
        ] {
            within(name, value, f64::MAX, "a number not below 0")?;
        }
        let expected = "a correlation from -1 to 1";
        if let Some(value) = self.max_correlation
            && !(-1.0..=1.0).contains(&value)
        {
            return Err(RiskRulesError { name: "max_correlation", value, expected });
        }
        if self.circuit_breaker.is_some_and(|rules| rules.consecutive_losses == 0) {
            let (name, expected) = ("circuit_breaker.consecutive_losses", "at least 1");
            return Err(RiskRulesError { name, value: 0.0, expected });
        }
        Ok(())
    }

    /// Whether a position opened at `opened_at` has been held as long as the rules allow.
    pub fn overdue(&self, opened_at: Timestamp, now: Timestamp) -> bool {
        self.max_position_duration_hours.is_some_and(|hours| {
            now.as_ms().saturating_sub(opened_at.as_ms()) >= i64::from(hours) * 3_600_000
        })
    }
}

/// A limit out of its range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("risk rule {name} = {value}: expected {expected}, or null to turn it off")]
pub struct RiskRulesError {
    /// The limit.
    pub name: &'static str,
    /// The value given.
    pub value: f64,
    /// What it should be.
    pub expected: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_read_back_and_off_stays_off() {
        for rules in [RiskRules::default(), RiskRules::none()] {
            let text = serde_json::to_string(&rules).unwrap();
            assert_eq!(serde_json::from_str::<RiskRules>(&text).unwrap(), rules);
            assert_eq!(rules.check(), Ok(()));
        }
    }

    #[test]
    fn limits_that_cannot_be_kept_are_named() {
        let default = RiskRules::default();
        for (name, rules) in [
            ("max_daily_loss", RiskRules { max_daily_loss: Some(10.0), ..default }),
            ("balance_buffer", RiskRules { balance_buffer: Some(-0.1), ..default }),
            ("max_leverage", RiskRules { max_leverage: Some(f64::NAN), ..default }),
            ("max_correlation", RiskRules { max_correlation: Some(80.0), ..default }),
            (
                "circuit_breaker.consecutive_losses",
                RiskRules {
                    circuit_breaker: Some(BreakerRules {
                        consecutive_losses: 0,
                        ..BreakerRules::default()
                    }),
                    ..default
                },
            ),
        ] {
            assert_eq!(rules.check().unwrap_err().name, name);
        }
    }
}
