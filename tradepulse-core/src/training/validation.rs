use serde::Serialize;

use super::{Pool, Study, TrainingError, WalkForward};
use crate::account::Trade;
use crate::backtest::{Backtest, CostSurvival, Outcome};
use crate::lifecycle::{Evidence, Judgement, judge};
use crate::optimise::Trial;
use crate::overfitting::{
    CostJudgement, Cscv, Neighbour, Neighbourhood, TrackRecord, WalkForwardFigures,
    WalkForwardJudgement, variance,
};
use crate::parameter::Parameters;
use crate::performance::{BlockLength, BootstrapInterval, MonteCarlo, Resampling, Statistic};
use crate::significance::{RandomEntries, RandomTest, TradeTemplate};

/// All trials ever run on the same data with the same strategy: what the best of them is compared
/// with.
///
/// A trial is a parameter set that was tried so that the best could be chosen: those of the search
/// on all candles and those of every walk-forward window, of this study and of all before, feasible
/// or not. Looks at neighbours, other costs and random entries choose nothing and do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct TrialLedger {
    /// Number of trials, those of this study included.
    pub trials: u64,
    /// Variance of the daily Sharpe ratios (not annualised) of those on all candles, if known. Those
    /// of windows are over shorter spans: they scatter more, and the best is none of them.
    pub variance: Option<f64>,
}

impl TrialLedger {
    /// The ledger of one study alone: its trials' daily returns, of which those without variation
    /// have no Sharpe ratio but count as trials. Trials of windows are to be added.
    pub fn of_returns<T: AsRef<[f64]>>(trials: &[T]) -> Self {
        let sharpes: Vec<f64> =
            trials.iter().filter_map(|t| TrackRecord::new(t.as_ref())).map(|r| r.sharpe).collect();
        Self { trials: trials.len() as u64, variance: variance(&sharpes) }
    }
}

/// What the best parameters of a study are worth.
#[derive(Clone, Debug)]
pub struct Validation {
    /// The best parameters of the search on all candles.
    pub parameters: Parameters,
    /// Their objective.
    pub objective: f64,
    /// Their backtest on all candles: in sample.
    pub in_sample: Outcome,
    /// The walk-forward, and what is wrong with it; `None` where there was too little data.
    pub walk_forward: Option<(WalkForward, WalkForwardJudgement)>,
    /// Trials behind the best.
    pub ledger: TrialLedger,
    /// Probability that the true Sharpe ratio of the best trial is above what the best of so many
    /// worthless trials would show. Bailey and López de Prado 2014.
    pub deflated_sharpe: Option<f64>,
    /// Probability of backtest overfitting over the study's trials.
    pub overfitting: Option<Cscv>,
    /// Bootstrap of the out-of-sample trades.
    pub monte_carlo: Option<MonteCarlo>,
    /// The out-of-sample trades against random entries.
    pub random_entries: Option<RandomTest>,
    /// The objective beside the best parameters.
    pub neighbourhood: Neighbourhood,
    /// Net profit under other costs, in sample.
    pub cost_survival: CostSurvival,
    /// 95 % interval of the out-of-sample mean daily return.
    pub mean_interval: Option<BootstrapInterval>,
    /// What the lifecycle judges.
    pub evidence: Evidence,
    /// Its judgement of a new configuration.
    pub judgement: Judgement,
}

impl Study<'_> {
    /// Runs of the random-entry test.
    pub const RANDOM_RUNS: usize = 2000;
    /// Runs of every bootstrap.
    pub const BOOTSTRAP_RUNS: usize = 1000;

    /// Puts the best of `trials` to every test. `returns` are the daily returns of the trials that
    /// could run; `ledger` counts all trials there ever were.
    ///
    /// # Errors
    /// [`TrainingError::Never`] if no trial is feasible; else if a backtest fails or is stopped.
    pub fn validate<P: Pool>(
        &self,
        best: &Trial,
        returns: &[Vec<f64>],
        walk_forward: Option<WalkForward>,
        ledger: TrialLedger,
        pool: &P,
    ) -> Result<Validation, TrainingError> {
        let Some(objective) = best.outcome.as_ref().and_then(|o| o.objective()) else {
            let reason = "the trial to validate is not feasible".to_owned();
            return Err(TrainingError::Never { trials: returns.len(), reason });
        };
        let parameters = self.space.parameters(&best.point);
        let run = |backtest: &Backtest<'_>| self.strategy.backtest(backtest, &parameters);
        let in_sample = run(&self.backtest.clone().keep_equity())?;
        let cost_survival = CostSurvival::new(&self.backtest, run)?;
        let neighbourhood = self.neighbourhood(best, objective, pool);
        self.require_going()?;
        let deflated_sharpe =
            TrackRecord::new(&in_sample.daily_returns).and_then(|record| match ledger.variance {
                Some(variance) => record.deflated_sharpe(ledger.trials, variance),
                None => record.deflated_sharpe_by_count(ledger.trials),
            });
        // Trials that were ruined ended early: they cannot be compared day by day.
        let days = in_sample.daily_returns.len();
        let complete: Vec<&Vec<f64>> = returns.iter().filter(|r| r.len() == days).collect();
        let stop = || self.backtest.is_stopped();
        let overfitting = Cscv::unless(&complete, Cscv::BLOCKS, &stop).ok();
        self.require_going()?;
        let walk_forward = walk_forward.map(|found| {
            let judgement = found.judgement();
            (found, judgement)
        });
        let capital = self.backtest.settings().capital;
        let outside = walk_forward.as_ref().map(|(found, _)| found);
        let trades = outside.map_or(&[][..], |found| &found.trades);
        let monte_carlo = MonteCarlo::new(capital, trades, Self::BOOTSTRAP_RUNS, self.plan.seed);
        let random_entries = outside.and_then(|found| self.random_entries(trades, found, pool));
        self.require_going()?;
        let mean_interval = outside.and_then(|found| {
            let returns = &found.daily_returns;
            let mean_block = BlockLength::new(returns).map_or(1.0, |b| b.stationary.max(1.0));
            let resampling = Resampling::Stationary { mean_block };
            let (runs, seed) = (Self::BOOTSTRAP_RUNS, self.plan.seed);
            BootstrapInterval::new(returns, Statistic::Mean, resampling, 0.95, runs, seed)
        });
        let metrics = outside.map(|found| &found.metrics);
        let evidence = Evidence {
            trades: metrics.map_or(0, |m| m.trades),
            net_profit: metrics.map(|m| m.net_profit),
            sharpe: metrics.and_then(|m| m.sharpe),
            p_value: metrics.and_then(|m| m.p_value),
            deflated_sharpe,
            probability_of_overfitting: overfitting.as_ref().map(|c| c.probability),
            walk_forward: walk_forward.as_ref().map(|(_, judgement)| judgement.flags.clone()),
            trials: Some(ledger.trials),
            random_entry_p_value: random_entries.map(|test| test.p_value),
            neighbourhood: Some(neighbourhood.clone()),
            costs: Some(CostJudgement::new(&cost_survival)),
            ..Evidence::default()
        };
        let judgement = judge(None, &evidence);
        Ok(Validation {
            parameters,
            objective,
            in_sample,
            walk_forward,
            ledger,
            deflated_sharpe,
            overfitting,
            monte_carlo,
            random_entries,
            neighbourhood,
            cost_survival,
            mean_interval,
            evidence,
            judgement,
        })
    }

    /// Refuses to go on with what was computed by halves.
    fn require_going(&self) -> Result<(), TrainingError> {
        if self.backtest.is_stopped() { Err(TrainingError::Stopped) } else { Ok(()) }
    }

    fn neighbourhood<P: Pool>(&self, best: &Trial, peak: f64, pool: &P) -> Neighbourhood {
        let points = self.space.neighbours(&best.point);
        let here = self.space.parameters(&best.point);
        let neighbours = pool.map(points.len(), &|i| {
            let there = self.space.parameters(&points[i]);
            let moved = here.iter().zip(there.iter()).find(|(a, b)| a.1 != b.1);
            let (variable, step) = moved.map_or(("", 0), |((variable, a), (_, b))| {
                (variable.name, if b.as_f64() > a.as_f64() { 1 } else { -1 })
            });
            let objective = self.evaluate(&self.backtest, &there).outcome.objective();
            Neighbour { variable: variable.to_owned(), step, objective }
        });
        Neighbourhood::new(peak, neighbours)
    }

    /// The out-of-sample trades against trades at random times of the same span.
    fn random_entries<P: Pool>(
        &self,
        trades: &[Trade],
        found: &WalkForward,
        pool: &P,
    ) -> Option<RandomTest> {
        let series = self.backtest.series();
        let templates = TradeTemplate::of_trades(trades, self.backtest.settings().capital);
        let from = found.windows.first()?.window.test.start;
        let part = series.slice(from..found.windows.last()?.window.test.end);
        // An entry fills on the candle after the one it was allowed on.
        let marks: Option<Vec<bool>> = self.backtest.entries().map(|marks| {
            (0..part.len()).map(|i| (from + i).checked_sub(1).is_some_and(|k| marks[k])).collect()
        });
        let costs = self.backtest.settings().venue_costs;
        let entries = RandomEntries::new(&part, &templates, costs, 0, marks.as_deref()).ok()?;
        let profits: Vec<f64> = trades.iter().map(|t| t.profit_pct).collect();
        let observed = RandomEntries::observed(&templates, &profits);
        let seed = self.plan.seed;
        let random = pool.map(Self::RANDOM_RUNS, &|run| {
            // Once stopped, nothing of this is used.
            if self.backtest.is_stopped() { 0.0 } else { entries.profit(seed, run) }
        });
        RandomTest::new(observed, &random)
    }
}

impl WalkForward {
    /// What is wrong with it. Figures in sample are means over the windows.
    pub fn judgement(&self) -> WalkForwardJudgement {
        WalkForwardJudgement::new(&figures(self))
    }
}

/// What the judgement of a walk-forward looks at: in sample, the mean over the windows.
fn figures(found: &WalkForward) -> WalkForwardFigures {
    let mean = |values: Vec<f64>| {
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    let inside = || found.windows.iter().filter_map(|w| w.in_sample.as_ref());
    WalkForwardFigures {
        in_sample_sharpe: mean(inside().filter_map(|m| m.sharpe).collect()),
        out_of_sample_sharpe: found.metrics.sharpe,
        in_sample_win_rate: mean(inside().filter_map(|m| m.win_rate).collect()),
        out_of_sample_win_rate: found.metrics.win_rate,
        window_results: found
            .windows
            .iter()
            .map(|w| w.out_of_sample.as_ref().map_or(0.0, |m| m.net_profit_pct))
            .collect(),
    }
}
