use serde::Serialize;

use super::{Question, Settings, TrackRecord};
use crate::inference::{Action, Flaw, Prediction};
use crate::time::Timestamp;

/// A model and its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Voter {
    /// Its name.
    pub model: String,
    /// What its vote weighs before its record is looked at, from 0 up.
    pub weight: f64,
    /// How often it was right.
    pub record: TrackRecord,
    /// What it said, or why it said nothing.
    pub answer: Result<Prediction, Absence>,
}

/// Why there is no answer of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Absence {
    /// It did not answer in time.
    #[error("it did not answer in time")]
    Late,
    /// It could not be asked.
    #[error("it could not be asked: {reason}")]
    Unavailable {
        /// Why.
        reason: String,
    },
    /// It learnt from later candles: what it would say is hindsight.
    #[error("it learnt from candles up to {learnt_to}: what it says of earlier ones is hindsight")]
    Hindsight {
        /// Close time of the newest candle that it learnt from.
        learnt_to: Timestamp,
    },
    /// It answered something that is no prediction.
    #[error("its answer was not understood: {reason}")]
    Malformed {
        /// What is wrong with it.
        reason: String,
    },
}

/// Why a vote does not count.
#[derive(Clone, Debug, PartialEq, Serialize, thiserror::Error)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Dropped {
    /// There is no answer.
    #[error(transparent)]
    Absent(Absence),
    /// There is one that cannot be used.
    #[error(transparent)]
    Flawed(Flaw),
    /// The model's weight is no weight.
    #[error("weight {found} is not a finite number from 0 up")]
    Weight {
        /// What was set.
        found: f64,
    },
}

impl Dropped {
    /// Whether it counts against the model: it answered, and the answer was of no use.
    pub const fn is_models_fault(&self) -> bool {
        matches!(self, Self::Flawed(_) | Self::Absent(Absence::Malformed { .. }))
    }
}

/// A model's part in a decision.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Vote {
    /// Its name.
    pub model: String,
    /// What it said, if it said something that could be used.
    pub prediction: Option<Prediction>,
    /// Its expected share of right predictions, 0..1.
    pub performance: f64,
    /// What its vote weighs.
    pub weight: f64,
    /// Why it does not count.
    pub dropped: Option<Dropped>,
}

/// A vote that counts.
#[derive(Clone, Debug)]
pub(super) struct Cast {
    pub(super) prediction: Prediction,
    pub(super) weight: f64,
    pub(super) record: TrackRecord,
}

/// A vote as it is told, and as it counts.
pub(super) struct Counted {
    pub(super) shown: Vote,
    pub(super) cast: Option<Cast>,
}

/// Checks the answers; by name, so that sums do not depend on the order of `voters`.
pub(super) fn count(settings: &Settings, question: &Question, voters: &[Voter]) -> Vec<Counted> {
    let mut voters: Vec<&Voter> = voters.iter().collect();
    voters.sort_by(|a, b| order(a, b));
    voters
        .into_iter()
        .map(|voter| {
            let performance = voter.record.performance();
            let checked = check(question, voter);
            let weight = match &checked {
                Ok(_) => settings.method.weight(settings, voter.weight, performance),
                Err(_) => 0.0,
            };
            Counted {
                shown: Vote {
                    model: voter.model.clone(),
                    prediction: checked.as_ref().ok().copied(),
                    performance,
                    weight,
                    dropped: checked.as_ref().err().cloned(),
                },
                cast: checked.ok().map(|prediction| Cast {
                    prediction,
                    weight,
                    record: voter.record,
                }),
            }
        })
        .collect()
}

fn check(question: &Question, voter: &Voter) -> Result<Prediction, Dropped> {
    let prediction = voter.answer.clone().map_err(Dropped::Absent)?;
    if let Some(flaw) = prediction.flaw(question.candle) {
        return Err(Dropped::Flawed(flaw));
    }
    if !(voter.weight.is_finite() && voter.weight >= 0.0) {
        return Err(Dropped::Weight { found: voter.weight });
    }
    Ok(prediction)
}

/// By name; whatever else counts decides where names are equal.
fn order(a: &Voter, b: &Voter) -> std::cmp::Ordering {
    let answer = |voter: &Voter| {
        voter.answer.as_ref().ok().map(|said| {
            let level = |price: Option<f64>| price.map(f64::to_bits);
            (said.action, said.confidence.to_bits(), level(said.stop), level(said.take_profit))
        })
    };
    let key = |voter: &Voter| (voter.weight.to_bits(), voter.record.right(), voter.record.total());
    (a.model.cmp(&b.model))
        .then_with(|| answer(a).cmp(&answer(b)))
        .then_with(|| key(a).cmp(&key(b)))
}

/// Stop and target: the weighted means over those who voted for `winner` and name a price on the
/// right side of `price`.
pub(super) fn levels(
    price: f64,
    winner: Action,
    votes: &mut dyn Iterator<Item = &Cast>,
) -> (Option<f64>, Option<f64>) {
    let (mut stop, mut target) = (Mean::default(), Mean::default());
    for vote in votes.filter(|vote| vote.prediction.action == winner) {
        let ahead = |level: &f64| (level - price) * winner.sign();
        stop.add(vote.prediction.stop.filter(|level| ahead(level) < 0.0), vote.weight);
        target.add(vote.prediction.take_profit.filter(|level| ahead(level) > 0.0), vote.weight);
    }
    (stop.value(), target.value())
}

/// A weighted mean.
#[derive(Default)]
struct Mean {
    sum: f64,
    weight: f64,
}

impl Mean {
    fn add(&mut self, value: Option<f64>, weight: f64) {
        if let Some(value) = value {
            self.sum += value * weight;
            self.weight += weight;
        }
    }

    fn value(&self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.sum / self.weight).filter(|mean| mean.is_finite())
    }
}
