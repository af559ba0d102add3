use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::Pool;
use crate::optimise::{Optimiser, Outcome, Suggestion, Told};
use crate::parameter::Parameters;
use crate::performance::Metrics;

/// What one trial came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluated {
    /// Its objective, or why it has none.
    pub outcome: Outcome,
    /// Its figures, those of the first third if it was pruned; `None` if it could not run.
    pub metrics: Option<Metrics>,
    /// Return of every UTC day, a fraction; none if it was pruned.
    pub daily_returns: Vec<f64>,
    /// Its first objective over the first third of the candles, if that was looked at.
    pub early: Option<f64>,
    /// Whether it was given up after the first third.
    pub pruned: bool,
}

impl Evaluated {
    /// A trial that could not run, for this reason.
    pub fn infeasible(reason: impl Into<String>) -> Self {
        let outcome = Outcome::infeasible(reason);
        Self { outcome, metrics: None, daily_returns: Vec::new(), early: None, pruned: false }
    }
}

/// Where a search stands, told after every batch.
#[derive(Debug)]
pub struct Progress<'a> {
    /// Trials done.
    pub done: usize,
    /// Trials there will be, unless the space is exhausted before.
    pub wanted: usize,
    /// The optimiser, for its state and its best trial.
    pub optimiser: &'a dyn Optimiser,
    /// The trials of the batch that has just been told: what was asked, and what it came to.
    pub batch: &'a [(Suggestion, Evaluated)],
}

impl std::fmt::Debug for dyn Optimiser + '_ {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Optimiser").field("trials", &self.trials().len()).finish_non_exhaustive()
    }
}

/// Why a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchEnd {
    /// All trials were made.
    Done,
    /// There were no other points.
    Exhausted,
    /// The observer broke it off, or an evaluation was stopped.
    Stopped,
}

/// A search: so many trials, in batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Search {
    /// Trials in all, those of a resumed search included.
    pub trials: usize,
    /// Trials asked for at once. A setting of the search, not of the machine: another batch is
    /// another search, another number of threads is not.
    pub batch: usize,
}

impl Search {
    /// Trials asked for at once, unless said otherwise.
    pub const BATCH: usize = 8;

    /// Asks, evaluates and tells until there are enough trials; `observe` is called after each
    /// batch and may break off. An evaluation that comes to nothing (`None`) was stopped: its batch
    /// is not told, and a search resumed from the last state asks for it again.
    pub fn run<P: Pool>(
        self,
        optimiser: &mut dyn Optimiser,
        pool: &P,
        evaluate: &(dyn Fn(&Parameters) -> Option<Evaluated> + Sync),
        mut observe: impl FnMut(Progress<'_>) -> ControlFlow<()>,
    ) -> SearchEnd {
        let told = |optimiser: &dyn Optimiser| {
            optimiser.trials().iter().filter(|t| t.outcome.is_some()).count()
        };
        let mut done = told(optimiser);
        while done < self.trials {
            let mut batch = optimiser.pending();
            if batch.is_empty() {
                batch = optimiser.ask(self.batch.max(1).min(self.trials - done));
            }
            if batch.is_empty() {
                return SearchEnd::Exhausted;
            }
            let evaluated = pool.map(batch.len(), &|i| evaluate(&batch[i].parameters));
            let Some(evaluated) = evaluated.into_iter().collect::<Option<Vec<_>>>() else {
                return SearchEnd::Stopped;
            };
            let batch: Vec<_> = batch.into_iter().zip(evaluated).collect();
            let told = batch.iter().map(|(suggestion, evaluated)| Told {
                number: suggestion.number,
                outcome: evaluated.outcome.clone(),
            });
            if optimiser.tell(told.collect()).is_err() {
                // Every number was asked for above, each once, with one objective.
                return SearchEnd::Stopped;
            }
            done += batch.len();
            let progress = Progress { done, wanted: self.trials, optimiser, batch: &batch };
            if observe(progress).is_break() {
                return SearchEnd::Stopped;
            }
        }
        SearchEnd::Done
    }
}
