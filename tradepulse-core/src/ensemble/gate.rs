use serde::Serialize;

use super::vote::Cast;
use super::{Decision, Question, Settings};
use crate::inference::Action;

/// What stopped a decision, with the figure and its limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, thiserror::Error)]
#[serde(tag = "gate", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Gate {
    /// Too few models answered.
    #[error("{found} usable answers, at least {least} are needed")]
    Quorum {
        /// Usable answers.
        found: usize,
        /// The limit.
        least: usize,
    },
    /// The models are not sure enough.
    #[error("confidence {found:.3} is below {least}")]
    Confidence {
        /// Confidence of the decision.
        found: f64,
        /// The limit.
        least: f64,
    },
    /// The models do not agree.
    #[error("the models disagree by {found:.3}, at most {most} is allowed")]
    Disagreement {
        /// Standard deviation of the signed scores.
        found: f64,
        /// The limit.
        most: f64,
    },
    /// The trade is not worth its costs.
    #[error("the expected value {found:.5} is below {least}")]
    ExpectedValue {
        /// As a fraction of the price; `NaN` where the question has no usable price.
        found: f64,
        /// The limit.
        least: f64,
    },
}

/// The first gate that a decision does not pass. A hold has only the quorum to pass.
pub(super) fn judge(settings: &Settings, decision: &Decision) -> Option<Gate> {
    let found = decision.votes.iter().filter(|vote| vote.dropped.is_none()).count();
    let least = settings.min_responding_models;
    if found < least {
        return Some(Gate::Quorum { found, least });
    }
    let value = decision.expected_value?;
    if decision.confidence < settings.threshold {
        let (found, least) = (decision.confidence, settings.threshold);
        return Some(Gate::Confidence { found, least });
    }
    if decision.disagreement > settings.uncertainty_threshold {
        let (found, most) = (decision.disagreement, settings.uncertainty_threshold);
        return Some(Gate::Disagreement { found, most });
    }
    // Not a number does not pass.
    let worth = value >= settings.expected_value_threshold;
    (!worth)
        .then_some(Gate::ExpectedValue { found: value, least: settings.expected_value_threshold })
}

/// Standard deviation of the signed scores.
pub(super) fn disagreement(votes: &mut dyn Iterator<Item = &Cast>) -> f64 {
    let scores: Vec<f64> =
        votes.map(|vote| vote.prediction.action.sign() * vote.prediction.confidence).collect();
    if scores.is_empty() {
        return 0.0;
    }
    let count = scores.len() as f64;
    let mean = scores.iter().sum::<f64>() / count;
    (scores.iter().map(|score| (score - mean).powi(2)).sum::<f64>() / count).sqrt()
}

/// What the trade earns on average if the confidence is the probability that it reaches its target
/// before its stop, less its cost, as a fraction of the price. `None` for a hold.
pub(super) fn expected_value(question: &Question, decision: &Decision) -> Option<f64> {
    if decision.proposed == Action::Hold {
        return None;
    }
    let away = |level: Option<f64>, otherwise: f64| match level {
        Some(level) => (level - question.price).abs() / question.price,
        None => otherwise,
    };
    let gain = away(decision.take_profit, question.target_distance);
    let loss = away(decision.stop, question.stop_distance);
    let probability = decision.confidence;
    Some(probability * gain - (1.0 - probability) * loss - question.cost)
}
