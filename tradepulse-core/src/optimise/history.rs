//! What a search has asked and been told: the whole of its state.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::method::Method;
use super::space::Point;
use crate::parameter::Parameters;
use crate::random::Seed;

/// Parameters an optimiser wants evaluated.
#[derive(Clone, Debug, PartialEq)]
pub struct Suggestion {
    /// Number of the trial, counted from 0.
    pub number: u64,
    /// What to evaluate.
    pub parameters: Parameters,
}

/// What came of a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was evaluated: its objectives, each to be maximised.
    Feasible(#[serde(with = "exact_list")] Vec<f64>),
    /// It has no value: an impossible combination, too few trades, an error.
    Infeasible {
        /// Why, in words.
        reason: String,
        /// How far from feasible, above 0, where that can be said. Comparable between trials.
        #[serde(with = "exact_option", default)]
        violation: Option<f64>,
    },
}

impl Outcome {
    /// A trial with one objective, to be maximised.
    pub fn value(objective: f64) -> Self {
        Self::Feasible(vec![objective])
    }

    /// A trial without a value, for this reason.
    pub fn infeasible(reason: impl Into<String>) -> Self {
        Self::Infeasible { reason: reason.into(), violation: None }
    }

    /// The first objective of a feasible trial.
    pub fn objective(&self) -> Option<f64> {
        self.objectives().and_then(|o| o.first().copied())
    }

    /// The objectives of a feasible trial.
    pub fn objectives(&self) -> Option<&[f64]> {
        match self {
            Self::Feasible(objectives) => Some(objectives),
            Self::Infeasible { .. } => None,
        }
    }

    /// The same, but what is not a number cannot be compared and is infeasible.
    pub(super) fn sound(self) -> Self {
        match self {
            Self::Feasible(objectives) if objectives.iter().all(|o| o.is_finite()) => {
                Self::Feasible(objectives)
            }
            Self::Feasible(objectives) => {
                Self::infeasible(format!("objective is not a finite number: {objectives:?}"))
            }
            Self::Infeasible { reason, violation } => {
                let violation = violation.filter(|v| v.is_finite()).map(|v| v.max(0.0));
                Self::Infeasible { reason, violation }
            }
        }
    }

    /// Order by the first objective, best last; the infeasible come first, the furthest from
    /// feasible of all.
    pub(super) fn merit(&self) -> (bool, f64) {
        match self {
            Self::Feasible(objectives) => (true, objectives.first().copied().unwrap_or(0.0)),
            Self::Infeasible { violation, .. } => (false, -violation.unwrap_or(f64::MAX)),
        }
    }
}

/// The result of a [`Suggestion`].
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Number of the trial.
    pub number: u64,
    /// What came of it.
    pub outcome: Outcome,
}

/// One trial: where, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Its number, counted from 0.
    pub number: u64,
    /// Where.
    pub point: Point,
    /// What came of it; `None` until told.
    pub outcome: Option<Outcome>,
}

/// Everything a search is made of. Saved after each batch, it continues with exactly the same
/// suggestions.
///
/// A store may keep the trials of each batch in a table of its own and put the state together when
/// it is needed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Which optimiser.
    pub method: Method,
    /// Its seed.
    pub seed: Seed,
    /// [`fingerprint`](super::Space::fingerprint) of its space.
    pub space: String,
    /// Every trial, in the order of their numbers.
    pub trials: Vec<Trial>,
}

/// The trials of a search, with what all optimisers want to know of them.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    trials: Vec<Trial>,
    seen: BTreeSet<Point>,
    told: usize,
    prefix: usize,
}

impl History {
    pub(super) fn new(trials: Vec<Trial>) -> Self {
        let seen = trials.iter().map(|t| t.point.clone()).collect();
        let told = trials.iter().filter(|t| t.outcome.is_some()).count();
        let mut history = Self { trials, seen, told, prefix: 0 };
        history.advance();
        history
    }

    pub(super) fn trials(&self) -> &[Trial] {
        &self.trials
    }

    pub(super) fn contains(&self, point: &Point) -> bool {
        self.seen.contains(point)
    }

    /// Number of distinct points asked so far.
    pub(super) fn distinct(&self) -> usize {
        self.seen.len()
    }

    /// Number of trials told.
    pub(super) fn told(&self) -> usize {
        self.told
    }

    /// The trials before the first that has not been told.
    pub(super) fn prefix(&self) -> &[Trial] {
        &self.trials[..self.prefix]
    }

    pub(super) fn push(&mut self, point: Point) -> u64 {
        let number = self.trials.len() as u64;
        self.seen.insert(point.clone());
        self.trials.push(Trial { number, point, outcome: None });
        number
    }

    pub(super) fn get(&self, number: u64) -> Option<&Trial> {
        self.trials.get(usize::try_from(number).ok()?)
    }

    pub(super) fn tell(&mut self, told: Told) {
        let slot = usize::try_from(told.number).ok().and_then(|n| self.trials.get_mut(n));
        if let Some(trial) = slot {
            self.told += usize::from(trial.outcome.is_none());
            trial.outcome = Some(told.outcome);
        }
        self.advance();
    }

    /// Number of objectives of the first feasible trial.
    pub(super) fn objectives(&self) -> Option<usize> {
        let objectives = |t: &Trial| t.outcome.as_ref()?.objectives().map(<[f64]>::len);
        self.trials.iter().find_map(objectives)
    }

    fn advance(&mut self) {
        while self.trials.get(self.prefix).is_some_and(|t| t.outcome.is_some()) {
            self.prefix += 1;
        }
    }
}

/// Numbers as the shortest text that reads back as the same number: JSON parsers may be off in the
/// last digit, and a search would go another way.
mod exact_list {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(list: &[f64], s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(list.iter().map(f64::to_string))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<f64>, D::Error> {
        let texts = Vec::<String>::deserialize(d)?;
        texts.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
    }
}

mod exact_option {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(number: &Option<f64>, s: S) -> Result<S::Ok, S::Error> {
        number.map(|n| n.to_string()).serialize(s)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<f64>, D::Error> {
        let text = Option::<String>::deserialize(d)?;
        text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
    }
}
