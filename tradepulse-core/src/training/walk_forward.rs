use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::{Pool, Progress, SearchEnd, Study, TrainingError, Window};
use crate::account::Trade;
use crate::backtest::Settings;
use crate::optimise::{Method, State};
use crate::parameter::Parameters;
use crate::performance::{EquityCurve, Metrics};
use crate::random::Seed;

/// One window of a walk-forward: what the search found in the training part, and what that earned
/// in the test part.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowResult {
    /// Its rows.
    pub window: Window,
    /// The best parameters of its training part; `None` if no trial was feasible there.
    pub parameters: Option<Parameters>,
    /// Figures of the best trial on the training part.
    pub in_sample: Option<Metrics>,
    /// Figures on the test part, which begins with the equity the window before ended with.
    pub out_of_sample: Option<Metrics>,
}

/// All windows, and their test parts joined into one curve.
#[derive(Clone, Debug, PartialEq)]
pub struct WalkForward {
    /// The windows, oldest first.
    pub windows: Vec<WindowResult>,
    /// Trades of all test parts.
    pub trades: Vec<Trade>,
    /// Daily returns of all test parts, one after the other.
    pub daily_returns: Vec<f64>,
    /// Equity of all test parts at every close.
    pub equity: Vec<f64>,
    /// Figures of the joined curve.
    pub metrics: Metrics,
}

impl Study<'_> {
    /// Validates the study: in each window the optimiser sees only the training part, and its best
    /// parameters trade the test part, with the equity of the window before. A window without a
    /// feasible trial stays out of the market.
    ///
    /// `observe` hears of every batch of every window, with the window's number.
    ///
    /// # Errors
    /// If there is too little data for two windows, a backtest fails, or `observe` breaks off.
    pub fn walk_forward<P: Pool>(
        &self,
        pool: &P,
        observe: impl FnMut(usize, Progress<'_>) -> ControlFlow<()>,
    ) -> Result<WalkForward, TrainingError> {
        self.resume_walk_forward(BTreeMap::new(), pool, observe)
    }

    /// The same, broken off before: the searches of the windows in `saved`, by their numbers, go on
    /// from there. It comes to what an uninterrupted one comes to.
    ///
    /// # Errors
    /// As [`walk_forward`](Self::walk_forward), and if a search was saved in another space.
    pub fn resume_walk_forward<P: Pool>(
        &self,
        mut saved: BTreeMap<usize, State>,
        pool: &P,
        mut observe: impl FnMut(usize, Progress<'_>) -> ControlFlow<()>,
    ) -> Result<WalkForward, TrainingError> {
        let series = self.backtest.series();
        let windows = self.plan.windows.windows(series)?;
        let capital = self.backtest.settings().capital;
        let mut joined = Joined::new(capital);
        let mut results = Vec::with_capacity(windows.len());
        for (number, window) in windows.into_iter().enumerate() {
            let seed = Seed(self.plan.seed.0.wrapping_add(1 + number as u64));
            let mut optimiser = match saved.remove(&number) {
                Some(state) => Method::resume(self.space.clone(), state)?,
                None => self.plan.method.start(self.space.clone(), seed),
            };
            let observed = |progress: Progress<'_>| observe(number, progress);
            match self.search_rows(window.train.clone(), &mut *optimiser, pool, observed) {
                Ok(SearchEnd::Stopped) => return Err(TrainingError::Stopped),
                Ok(_) | Err(TrainingError::Never { .. }) => {}
                Err(error) => return Err(error),
            }
            let parameters = optimiser.best().map(|t| self.space.parameters(&t.point));
            let (mut in_sample, mut out_of_sample) = (None, None);
            if let Some(parameters) = &parameters {
                let trained = self.backtest.over(window.train.clone())?;
                in_sample = Some(self.strategy.backtest(&trained, parameters)?.metrics);
                if joined.equity() > 0.0 {
                    let settings =
                        Settings { capital: joined.equity(), ..self.backtest.settings().clone() };
                    let test = self.backtest.over(window.test.clone())?.under(settings)?;
                    let outcome = self.strategy.backtest(&test.keep_equity(), parameters)?;
                    joined.add(&series.time()[window.test.clone()], &outcome.equity);
                    joined.trades.extend_from_slice(&outcome.trades);
                    out_of_sample = Some(outcome.metrics);
                }
            } else {
                let idle = vec![joined.equity(); window.test.len()];
                joined.add(&series.time()[window.test.clone()], &idle);
            }
            results.push(WindowResult { window, parameters, in_sample, out_of_sample });
        }
        let span = results.iter().map(|r| {
            series.close_time(r.window.test.end - 1).as_ms() - series.time()[r.window.test.start]
        });
        let span_ms = span.sum();
        joined.curve.finish();
        Ok(WalkForward {
            windows: results,
            metrics: Metrics::new(capital, &joined.trades, &joined.curve, span_ms),
            trades: joined.trades,
            daily_returns: joined.curve.daily_returns().to_vec(),
            equity: joined.marks,
        })
    }
}

/// Test parts put one after the other.
struct Joined {
    curve: EquityCurve,
    marks: Vec<f64>,
    trades: Vec<Trade>,
}

impl Joined {
    fn new(capital: f64) -> Self {
        Self { curve: EquityCurve::new(capital), marks: Vec::new(), trades: Vec::new() }
    }

    fn equity(&self) -> f64 {
        self.curve.equity()
    }

    fn add(&mut self, times: &[i64], equity: &[f64]) {
        for (time, equity) in times.iter().zip(equity) {
            self.curve.mark(*time, *equity);
            self.marks.push(*equity);
        }
    }
}
