//! Backtests: the engine on a series of candles, with the simulated venue behind it.

mod cost_survival;
mod error;
mod fingerprint;
mod funding_clock;
mod halt;
mod risk_rules;
mod run;
mod settings;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

pub use cost_survival::{CostCell, CostSurvival};
pub use error::BacktestError;
pub use fingerprint::{fingerprint, trades_hash};
use halt::Halt;
pub use settings::Settings;

use crate::account::Trade;
use crate::engine::{Engine, Refusal};
use crate::ensemble::Advice;
use crate::indicator::BatchError;
use crate::market::{FundingSeries, Series};
use crate::parameter::Parameters;
use crate::performance::Metrics;
use crate::simulation::{Priority, Venue};
use crate::strategy::{About, Funnel, InputCache, Inputs, Strategy};

/// What a backtest found.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The strategy.
    pub about: About,
    /// Its parameters.
    pub parameters: Parameters,
    /// Finished trades in the order of their ends.
    pub trades: Vec<Trade>,
    /// The figures.
    pub metrics: Metrics,
    /// Equity at every close, if asked for ([`Backtest::keep_equity`]).
    pub equity: Vec<f64>,
    /// Return of every UTC day, a fraction.
    pub daily_returns: Vec<f64>,
    /// Entries that were not made, and why.
    pub refusals: Vec<Refusal>,
    /// How many candles passed each of the strategy's conditions.
    pub funnel: Funnel,
    /// Candles after which the strategy's state no longer depends on where the data began.
    pub warm_up: usize,
}

/// A backtest of one series, to be run with one or many parameter sets.
///
/// ```
/// # use tradepulse_core::backtest::{Backtest, BacktestError, Settings};
/// # use tradepulse_core::market::Series;
/// # use tradepulse_core::parameter::Parameters;
/// # use tradepulse_core::strategy::Strategy;
/// fn net_profit<S: Strategy>(series: &Series) -> Result<f64, BacktestError> {
///     let parameters = Parameters::defaults(S::about().variables);
///     let outcome = Backtest::new(series, Settings::default())?.run::<S>(&parameters)?;
///     Ok(outcome.metrics.net_profit)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Backtest<'a> {
    series: &'a Series,
    settings: Settings,
    rows: Range<usize>,
    entries: Option<Arc<[bool]>>,
    advice: Arc<[Option<Advice>]>,
    detail: Option<&'a Series>,
    funding: Option<&'a FundingSeries>,
    keep_equity: bool,
    both_guesses: bool,
    cache: Arc<InputCache>,
    halt: Halt<'a>,
}

impl<'a> Backtest<'a> {
    /// A backtest on `series`.
    ///
    /// # Errors
    /// If a setting is out of its range or there is no candle.
    pub fn new(series: &'a Series, settings: Settings) -> Result<Self, BacktestError> {
        settings.check()?;
        if series.is_empty() {
            return Err(BacktestError::TooFewCandles { candles: 0, needed: 2, warm_up: 0 });
        }
        let rows = 0..series.len();
        let (entries, advice, detail, cache) = (None, Arc::default(), None, Arc::default());
        Ok(Self {
            series,
            settings,
            rows,
            entries,
            advice,
            detail,
            funding: None,
            keep_equity: false,
            both_guesses: true,
            cache,
            halt: Halt::default(),
        })
    }

    /// The same backtest on some of the candles: it begins with the capital at the first of `rows`
    /// and ends at the last. Candles before them warm the strategy up; candles after them are not
    /// looked at.
    ///
    /// # Errors
    /// If `rows` is empty or reaches beyond the series.
    pub fn over(&self, rows: Range<usize>) -> Result<Self, BacktestError> {
        if rows.is_empty() || rows.end > self.series.len() {
            let (start, end, candles) = (rows.start, rows.end, self.series.len());
            return Err(BacktestError::Rows { start, end, candles });
        }
        Ok(Self { rows, ..self.clone() })
    }

    /// Lets entries happen only on the candles marked `true`, one mark per candle of the series,
    /// such as those of one regime. Indicators and exits run on all candles.
    ///
    /// # Errors
    /// If there are more or fewer marks than candles.
    pub fn with_entries(mut self, entries: Arc<[bool]>) -> Result<Self, BacktestError> {
        let (marks, candles) = (entries.len(), self.series.len());
        if marks != candles {
            return Err(BacktestError::Marks { marks, candles });
        }
        self.entries = Some(entries);
        Ok(self)
    }

    /// Shows strategies and engine what models advised at each close, one for each candle of the
    /// series; see [`Rules::decision`](crate::engine::Rules::decision) and
    /// [`View::advice`](crate::strategy::View::advice).
    ///
    /// # Errors
    /// If there are more or fewer than candles.
    pub fn with_advice(mut self, advice: Arc<[Option<Advice>]>) -> Result<Self, BacktestError> {
        let (marks, candles) = (advice.len(), self.series.len());
        if marks != candles {
            return Err(BacktestError::Marks { marks, candles });
        }
        self.advice = advice;
        Ok(self)
    }

    /// What models advised, candle by candle; empty without any.
    pub fn advice(&self) -> &[Option<Advice>] {
        &self.advice
    }

    /// Takes what happened inside a candle that holds both stop and target from a finer series.
    ///
    /// # Errors
    /// If its timeframe is not a fraction of the series' own.
    pub fn with_detail(mut self, detail: &'a Series) -> Result<Self, BacktestError> {
        let (coarse, fine) = (self.series.timeframe(), detail.timeframe());
        if fine >= coarse || coarse.as_ms() % fine.as_ms() != 0 {
            return Err(BacktestError::Detail {
                coarse: coarse.to_string(),
                fine: fine.to_string(),
            });
        }
        self.detail = Some(detail);
        Ok(self)
    }

    /// Books the funding payments of a perpetual, at each time `t` of `funding`, for the position
    /// held then:
    ///
    /// - `t` is the close time of a candle (as it is at most venues for timeframes that divide their
    ///   funding interval): the position after that candle's exits, at its close. The close's own
    ///   intents, and fills at the next open, come after the payment.
    /// - `t` lies inside a candle: the position after the fills at its open, at its open. What is
    ///   stopped out or reaches its target inside that candle is taken to have been held until `t`.
    /// - `t` lies where candles are missing: the position before the gap, at the last close.
    ///
    /// Payments outside the candles' time meet no position. Without a call, no funding is booked.
    #[must_use]
    pub fn with_funding(mut self, funding: &'a FundingSeries) -> Self {
        self.funding = Some(funding);
        self
    }

    /// Keeps the equity of every candle in the outcome.
    #[must_use]
    pub fn keep_equity(mut self) -> Self {
        self.keep_equity = true;
        self
    }

    /// Bounds the memory of the indicator columns that runs share, in bytes
    /// ([`InputCache::LIMIT`] if nothing is said). Results do not depend on it.
    #[must_use]
    pub fn with_column_memory(mut self, bytes: usize) -> Self {
        self.cache = Arc::new(InputCache::bounded(bytes));
        self
    }

    /// Leaves the second guess at ambiguous candles (`net_profit_target_first`) out, which takes a
    /// run of its own: for trials, of which there are many.
    #[must_use]
    pub fn for_trials(mut self) -> Self {
        self.both_guesses = false;
        self
    }

    /// Asks `stop` at the beginning of every run and then every 65,536 candles; when it says yes
    /// the run ends with [`BacktestError::Stopped`]. Having said yes, it must go on saying so.
    #[must_use]
    pub fn stop_when(mut self, stop: &'a (dyn Fn() -> bool + Sync)) -> Self {
        self.halt.stop = Some(stop);
        self
    }

    /// Whether [`stop_when`](Self::stop_when) was given and says yes.
    pub fn is_stopped(&self) -> bool {
        self.halt.is_stopped()
    }

    /// Shows the figures of the candles before `row` to `give_up`, with what is open marked at the
    /// last close; when it says yes the run ends with [`BacktestError::Stopped`]. A run that begins
    /// at `row` or later, or was ruined before it, is not shown.
    #[must_use]
    pub fn checkpoint(
        mut self,
        row: usize,
        give_up: &'a (dyn Fn(&Metrics) -> bool + Sync),
    ) -> Self {
        self.halt.checkpoint = Some((row, give_up));
        self
    }

    /// The same data and shared indicator columns under other settings.
    ///
    /// # Errors
    /// If a setting is out of its range.
    pub fn under(&self, settings: Settings) -> Result<Self, BacktestError> {
        settings.check()?;
        Ok(Self { settings, ..self.clone() })
    }

    /// The candles on which entries may happen, if not on all.
    pub fn entries(&self) -> Option<&[bool]> {
        self.entries.as_deref()
    }

    /// The candles.
    pub fn series(&self) -> &'a Series {
        self.series
    }

    /// The rows it runs on.
    pub fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// The funding payments, if any were given.
    pub fn funding(&self) -> Option<&'a FundingSeries> {
        self.funding
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Runs `S` with `parameters`.
    ///
    /// # Errors
    /// If the parameters are infeasible, or there are too few candles for any intent.
    pub fn run<S: Strategy>(&self, parameters: &Parameters) -> Result<Outcome, BacktestError> {
        let mut outcome = self.run_once::<S>(parameters, self.settings.priority)?;
        if !self.both_guesses {
            outcome.metrics.net_profit_target_first = None;
        } else if outcome.metrics.ambiguous_trades > 0 {
            let other = self.run_once::<S>(parameters, Priority::TargetFirst)?;
            outcome.metrics.net_profit_target_first = Some(other.metrics.net_profit);
        }
        Ok(outcome)
    }

    fn run_once<S: Strategy>(
        &self,
        parameters: &Parameters,
        priority: Priority,
    ) -> Result<Outcome, BacktestError> {
        let mut inputs = Inputs::default();
        let strategy = S::new(parameters, &mut inputs)?;
        let (candles, warm_up) = (self.rows.end, strategy.warm_up());
        let Settings { capital, rules, venue_costs, .. } = &self.settings;
        let engine = Engine::new(strategy, rules.clone(), *capital).with_inputs(&mut inputs);
        // The inputs' warm-up, the candle of the first intent, and one to fill it on.
        let needed = inputs.warm_up().map_err(BatchError::from)? + 2;
        if candles < needed {
            return Err(BacktestError::TooFewCandles { candles, needed, warm_up });
        }
        let columns = self.cache.columns(&inputs, self.series.columns())?;
        let venue = Venue::new(*venue_costs, priority).with_detail(self.detail);
        let run = self.drive(engine, venue, &columns, warm_up)?;
        let span_ms =
            self.series.close_time(self.rows.end - 1).as_ms() - self.series.time()[self.rows.start];
        Ok(Outcome {
            about: S::about(),
            parameters: parameters.clone(),
            metrics: Metrics::new(*capital, &run.trades, &run.curve, span_ms),
            trades: run.trades,
            equity: run.equity,
            daily_returns: run.curve.daily_returns().to_vec(),
            refusals: run.refusals,
            funnel: run.funnel,
            warm_up,
        })
    }
}
