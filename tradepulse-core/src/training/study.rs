use std::ops::{ControlFlow, Range};

use serde::{Deserialize, Serialize};

use super::{Evaluated, Objective, Pool, Progress, Search, SearchEnd, WindowError, WindowPlan};
use crate::backtest::{Backtest, BacktestError, Outcome};
use crate::optimise::{self, Method, Optimiser, Space};
use crate::parameter::Parameters;
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
    /// What is maximised.
    pub objective: Objective,
    /// Trials with fewer trades are infeasible.
    pub min_trades: u64,
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
            min_trades: 10,
            seed,
            windows: WindowPlan::default(),
        }
    }
}

/// One strategy on one series, to be trained.
///
/// The backtest may carry marks ([`Backtest::with_entries`]) that let entries happen only in one
/// regime.
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
        observe: impl FnMut(Progress<'_>) -> ControlFlow<()>,
    ) -> Result<SearchEnd, TrainingError> {
        let backtest = self.backtest.over(rows)?;
        let search = Search { trials: self.plan.trials, batch: self.plan.batch };
        let evaluate = |parameters: &Parameters| self.evaluate(&backtest, parameters);
        let end = search.run(optimiser, pool, &evaluate, observe);
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

    /// Runs one parameter set on all candles, and says what it is worth.
    pub fn evaluate(&self, backtest: &Backtest<'_>, parameters: &Parameters) -> Evaluated {
        let outcome = match self.strategy.backtest(backtest, parameters) {
            Ok(outcome) => outcome,
            Err(error) => return Evaluated::infeasible(error.to_string()),
        };
        let Outcome { metrics, daily_returns, .. } = outcome;
        let Self { plan: StudyPlan { objective, min_trades, .. }, .. } = self;
        let outcome = if metrics.trades < *min_trades {
            optimise::Outcome::Infeasible {
                reason: format!("{} trades, fewer than {min_trades}", metrics.trades),
                violation: Some((min_trades - metrics.trades) as f64),
            }
        } else {
            match objective.value(&metrics) {
                Some(value) => optimise::Outcome::value(value),
                None => optimise::Outcome::infeasible(format!("{objective} is not defined")),
            }
        };
        Evaluated { outcome, metrics: Some(metrics), daily_returns }
    }
}

/// Why a study came to nothing.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TrainingError {
    /// A backtest cannot run at all.
    #[error(transparent)]
    Backtest(#[from] BacktestError),
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
    /// The observer broke off.
    #[error("stopped")]
    Stopped,
}
