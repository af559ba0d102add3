use serde::{Deserialize, Serialize};

use super::Action;
use crate::time::Timestamp;

/// What a model says about a candle. Nothing is checked yet: see [`flaw`](Self::flaw).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Close time of the candle it answers.
    pub for_candle: Timestamp,
    /// What it would do.
    pub action: Action,
    /// How sure it is, 0..1.
    pub confidence: f64,
    /// Price of the stop it proposes.
    pub stop: Option<f64>,
    /// Price of the target it proposes.
    pub take_profit: Option<f64>,
    /// What the model itself answered, in its own unit.
    pub raw_score: Option<f64>,
}

impl Prediction {
    /// What makes it unusable as an answer about the candle that closed at `candle`.
    pub fn flaw(&self, candle: Timestamp) -> Option<Flaw> {
        if self.for_candle != candle {
            return Some(Flaw::Stale { found: self.for_candle, expected: candle });
        }
        if !(0.0..=1.0).contains(&self.confidence) {
            return Some(Flaw::Confidence { found: self.confidence });
        }
        for (field, price) in [("stop", self.stop), ("take_profit", self.take_profit)] {
            if let Some(found) = price.filter(|price| !(price.is_finite() && *price > 0.0)) {
                return Some(Flaw::Price { field, found });
            }
        }
        match self.raw_score {
            Some(found) if !found.is_finite() => Some(Flaw::RawScore { found }),
            _ => None,
        }
    }
}

/// What is wrong with a prediction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Flaw {
    /// It answers another candle.
    #[error("it answers the candle of {found}, not of {expected}")]
    Stale {
        /// The candle it answers.
        found: Timestamp,
        /// The candle that was asked about.
        expected: Timestamp,
    },
    /// A confidence that is none.
    #[error("confidence {found} is not between 0 and 1")]
    Confidence {
        /// What it says.
        found: f64,
    },
    /// A price that is none.
    #[error("{field} {found} is not a price")]
    Price {
        /// Which one.
        field: &'static str,
        /// What it says.
        found: f64,
    },
    /// A score that is no number.
    #[error("raw score {found} is not finite")]
    RawScore {
        /// What it says.
        found: f64,
    },
}
