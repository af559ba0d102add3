use std::ops::{ControlFlow, Range};
use std::sync::{Mutex, OnceLock, PoisonError};

use serde::{Deserialize, Serialize};

use super::pruning::{Bar, Pruning};
use super::{Evaluated, Objective, Pool, Progress, Search, SearchEnd, WindowError, WindowPlan};
use crate::backtest::{Backtest, BacktestError, Outcome};
use crate::optimise::{self, Method, Optimiser, Space};
use crate::parameter::Parameters;
use crate::performance::Metrics;
use crate::random::Seed;
use crate::strategy::Registered;

/// How a study searches and validates.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudyPlan {
    /// The optimiser.
    pub method: Method,
    /// Trials of each search.
    pub trials: usize,
    /// Trials asked for at once.
    pub batch: usize,
    /// What is maximised, and by which the best trial is chosen.
    pub objective: Objective,
    /// What is maximised beside it, for a search for trade-offs ([`Optimiser::front`]).
    pub further: [Option<Objective>; 3],
    /// Trials with fewer trades are infeasible.
    pub min_trades: u64,
    /// Whether trials are given up that the first third of the candles shows to be hopeless: too
    /// few trades for the minimum, or an objective below the median of earlier trials.
    pub prune: bool,
    /// Seed of everything random.
    pub seed: Seed,
    /// How history is divided for validation.
    pub windows: WindowPlan,
}

impl StudyPlan {
    /// 200 trials of `method` for the balanced objective, at least 10 trades each, 60/7/30 days.
    pub fn new(method: Method, seed: Seed) -> Self {
        Self {
            method,
            trials: 200,
            batch: Search::BATCH,
            objective: Objective::default(),
            further: [None; 3],
            min_trades: 10,
            prune: false,
            seed,
            windows: WindowPlan::default(),
        }
    }

    /// Everything that is maximised, the first first.
    pub fn objectives(&self) -> impl Iterator<Item = Objective> {
        std::iter::once(self.objective).chain(self.further.into_iter().flatten())
    }
}

/// One strategy on one series, to be trained.
///
/// The backtest may carry marks ([`Backtest::with_entries`]) that let entries happen only in one
/// regime, and be told to stop ([`Backtest::stop_when`]): then everything that is under way ends
/// within the pace of that question, a search with [`SearchEnd::Stopped`], anything else with
/// [`TrainingError::Stopped`].
#[derive(Debug)]
pub struct Study<'a> {
    pub(super) strategy: &'a Registered,
    pub(super) backtest: Backtest<'a>,
    pub(super) space: Space,
    pub(super) plan: StudyPlan,
}

impl<'a> Study<'a> {
    /// A study of `strategy` over all of its variables.
    ///
    /// # Errors
    /// If a default of the strategy's table lies outside its domain.
    pub fn new(
        strategy: &'a Registered,
        backtest: Backtest<'a>,
        plan: StudyPlan,
    ) -> Result<Self, TrainingError> {
        let space = Space::new(strategy.about().variables)?;
        Ok(Self { strategy, backtest: backtest.for_trials(), space, plan })
    }

    /// The same over a restricted space.
    #[must_use]
    pub fn over(mut self, space: Space) -> Self {
        self.space = space;
        self
    }

    /// The plan.
    pub fn plan(&self) -> &StudyPlan {
        &self.plan
    }

    /// The space searched.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// The backtest of the trials.
    pub fn backtest(&self) -> &Backtest<'a> {
        &self.backtest
    }

    /// An optimiser for [`search`](Self::search) that has made no trial.
    pub fn optimiser(&self) -> Box<dyn Optimiser> {
        self.plan.method.start(self.space.clone(), self.plan.seed)
    }

    /// Searches on all candles, or goes on with a resumed `optimiser`.
    ///
    /// # Errors
    /// [`TrainingError::Never`] with the first trial's reason if no trial was feasible.
    pub fn search<P: Pool>(
        &self,
        optimiser: &mut dyn Optimiser,
        pool: &P,
        observe: impl FnMut(Progress<'_>) -> ControlFlow<()>,
    ) -> Result<SearchEnd, TrainingError> {
        self.search_rows(0..self.backtest.series().len(), optimiser, pool, observe)
    }

    pub(super) fn search_rows<P: Pool>(
        &self,
        rows: Range<usize>,
        optimiser: &mut dyn Optimiser,
        pool: &P,
        mut observe: impl FnMut(Progress<'_>) -> ControlFlow<()>,
    ) -> Result<SearchEnd, TrainingError> {
        let backtest = self.backtest.over(rows)?;
        let search = Search { trials: self.plan.trials, batch: self.plan.batch };
        let mut pruning = Pruning::new(&self.plan);
        let told: Vec<_> = optimiser.trials().iter().filter(|t| t.outcome.is_some()).collect();
        if self.plan.prune && told.len() < self.plan.trials {
            // First thirds are not saved: those of a resumed search are run again.
            let early = pool.map(told.len(), &|i| {
                self.early(&backtest, &self.space.parameters(&told[i].point))
            });
            pruning.add(early.into_iter().flatten());
        }
        let bar = Mutex::new(self.plan.prune.then(|| pruning.bar()));
        let evaluate = |parameters: &Parameters| {
            let bar = *bar.lock().unwrap_or_else(PoisonError::into_inner);
            self.run(&backtest, parameters, bar)
        };
        let observed = |progress: Progress<'_>| {
            if self.plan.prune {
                pruning.learn(progress.batch.iter().map(|(_, evaluated)| evaluated));
                *bar.lock().unwrap_or_else(PoisonError::into_inner) = Some(pruning.bar());
            }
            observe(progress)
        };
        let end = search.run(optimiser, pool, &evaluate, observed);
        if optimiser.best().is_none() && end != SearchEnd::Stopped {
            let reasons = optimiser.trials().iter().filter_map(|t| match &t.outcome {
                Some(optimise::Outcome::Infeasible { reason, .. }) => Some(reason.clone()),
                _ => None,
            });
            let (trials, mut reasons) = (optimiser.trials().len(), reasons);
            let reason = reasons.next().unwrap_or_else(|| "no trial was made".to_owned());
            return Err(TrainingError::Never { trials, reason });
        }
        Ok(end)
    }

    /// Runs one parameter set on all candles of `backtest`, and says what it is worth. A run that
    /// is stopped is infeasible.
    pub fn evaluate(&self, backtest: &Backtest<'_>, parameters: &Parameters) -> Evaluated {
        let stopped = || Evaluated::infeasible("stopped");
        self.run(backtest, parameters, None).unwrap_or_else(stopped)
    }

    /// The same, given up after a third if it does not reach `bar`. `None` if it was stopped.
    fn run(
        &self,
        backtest: &Backtest<'_>,
        parameters: &Parameters,
        bar: Option<Bar>,
    ) -> Option<Evaluated> {
        let third = OnceLock::new();
        let value = |metrics: &Metrics| self.plan.objective.value(metrics);
        let give_up = |metrics: &Metrics| {
            let _ = third.set(*metrics);
            bar.is_some_and(|bar| bar.verdict(metrics, value(metrics)).is_some())
        };
        let found = match bar {
            None => self.strategy.backtest(backtest, parameters),
            Some(_) => {
                let watched = backtest.clone().checkpoint(a_third(backtest), &give_up);
                self.strategy.backtest(&watched, parameters)
            }
        };
        let early = third.get().and_then(value);
        let outcome = match found {
            Ok(outcome) => outcome,
            Err(BacktestError::Stopped { .. }) => {
                let metrics = *third.get()?;
                let outcome = bar?.verdict(&metrics, early)?;
                let (metrics, daily_returns) = (Some(metrics), Vec::new());
                return Some(Evaluated { outcome, metrics, daily_returns, early, pruned: true });
            }
            Err(error) => return Some(Evaluated::infeasible(error.to_string())),
        };
        let Outcome { metrics, daily_returns, .. } = outcome;
        let outcome = self.worth(&metrics);
        Some(Evaluated { outcome, metrics: Some(metrics), daily_returns, early, pruned: false })
    }

    /// The objective of the first third of the candles, if it is defined.
    fn early(&self, backtest: &Backtest<'_>, parameters: &Parameters) -> Option<f64> {
        let third = OnceLock::new();
        let look = |metrics: &Metrics| third.set(*metrics).is_ok();
        let watched = backtest.clone().checkpoint(a_third(backtest), &look);
        // What is wanted was seen on the way.
        let _ = self.strategy.backtest(&watched, parameters);
        third.get().and_then(|metrics| self.plan.objective.value(metrics))
    }

    fn worth(&self, metrics: &Metrics) -> optimise::Outcome {
        let min_trades = self.plan.min_trades;
        if metrics.trades < min_trades {
            optimise::Outcome::Infeasible {
                reason: format!("{} trades, fewer than {min_trades}", metrics.trades),
                violation: Some((min_trades - metrics.trades) as f64),
            }
        } else {
            let mut values = Vec::new();
            for objective in self.plan.objectives() {
                match objective.value(metrics) {
                    Some(value) => values.push(value),
                    None => {
                        return optimise::Outcome::infeasible(format!(
                            "{objective} is not defined"
                        ));
                    }
                }
            }
            optimise::Outcome::Feasible(values)
        }
    }
}

/// The row after the first third of a backtest's candles.
fn a_third(backtest: &Backtest<'_>) -> usize {
    let rows = backtest.rows();
    rows.start + rows.len() / 3
}

/// Why a study came to nothing.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TrainingError {
    /// A backtest cannot run at all.
    #[error(transparent)]
    Backtest(BacktestError),
    /// The variables make no space.
    #[error(transparent)]
    Space(#[from] optimise::SpaceError),
    /// A saved search that is not one of this study.
    #[error(transparent)]
    Resume(#[from] optimise::ResumeError),
    /// Too little data for the windows.
    #[error(transparent)]
    Window(#[from] WindowError),
    /// No trial was feasible.
    #[error("none of {trials} trials was feasible; the first: {reason}")]
    Never {
        /// Trials made.
        trials: usize,
        /// What was wrong with the first.
        reason: String,
    },
    /// The observer broke off, or a backtest was stopped.
    #[error("stopped")]
    Stopped,
}

impl From<BacktestError> for TrainingError {
    fn from(error: BacktestError) -> Self {
        match error {
            BacktestError::Stopped { .. } => Self::Stopped,
            error => Self::Backtest(error),
        }
    }
}
