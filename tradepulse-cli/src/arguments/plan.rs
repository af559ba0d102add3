use anyhow::{Result, bail};
use clap::Args;
use tradepulse_core::optimise::Method;
use tradepulse_core::random::Seed;
use tradepulse_core::training::{Objective, Search, Span, StudyPlan, WindowPlan, Windowing};

/// How parameters are searched, and on which windows they are tested.
#[derive(Args, Clone, Debug)]
pub(crate) struct PlanArguments {
    /// How parameters are searched [default: bayesian; genetic for several objectives]
    #[arg(long)]
    optimizer: Option<Method>,
    /// Largest grid; a larger one is refused
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    max_trials: u64,
    /// Trials of each search; a grid has as many as it has points
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    trials: u32,
    /// Seed of everything random
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// What is improved: balanced, or a metric by its name. Up to four at once make a search for
    /// trade-offs, in which the first decides which trial is validated
    #[arg(long, value_delimiter = ',', default_value = "balanced")]
    objective: Vec<Objective>,
    /// Trials with fewer trades are infeasible
    #[arg(long, default_value_t = 10)]
    min_trades: u64,
    /// Give up on trials after a third of the candles: far too few trades, or below the median
    #[arg(long)]
    prune: bool,
    /// Training part of a walk-forward window, days
    #[arg(long, default_value_t = 60.0, value_name = "DAYS")]
    train_days: f64,
    /// Left out between training and test, days
    #[arg(long, default_value_t = 7.0, value_name = "DAYS")]
    gap_days: f64,
    /// Test part of a window, days
    #[arg(long, default_value_t = 30.0, value_name = "DAYS")]
    test_days: f64,
    /// Let the training part grow from the beginning of the data
    #[arg(long)]
    anchored: bool,
}

impl PlanArguments {
    pub(crate) fn plan(&self) -> Result<StudyPlan> {
        let windowing = if self.anchored { Windowing::Anchored } else { Windowing::Rolling };
        let several = self.objective.len() > 1;
        let method = match self.optimizer {
            Some(method) => method,
            None if several => Method::Nsga2,
            None => Method::default(),
        };
        if several && !method.takes_several_objectives() {
            bail!(
                "--optimizer {method} looks at one objective only, and there are {}: choose \
                 genetic, quasi, random or grid",
                self.objective.len()
            );
        }
        let mut objectives = self.objective.iter().copied();
        let objective = objectives.next().unwrap_or_default();
        let further = std::array::from_fn(|_| objectives.next());
        if objectives.next().is_some() {
            bail!("--objective takes up to {} objectives at once", 1 + further.len());
        }
        if let Some(twice) = (1..self.objective.len())
            .map(|i| self.objective[i])
            .find(|o| self.objective.iter().filter(|other| *other == o).count() > 1)
        {
            bail!("--objective names {twice} twice");
        }
        Ok(StudyPlan {
            method,
            trials: self.trials as usize,
            batch: Search::BATCH,
            objective,
            further,
            min_trades: self.min_trades,
            prune: self.prune,
            seed: Seed(self.seed),
            windows: WindowPlan {
                windowing,
                train: Span::Days(self.train_days),
                gap: Span::Days(self.gap_days),
                test: Span::Days(self.test_days),
            },
        })
    }

    /// Points of the largest grid that is searched.
    pub(crate) fn max_trials(&self) -> u64 {
        self.max_trials
    }
}
