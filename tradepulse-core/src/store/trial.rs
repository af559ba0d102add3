use serde::{Deserialize, Serialize};

use super::{Json, RecordId, StoreError};
use crate::time::Timestamp;

/// What came of a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrialOutcome {
    /// It was evaluated: its objectives, each to be maximised, at least one.
    Feasible(Vec<f64>),
    /// It has no value.
    Infeasible {
        /// Why, in words.
        reason: String,
        /// How far from feasible, where that can be said.
        violation: Option<f64>,
    },
}

/// One trial of a study: parameters, and what came of them. Its key is the study and the number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialRecord {
    /// Its number in the study, counted from 0.
    pub number: u64,
    /// The parameters tried.
    pub parameters: Json,
    /// What came of them.
    pub outcome: TrialOutcome,
    /// The figures found, if it ran.
    pub metrics: Option<Json>,
    /// The Sharpe ratio found, if there is one: what the [`Ledger`](super::Ledger) takes the
    /// variance of. In one unit for all trials: annualised, as
    /// [`Metrics::sharpe`](crate::performance::Metrics::sharpe).
    pub sharpe: Option<f64>,
    /// Whether it was given up early.
    pub pruned: bool,
    /// How long it took, s.
    pub seconds: f64,
}

impl TrialRecord {
    /// The first objective of a feasible trial.
    pub fn objective(&self) -> Option<f64> {
        self.objectives().and_then(|objectives| objectives.first().copied())
    }

    /// The objectives of a feasible trial.
    pub fn objectives(&self) -> Option<&[f64]> {
        match &self.outcome {
            TrialOutcome::Feasible(objectives) => Some(objectives),
            TrialOutcome::Infeasible { .. } => None,
        }
    }

    /// Whether it can be stored.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if a figure is not finite, there is no objective, or the number is
    /// too large for a database.
    pub fn check(&self) -> Result<(), StoreError> {
        let refused =
            |reason: String| Err(StoreError::invalid(format!("trial {}", self.number), reason));
        if i64::try_from(self.number).is_err() {
            return refused("its number is too large".into());
        }
        let outcome = match &self.outcome {
            TrialOutcome::Feasible(objectives) if objectives.is_empty() => {
                return refused("it is feasible without an objective".into());
            }
            TrialOutcome::Feasible(objectives) => objectives.clone(),
            TrialOutcome::Infeasible { violation, .. } => violation.iter().copied().collect(),
        };
        if self.metrics == Some(Json::Null) {
            return refused("metrics that are not there are None, not null".into());
        }
        let figures = self.sharpe.iter().chain([&self.seconds]).chain(&outcome);
        match figures.into_iter().find(|f| !f.is_finite()) {
            Some(figure) => refused(format!("{figure} is not a finite number")),
            None => Ok(()),
        }
    }
}

/// The state of a study's search, as its optimiser saves it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchState {
    /// Number of the batch after which it was saved, counted from 1.
    pub batch: u64,
    /// The state, as JSON; not looked at, kept byte by byte.
    pub json: String,
}

/// Trials that were told together, and the state of the search after them.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialBatch {
    /// Their study.
    pub study_id: RecordId,
    /// When, ms.
    pub at: Timestamp,
    /// The trials, in any order.
    pub trials: Vec<TrialRecord>,
    /// The state of the search; `None` leaves the stored one.
    pub state: Option<SearchState>,
}

impl TrialBatch {
    /// Whether it can be stored.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if a trial cannot, or a number is there twice.
    pub fn check(&self) -> Result<(), StoreError> {
        let mut numbers: Vec<u64> = self.trials.iter().map(|t| t.number).collect();
        numbers.sort_unstable();
        if let Some(pair) = numbers.windows(2).find(|pair| pair[0] == pair[1]) {
            let record = format!("a batch of study {}", self.study_id);
            return Err(StoreError::invalid(record, format!("it has trial {} twice", pair[0])));
        }
        if self.state.as_ref().is_some_and(|s| i64::try_from(s.batch).is_err()) {
            let record = format!("a batch of study {}", self.study_id);
            return Err(StoreError::invalid(record, "its number is too large"));
        }
        self.trials.iter().try_for_each(TrialRecord::check)
    }

    /// Whether its state may follow the one of batch `stored`, 0 if there is none.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if it is neither that batch again nor the next one.
    pub fn follows(&self, stored: u64) -> Result<(), StoreError> {
        match &self.state {
            Some(state) if state.batch != stored && state.batch != stored.saturating_add(1) => {
                Err(StoreError::Conflict(format!(
                    "study {} is at batch {stored}, batch {} cannot follow: another process went \
                     on with it; resume from what is stored",
                    self.study_id, state.batch
                )))
            }
            _ => Ok(()),
        }
    }
}
