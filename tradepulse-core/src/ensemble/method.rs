use serde::{Deserialize, Serialize};

use super::Settings;
use super::vote::Cast;
use crate::inference::Action;

/// How votes are put together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Each vote is its confidence times the model's weight: base weight × performance to the power
    /// of `weight_decay`. The confidence of the decision is its votes' share of all weights.
    #[default]
    WeightedVote,
    /// The mean confidence of each action; only actions with at least as many models as any other
    /// compete.
    AverageConfidence,
    /// The action that most models say; the confidence is their share.
    Majority,
    /// Pools log-odds: each answer counts by how often the model said that where long, short or
    /// hold would have been right ([`TrackRecord::likelihood`](super::TrackRecord::likelihood)), to
    /// the power of its base weight. The confidence is the posterior probability.
    Bayesian,
}

/// What the votes came to.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) winner: Action,
    pub(super) support: [f64; 3],
}

impl Method {
    /// Its word in settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WeightedVote => "weighted_vote",
            Self::AverageConfidence => "average_confidence",
            Self::Majority => "majority",
            Self::Bayesian => "bayesian",
        }
    }

    /// What a vote weighs.
    pub(super) fn weight(self, settings: &Settings, base: f64, performance: f64) -> f64 {
        match self {
            Self::WeightedVote => base * performance.powf(settings.weight_decay),
            Self::Bayesian => base,
            Self::AverageConfidence | Self::Majority => 1.0,
        }
    }

    /// Puts votes together. Without a vote it holds, with no support.
    pub(super) fn tally(self, votes: &mut dyn Iterator<Item = &Cast>) -> Tally {
        let votes: Vec<&Cast> = votes.collect();
        let total: f64 = votes.iter().map(|vote| vote.weight).sum();
        if votes.is_empty() || total <= 0.0 {
            return Tally { winner: Action::Hold, support: [0.0; 3] };
        }
        let sums = |value: fn(&Cast) -> f64| {
            let mut sums = [0.0; 3];
            for vote in &votes {
                sums[vote.prediction.action.index()] += value(vote);
            }
            sums
        };
        let counts = sums(|_| 1.0);
        let support = match self {
            Self::WeightedVote => {
                sums(|vote| vote.prediction.confidence * (vote.weight)).map(|sum| sum / total)
            }
            Self::AverageConfidence => {
                let confidences = sums(|vote| vote.prediction.confidence);
                let most = counts.iter().copied().fold(0.0, f64::max);
                std::array::from_fn(|i| {
                    if counts[i] == most { confidences[i] / counts[i] } else { 0.0 }
                })
            }
            Self::Majority => counts.map(|count| count / votes.len() as f64),
            Self::Bayesian => posterior(&votes),
        };
        // Rounding takes a sum of shares past 1 by a digit.
        let support = support.map(|share| share.clamp(0.0, 1.0));
        Tally { winner: winner(support), support }
    }
}

/// The action with the most support; hold where two have as much.
fn winner(support: [f64; 3]) -> Action {
    let most = support.iter().copied().fold(0.0, f64::max);
    // What differs by rounding alone is a tie.
    let mut winners =
        Action::ALL.into_iter().filter(|action| support[action.index()] >= most * (1.0 - 1e-12));
    match (winners.next(), winners.next()) {
        (Some(only), None) => only,
        _ => Action::Hold,
    }
}

/// How likely each action would be right, all being as likely before anyone was asked.
fn posterior(votes: &[&Cast]) -> [f64; 3] {
    let logs = Action::ALL.map(|truth| {
        let log = |vote: &&Cast| {
            let said = &vote.prediction;
            vote.weight * vote.record.likelihood(said.action, said.confidence, truth).ln()
        };
        votes.iter().map(log).sum::<f64>()
    });
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let odds = logs.map(|log| (log - most).exp());
    let total: f64 = odds.iter().sum();
    // Only weights beyond all measure get here without a number.
    if total.is_finite() { odds.map(|odds| odds / total) } else { [0.0; 3] }
}
