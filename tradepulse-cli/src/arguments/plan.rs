use clap::Args;
use tradepulse_core::optimise::Method;
use tradepulse_core::random::Seed;
use tradepulse_core::training::{Objective, Search, Span, StudyPlan, WindowPlan, Windowing};

/// How parameters are searched, and on which windows they are tested.
#[derive(Args, Clone, Debug)]
pub(crate) struct PlanArguments {
    /// How parameters are searched
    #[arg(long, default_value = "bayesian")]
    optimizer: Method,
    /// Trials of each search
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    trials: u32,
    /// Seed of everything random
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// What is maximised
    #[arg(long, default_value_t = Objective::Balanced)]
    objective: Objective,
    /// Trials with fewer trades are infeasible
    #[arg(long, default_value_t = 10)]
    min_trades: u64,
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
    pub(crate) fn plan(&self) -> StudyPlan {
        let windowing = if self.anchored { Windowing::Anchored } else { Windowing::Rolling };
        StudyPlan {
            method: self.optimizer,
            trials: self.trials as usize,
            batch: Search::BATCH,
            objective: self.objective,
            min_trades: self.min_trades,
            seed: Seed(self.seed),
            windows: WindowPlan {
                windowing,
                train: Span::Days(self.train_days),
                gap: Span::Days(self.gap_days),
                test: Span::Days(self.test_days),
            },
        }
    }
}
