//! Backtests: the engine on a series of candles, with the simulated venue behind it.

mod cost_survival;
mod error;
mod fingerprint;
mod funding_clock;
mod halt;
mod risk_rules;
mod settings;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

pub use cost_survival::{CostCell, CostSurvival};
pub use error::BacktestError;
pub use fingerprint::{fingerprint, trades_hash};
use funding_clock::FundingClock;
use halt::Halt;
pub use settings::Settings;

use crate::account::Trade;
use crate::engine::{Action, Engine, Event, Refusal};
use crate::indicator::BatchError;
use crate::market::{FundingSeries, Series};
use crate::order::{ExitReason, Moment};
use crate::parameter::Parameters;
use crate::performance::{EquityCurve, Metrics};
use crate::risk::RiskGate;
use crate::simulation::{Priority, Venue};
use crate::strategy::{About, Funnel, InputCache, Inputs, Strategy, View};
use crate::time::Timestamp;

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
        let (entries, detail, cache) = (None, None, Arc::default());
        Ok(Self {
            series,
            settings,
            rows,
            entries,
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

    /// The loop: the venue meets the candle, then the strategy sees it closed.
    fn drive<S: Strategy>(
        &self,
        mut engine: Engine<S>,
        mut venue: Venue<'_>,
        inputs: &[Arc<Vec<f64>>],
        warm_up: usize,
    ) -> Result<Run, BacktestError> {
        let (columns, timeframe) = (self.series.columns(), self.series.timeframe());
        let Range { start, end } = self.rows;
        let last = end - 1;
        let capital = engine.account().capital();
        let mut run = Run::new(capital, self.keep_equity, end - start);
        run.gate = self.settings.risk.map(RiskGate::new);
        if let Some(gate) = &mut run.gate {
            gate.equity(Timestamp::from_ms(self.series.time()[start]), capital);
        }
        let mut actions = Vec::new();
        for at in start.saturating_sub(warm_up)..start {
            engine.warm_up(&View::new(columns, inputs, at, 0, timeframe, None));
        }
        let mut clock = FundingClock::new(self.funding);
        let mut pause = self.halt.first(start);
        for at in start..end {
            if at == pause {
                self.pause(at, engine.account().capital(), &run)?;
                pause = self.halt.next(at);
            }
            if let Some(entries) = &self.entries {
                engine.allow_entries(entries[at]);
            }
            let candle = columns.candle(at);
            let open_ms = candle.open_time.as_ms();
            let close_ms = open_ms + timeframe.as_ms();
            let funding_due = clock.is_due(close_ms);
            if funding_due {
                let last_close = if at == 0 { candle.open } else { columns.close[at - 1] };
                pay_funding(&mut engine, &mut clock, open_ms, last_close);
            }
            while let Some(fill) = venue.next_fill(&candle, close_ms) {
                if funding_due && fill.moment == Moment::Inside {
                    pay_funding(&mut engine, &mut clock, close_ms - 1, candle.open);
                }
                engine.step(Event::Fill(&fill), &mut actions);
                run.carry_out(&mut actions, &mut venue);
            }
            if funding_due {
                pay_funding(&mut engine, &mut clock, close_ms - 1, candle.open);
                pay_funding(&mut engine, &mut clock, close_ms, candle.close);
            }
            if let Some(gate) = &mut run.gate {
                risk_rules::before_close(gate, &mut engine, &candle, close_ms, &mut actions);
            }
            let view = View::new(columns, inputs, at, 0, timeframe, None);
            engine.step(Event::Candle(&view), &mut actions);
            if let Some(gate) = &mut run.gate {
                let leverage = self.settings.rules.max_leverage;
                risk_rules::after_close(
                    gate,
                    &mut engine,
                    &candle,
                    timeframe,
                    leverage,
                    &mut actions,
                );
            }
            run.carry_out(&mut actions, &mut venue);

            let mut equity = engine.account().equity(candle.close);
            let ruined = equity <= 0.0;
            if at == last || ruined {
                let (reason, time_ms) = if ruined {
                    (ExitReason::Ruined, open_ms)
                } else {
                    (ExitReason::EndOfData, close_ms)
                };
                engine.step(Event::Liquidate(reason), &mut actions);
                if let Some(fill) = run.fill_at_close(&actions, &venue, &candle, time_ms) {
                    engine.step(Event::Fill(&fill), &mut actions);
                }
                run.carry_out(&mut actions, &mut venue);
                equity = engine.account().equity(candle.close);
            }
            run.mark(open_ms, equity);
            if ruined {
                break;
            }
        }
        run.curve.finish();
        run.funnel = engine.strategy().funnel();
        Ok(run)
    }

    /// Between two candles: may the run go on?
    #[cold]
    fn pause(&self, at: usize, capital: f64, run: &Run) -> Result<(), BacktestError> {
        let start = self.rows.start;
        let stopped = Err(BacktestError::Stopped { candles: at - start });
        if self.halt.is_stopped() {
            return stopped;
        }
        match self.halt.checkpoint {
            Some((row, give_up)) if row == at && at > start => {
                let mut curve = run.curve.clone();
                curve.finish();
                let span_ms = self.series.close_time(at - 1).as_ms() - self.series.time()[start];
                let so_far = Metrics::new(capital, &run.trades, &curve, span_ms);
                if give_up(&so_far) { stopped } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }
}

/// Tells the engine of every payment due by `until_ms`.
#[cold]
fn pay_funding<S: Strategy>(
    engine: &mut Engine<S>,
    clock: &mut FundingClock<'_>,
    until_ms: i64,
    mark_price: f64,
) {
    while let Some(funding) = clock.next(until_ms, mark_price) {
        engine.step(Event::Funding(&funding), &mut Vec::new());
    }
}

/// What the loop collects.
struct Run {
    trades: Vec<Trade>,
    refusals: Vec<Refusal>,
    curve: EquityCurve,
    equity: Vec<f64>,
    keep_equity: bool,
    funnel: Funnel,
    gate: Option<RiskGate>,
}

impl Run {
    fn new(capital: f64, keep_equity: bool, candles: usize) -> Self {
        Self {
            trades: Vec::new(),
            refusals: Vec::new(),
            curve: EquityCurve::new(capital),
            equity: Vec::with_capacity(if keep_equity { candles } else { 0 }),
            keep_equity,
            funnel: Funnel::default(),
            gate: None,
        }
    }

    #[inline(always)]
    fn carry_out(&mut self, actions: &mut Vec<Action>, venue: &mut Venue<'_>) {
        if !actions.is_empty() {
            self.carry_out_all(actions, venue);
        }
    }

    #[inline(never)]
    fn carry_out_all(&mut self, actions: &mut Vec<Action>, venue: &mut Venue<'_>) {
        for action in actions.drain(..) {
            match action {
                Action::Submit(order) => venue.submit(order),
                Action::Cancel(id) => venue.cancel(id),
                Action::Settle(trade) => {
                    if let Some(gate) = &mut self.gate {
                        gate.closed(Timestamp::from_ms(trade.exit_time_ms), trade.profit);
                    }
                    self.trades.push(trade);
                }
                Action::Refuse(refusal) => self.refusals.push(refusal),
            }
        }
    }

    /// The fill of the liquidating order among `actions`, at the close of `candle`.
    fn fill_at_close(
        &self,
        actions: &[Action],
        venue: &Venue<'_>,
        candle: &crate::market::Candle,
        time_ms: i64,
    ) -> Option<crate::order::Fill> {
        actions.iter().find_map(|action| match action {
            Action::Submit(order) => Some(venue.fill_at_close(order, candle, time_ms)),
            _ => None,
        })
    }

    #[inline(always)]
    fn mark(&mut self, open_ms: i64, equity: f64) {
        self.curve.mark(open_ms, equity);
        if self.keep_equity {
            self.equity.push(equity);
        }
    }
}
