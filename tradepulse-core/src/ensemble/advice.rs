use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Decision, Gate};
use crate::inference::Action;
use crate::order::Side;

/// What models together advise at the close of a candle, as strategies and the engine see it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Advice {
    /// What to do; hold where the models say so, are not sure enough, or see too little in it.
    pub action: Action,
    /// How sure they are together, 0..1.
    pub confidence: f64,
    /// Price of the stop, from those who say the action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<f64>,
    /// Price of the target, from those who say the action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub take_profit: Option<f64>,
}

impl Advice {
    /// SHA-256 of advice candle by candle, hex: what the
    /// [`fingerprint`](crate::backtest::fingerprint()) takes of a run that models advise.
    pub fn sha256(advice: &[Option<Self>]) -> String {
        let mut hash = Sha256::new();
        for advice in advice {
            let Some(Self { action, confidence, stop, take_profit }) = advice else {
                hash.update([0]);
                continue;
            };
            hash.update([1]);
            hash.update(action.name());
            for value in [Some(*confidence), *stop, *take_profit] {
                // No price is NaN.
                hash.update(value.unwrap_or(f64::NAN).to_le_bytes());
            }
        }
        crate::hex(&hash.finalize())
    }

    /// What `decision` advises; `None` where there were too few usable answers or the models
    /// contradict each other, which is no advice at all.
    pub fn new(decision: &Decision) -> Option<Self> {
        match decision.stopped {
            Some(Gate::Quorum { .. } | Gate::Disagreement { .. }) => None,
            _ => Some(Self {
                action: decision.action,
                confidence: decision.confidence,
                stop: decision.stop,
                take_profit: decision.take_profit,
            }),
        }
    }

    /// What a decision advised that was kept as JSON: as [`new`](Self::new) said of it.
    ///
    /// # Errors
    /// If it is no decision.
    pub fn recorded(decision: &Value) -> Result<Option<Self>, serde_json::Error> {
        let Recorded { advice, stopped } = Recorded::deserialize(decision)?;
        let none = stopped.is_some_and(|by| matches!(&*by.gate, "quorum" | "disagreement"));
        Ok((!none).then_some(advice))
    }
}

/// What is read back of a decision.
#[derive(Deserialize)]
struct Recorded {
    #[serde(flatten)]
    advice: Advice,
    stopped: Option<Stopped>,
}

#[derive(Deserialize)]
struct Stopped {
    gate: String,
}

/// Whose word an entry needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum DecisionMode {
    /// The strategy's alone.
    #[default]
    StrategiesOnly,
    /// The strategy's, and that of the models: without usable advice there is no entry.
    Confirm {
        /// Whether advice to hold lets the entry pass.
        allow_abstain: bool,
        /// Whether the position is as large a part of the usual one as the confidence of advice
        /// that agrees.
        by_confidence: bool,
    },
}

/// Why models keep an entry from being made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Veto {
    /// There is no usable advice.
    NoAdvice,
    /// They advise to hold.
    NotConfirmed,
    /// They advise the other side.
    Opposed,
}

impl DecisionMode {
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The part of the usual size that an entry on `side` may have.
    ///
    /// # Errors
    /// Why it may not be made.
    pub fn judge(self, side: Side, advice: Option<&Advice>) -> Result<f64, Veto> {
        let Self::Confirm { allow_abstain, by_confidence } = self else { return Ok(1.0) };
        let advice = advice.ok_or(Veto::NoAdvice)?;
        match advice.action.side() {
            Some(advised) if advised != side => Err(Veto::Opposed),
            Some(_) if by_confidence => Ok(advice.confidence.clamp(0.0, 1.0)),
            Some(_) => Ok(1.0),
            None if allow_abstain => Ok(1.0),
            None => Err(Veto::NotConfirmed),
        }
    }
}
