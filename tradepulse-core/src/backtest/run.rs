use std::ops::Range;
use std::sync::Arc;

use super::funding_clock::FundingClock;
use super::{Backtest, BacktestError, risk_rules};
use crate::account::Trade;
use crate::engine::{Action, Engine, Event, Refusal};
use crate::market::Candle;
use crate::order::{ExitReason, Fill, Moment};
use crate::performance::{EquityCurve, Metrics};
use crate::risk::RiskGate;
use crate::simulation::Venue;
use crate::strategy::{Funnel, Strategy, View};
use crate::time::Timestamp;

impl Backtest<'_> {
    /// The loop: the venue meets the candle, then the strategy sees it closed.
    pub(super) fn drive<S: Strategy>(
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
        let view =
            |at| View::new(columns, inputs, at, 0, timeframe, None).with_advice(&self.advice);
        for at in start.saturating_sub(warm_up)..start {
            engine.warm_up(&view(at));
        }
        let mut clock = FundingClock::new(self.funding);
        let mut pause = self.halt.first(start);
        let mut at = start;
        while at < end {
            if at == pause {
                self.pause(at, engine.account().capital(), &run)?;
                pause = self.halt.next(at);
            }
            // What the strategy wants at this close, if it was asked already.
            let mut asked = None;
            if run.gate.is_none()
                && let Some(reach) = venue.reach()
            {
                let calm = at..clock.first_due(&columns.time, timeframe, at..last.min(pause));
                let quiet = engine.quiet(columns, calm, reach, view);
                run.mark_quiet(&engine, at..quiet.row, &columns.time, &columns.close);
                at = quiet.row;
                asked = quiet.asked;
                if at == pause && asked.is_none() {
                    continue;
                }
            }
            if let Some(entries) = &self.entries {
                engine.allow_entries(entries[at]);
            }
            let candle = columns.candle(at);
            let open_ms = candle.open_time.as_ms();
            let close_ms = open_ms + timeframe.as_ms();
            let view = view(at);
            if let Some(intent) = asked {
                engine.decide(intent, &view, &mut actions);
            } else {
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
                if let Some(fill) = fill_at_close(&actions, &venue, &candle, time_ms) {
                    engine.step(Event::Fill(&fill), &mut actions);
                }
                run.carry_out(&mut actions, &mut venue);
                equity = engine.account().equity(candle.close);
            }
            run.mark(open_ms, equity);
            if ruined {
                break;
            }
            at += 1;
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
pub(super) struct Run {
    pub(super) trades: Vec<Trade>,
    pub(super) refusals: Vec<Refusal>,
    pub(super) curve: EquityCurve,
    pub(super) equity: Vec<f64>,
    pub(super) keep_equity: bool,
    pub(super) funnel: Funnel,
    pub(super) gate: Option<RiskGate>,
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

    /// Marks the candles of `rows`, of which none changed the account.
    fn mark_quiet<S: Strategy>(
        &mut self,
        engine: &Engine<S>,
        rows: Range<usize>,
        times: &[i64],
        closes: &[f64],
    ) {
        let (account, times, closes) = (engine.account(), &times[rows.clone()], &closes[rows]);
        match account.position() {
            None => self.curve.mark_still(times, account.equity(f64::NAN)),
            Some(_) => self.curve.mark_all(times, closes, |close| account.equity(close)),
        }
        if self.keep_equity {
            self.equity.extend(closes.iter().map(|&close| account.equity(close)));
        }
    }

    #[inline(always)]
    fn mark(&mut self, open_ms: i64, equity: f64) {
        self.curve.mark(open_ms, equity);
        if self.keep_equity {
            self.equity.push(equity);
        }
    }
}

/// The fill of the liquidating order among `actions`, at the close of `candle`.
fn fill_at_close(
    actions: &[Action],
    venue: &Venue<'_>,
    candle: &Candle,
    time_ms: i64,
) -> Option<Fill> {
    actions.iter().find_map(|action| match action {
        Action::Submit(order) => Some(venue.fill_at_close(order, candle, time_ms)),
        _ => None,
    })
}
