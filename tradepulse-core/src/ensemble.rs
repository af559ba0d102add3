//! Several models, one decision.
//!
//! [`Ensemble::decide`] is a pure function of its settings, of what was asked and of what the
//! models answered. Answers are checked first: what is late, stale or out of range is dropped and
//! named. The rest is put together by a [`Method`]; ties hold. What wins has to pass the gates
//! ([`Gate`]). The [`Decision`] has every vote, every weight and the gate that stopped it.
//!
//! ```
//! use tradepulse_core::ensemble::{Absence, Ensemble, Question, Settings, TrackRecord, Voter};
//! use tradepulse_core::inference::{Action, Prediction};
//! use tradepulse_core::time::Timestamp;
//!
//! let candle = Timestamp::from_ms(3_600_000);
//! let says = |action, confidence| Prediction {
//!     for_candle: candle, action, confidence, stop: None, take_profit: None, raw_score: None,
//! };
//! let voter = |model: &str, answer| Voter {
//!     model: model.to_owned(), weight: 1.0, record: TrackRecord::default(), answer,
//! };
//! let ensemble = Ensemble::new(Settings::default())?;
//! let decision = ensemble.decide(&Question::new(candle, 100.0), &[
//!     voter("trees", Ok(says(Action::Long, 0.8))),
//!     voter("network", Ok(says(Action::Long, 0.9))),
//!     voter("asleep", Err(Absence::Late)),
//! ]);
//! assert_eq!(decision.action, Action::Long);
//! assert!((decision.confidence - 0.85).abs() < 1e-12);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod advice;
mod gate;
mod method;
mod panel;
mod track_record;
mod vote;

use serde::{Deserialize, Serialize};

pub use advice::{Advice, DecisionMode, Veto};
pub use gate::Gate;
pub use method::Method;
pub use panel::{ColumnsError, Panel, Settled};
pub use track_record::TrackRecord;
pub use vote::{Absence, Dropped, Vote, Voter};

use crate::inference::Action;
use crate::time::Timestamp;

/// How answers become a decision.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How votes are put together.
    pub method: Method,
    /// Least confidence of a decision, 0..1.
    pub threshold: f64,
    /// How much a model's performance counts: its power in the weight, from 0 (not at all) up.
    pub weight_decay: f64,
    /// Least number of usable answers.
    pub min_responding_models: usize,
    /// Most disagreement: the standard deviation of the signed scores, 0..1.
    pub uncertainty_threshold: f64,
    /// Least expected value of a trade after costs, as a fraction of the price.
    pub expected_value_threshold: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            method: Method::WeightedVote,
            threshold: 0.7,
            weight_decay: 0.95,
            min_responding_models: 1,
            uncertainty_threshold: 0.3,
            expected_value_threshold: 0.0,
        }
    }
}

/// What is asked: about which candle, and what a trade at its close would be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Question {
    /// Close time of the candle.
    pub candle: Timestamp,
    /// Its close, quote currency.
    pub price: f64,
    /// What entry and exit together cost, as a fraction of the price.
    pub cost: f64,
    /// Distance of the stop where no model names one, as a fraction of the price.
    pub stop_distance: f64,
    /// Distance of the target where no model names one, as a fraction of the price.
    pub target_distance: f64,
}

impl Question {
    /// About the candle that closed at `candle` with `price`: costs of 0.2 %, a stop 2 % and a
    /// target 5 % away.
    pub const fn new(candle: Timestamp, price: f64) -> Self {
        Self { candle, price, cost: 0.002, stop_distance: 0.02, target_distance: 0.05 }
    }
}

/// What the models together say, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decision {
    /// What to do: `proposed`, or hold if a gate stopped it.
    pub action: Action,
    /// What the votes came to.
    pub proposed: Action,
    /// How sure the models are together, 0..1, by the method's definition.
    pub confidence: f64,
    /// Price of the stop, from the winning side only.
    pub stop: Option<f64>,
    /// Price of the target, from the winning side only.
    pub take_profit: Option<f64>,
    /// Standard deviation of the signed scores (confidence with the action's sign).
    pub disagreement: f64,
    /// Expected value of the trade after costs, as a fraction of the price; `None` for a hold.
    pub expected_value: Option<f64>,
    /// What each action came to, in the order long, short, hold, 0..1.
    pub support: [f64; 3],
    /// Each model's vote, by name.
    pub votes: Vec<Vote>,
    /// The gate that stopped it.
    pub stopped: Option<Gate>,
}

/// A checked way to decide.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ensemble {
    settings: Settings,
}

impl Ensemble {
    /// Decides by `settings`.
    ///
    /// # Errors
    /// If a setting is outside of its range.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let within = |name, found: f64, least: f64, most: f64| {
            if found.is_finite() && (least..=most).contains(&found) {
                Ok(())
            } else {
                Err(SettingsError { name, found, least, most })
            }
        };
        within("threshold", settings.threshold, 0.0, 1.0)?;
        within("weight_decay", settings.weight_decay, 0.0, 100.0)?;
        within("min_responding_models", settings.min_responding_models as f64, 1.0, 1000.0)?;
        within("uncertainty_threshold", settings.uncertainty_threshold, 0.0, 1.0)?;
        within("expected_value_threshold", settings.expected_value_threshold, -1.0, 1.0)?;
        Ok(Self { settings })
    }

    /// How it decides.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What `voters` come to. Their order does not matter.
    pub fn decide(&self, question: &Question, voters: &[Voter]) -> Decision {
        let votes = vote::count(&self.settings, question, voters);
        let cast = || votes.iter().filter_map(|vote| vote.cast.as_ref());
        let tally = self.settings.method.tally(&mut cast());
        let (stop, take_profit) = vote::levels(question.price, tally.winner, &mut cast());
        let mut decision = Decision {
            action: tally.winner,
            proposed: tally.winner,
            confidence: tally.support[tally.winner.index()],
            stop,
            take_profit,
            disagreement: gate::disagreement(&mut cast()),
            expected_value: None,
            support: tally.support,
            votes: votes.into_iter().map(|vote| vote.shown).collect(),
            stopped: None,
        };
        decision.expected_value = gate::expected_value(question, &decision);
        decision.stopped = gate::judge(&self.settings, &decision);
        if decision.stopped.is_some() {
            decision.action = Action::Hold;
        }
        decision
    }
}

/// A setting outside of its range.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("ensemble.{name} {found} is not possible: expected {least} to {most}")]
pub struct SettingsError {
    name: &'static str,
    found: f64,
    least: f64,
    most: f64,
}

#[cfg(test)]
mod tests;
