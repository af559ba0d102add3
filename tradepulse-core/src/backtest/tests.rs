//! The order of events, candle by candle, on markets small enough to check by hand.

mod funding;
mod halt;
mod quiet;
mod risk_rules;

use super::run::Run;
use super::*;
use crate::market::{Candle, Columns};
use crate::order::{ExitReason, Side};
use crate::parameter::ParameterError;
use crate::simulation::{Costs, Slippage};
use crate::sizing::Sizing;
use crate::strategy::{Entry, Intent, View};
use crate::time::{Timeframe, Timestamp};

/// Wants what the script says on each candle.
struct Script(Vec<Option<Intent>>);

impl Strategy for Script {
    fn about() -> About {
        About { name: "script", version: 1, summary: "", variables: &[], optional_inputs: &[] }
    }

    fn new(_: &Parameters, _: &mut Inputs) -> Result<Self, ParameterError> {
        Ok(Self(Vec::new()))
    }

    fn warm_up(&self) -> usize {
        0
    }

    fn on_candle(&mut self, view: &View<'_>) -> Option<Intent> {
        self.0.get(view.index()).copied().flatten()
    }
}

/// Open, high, low, close.
type Bar = (f64, f64, f64, f64);

fn series(bars: &[Bar]) -> Series {
    let mut columns = Columns::default();
    for (i, (open, high, low, close)) in bars.iter().copied().enumerate() {
        let open_time = Timestamp::from_ms(i as i64 * 3_600_000);
        columns.push(Candle { open_time, open, high, low, close, volume: 1.0 });
    }
    Series::new(Timeframe::H1, columns).unwrap()
}

fn enter(side: Side, stop: f64, target: f64) -> Option<Intent> {
    Some(Intent::Enter(Entry { side, stop, target: Some(target), max_holding: None }))
}

fn held_at_most(candles: u32) -> Option<Intent> {
    let (stop, target) = (50.0, Some(200.0));
    Some(Intent::Enter(Entry { side: Side::Long, stop, target, max_holding: Some(candles) }))
}

fn settings() -> Settings {
    let mut settings = Settings::with_costs(Costs::FREE);
    settings.capital = 1000.0;
    settings.rules.sizing = Sizing::FixedAmount { amount: 100.0 };
    settings
}

fn run(bars: &[Bar], script: &[Option<Intent>], settings: Settings) -> Run {
    let series = series(bars);
    let backtest = Backtest::new(&series, settings).unwrap().keep_equity();
    let Settings { capital, rules, venue_costs, priority, .. } = backtest.settings().clone();
    let engine = Engine::new(Script(script.to_vec()), rules, capital);
    backtest.drive(engine, Venue::new(venue_costs, priority), &[], 0).unwrap()
}

/// Reason, entry price, exit price, entry candle, exit candle, holding.
fn told(run: &Run) -> Vec<(ExitReason, f64, f64, i64, i64, u32)> {
    let hour = |ms: i64| ms / 3_600_000;
    let trades = run.trades.iter();
    trades
        .map(|t| {
            let (entry, exit) = (hour(t.entry_time_ms), hour(t.exit_time_ms));
            (t.exit_reason, t.entry_price, t.exit_price, entry, exit, t.holding)
        })
        .collect()
}

const CALM: Bar = (100.0, 101.0, 99.0, 100.0);

#[test]
fn an_intent_fills_at_the_next_open_and_the_data_ends_at_the_last_close() {
    let bars = [CALM, (102.0, 103.0, 101.0, 102.0), (102.0, 104.0, 101.0, 103.0)];
    let run = run(&bars, &[enter(Side::Long, 90.0, 120.0)], settings());
    assert_eq!(told(&run), [(ExitReason::EndOfData, 102.0, 103.0, 1, 3, 2)]);
    assert_eq!(run.trades[0].quantity, 1.0, "sized at the close of the intent's candle");
    assert_eq!(run.equity, [1000.0, 1000.0, 1001.0]);
}

#[test]
fn an_intent_on_the_last_candle_never_fills() {
    assert_eq!(told(&run(&[CALM, CALM], &[None, enter(Side::Long, 90.0, 120.0)], settings())), []);
}

#[test]
fn stop_and_target_are_live_on_the_entry_candle() {
    let bars = [CALM, (100.0, 101.0, 94.0, 100.0), CALM];
    let out = run(&bars, &[enter(Side::Long, 95.0, 110.0)], settings());
    assert_eq!(told(&out), [(ExitReason::Stop, 100.0, 95.0, 1, 1, 1)]);
    let gap = [CALM, (94.0, 96.0, 93.0, 95.0), CALM];
    let out = run(&gap, &[enter(Side::Long, 95.0, 110.0)], settings());
    assert_eq!(told(&out), [(ExitReason::Stop, 94.0, 94.0, 1, 1, 0)], "in and out at one open");
    let gap = [CALM, (112.0, 113.0, 90.0, 95.0), CALM];
    let out = run(&gap, &[enter(Side::Long, 95.0, 110.0)], settings());
    assert_eq!(told(&out), [(ExitReason::Target, 112.0, 112.0, 1, 1, 0)]);
}

#[test]
fn a_candle_with_both_is_ambiguous_and_the_stop_is_assumed() {
    let bars = [CALM, (100.0, 111.0, 94.0, 100.0), CALM];
    let out = run(&bars, &[enter(Side::Long, 95.0, 110.0)], settings());
    assert_eq!(told(&out), [(ExitReason::Stop, 100.0, 95.0, 1, 1, 1)]);
    assert!(out.trades[0].ambiguous);
    let other = Settings { priority: Priority::TargetFirst, ..settings() };
    let out = run_with(&bars, other);
    assert_eq!(told(&out), [(ExitReason::Target, 100.0, 110.0, 1, 1, 1)]);

    fn run_with(bars: &[Bar], settings: Settings) -> Run {
        run(bars, &[enter(Side::Long, 95.0, 110.0)], settings)
    }
}

#[test]
fn shorts_profit_from_falls() {
    let bars = [CALM, (100.0, 101.0, 89.0, 92.0), CALM];
    let out = run(&bars, &[enter(Side::Short, 105.0, 90.0)], settings());
    assert_eq!(told(&out), [(ExitReason::Target, 100.0, 90.0, 1, 1, 1)]);
    assert_eq!(out.trades[0].profit, 10.0);
    assert_eq!(out.trades[0].profit_pct, 10.0);
}

#[test]
fn held_long_enough_closes_at_the_next_open() {
    let script = [held_at_most(2)];
    let out = run(&[CALM, CALM, CALM, (98.0, 99.0, 97.0, 98.0), CALM], &script, settings());
    assert_eq!(told(&out), [(ExitReason::MaxHolding, 100.0, 98.0, 1, 3, 2)]);
}

#[test]
fn a_pending_exit_keeps_its_reason_where_the_open_gaps_beyond_the_stop() {
    let out = run(&[CALM, CALM, (40.0, 41.0, 39.0, 40.0)], &[held_at_most(1)], settings());
    assert_eq!(told(&out), [(ExitReason::MaxHolding, 100.0, 40.0, 1, 2, 1)]);
}

#[test]
fn same_side_is_ignored_and_the_opposite_reverses_at_one_open() {
    let (long, short) = (enter(Side::Long, 90.0, 120.0), enter(Side::Short, 110.0, 80.0));
    let bars = [CALM, CALM, CALM, (99.0, 100.0, 98.0, 99.0), CALM];
    let out = run(&bars, &[long, long, short, None], settings());
    assert_eq!(
        told(&out),
        [(ExitReason::Signal, 100.0, 99.0, 1, 3, 2), (ExitReason::EndOfData, 99.0, 100.0, 3, 5, 2)]
    );
    assert_eq!(out.trades[1].side, Side::Short);
}

#[test]
fn a_timed_out_position_still_reverses_and_drops_a_same_side_intent() {
    let short = enter(Side::Short, 110.0, 80.0);
    let out = run(&[CALM, CALM, CALM, CALM], &[held_at_most(1), short], settings());
    let reasons: Vec<_> = out.trades.iter().map(|t| (t.side, t.exit_reason)).collect();
    let expected = [(Side::Long, ExitReason::MaxHolding), (Side::Short, ExitReason::EndOfData)];
    assert_eq!(reasons, expected);
    let out = run(&[CALM, CALM, CALM, CALM], &[held_at_most(1), held_at_most(1)], settings());
    assert_eq!(out.trades.len(), 1);
}

#[test]
fn an_exit_intent_closes_and_a_refused_reversal_closes_all_the_same() {
    let long = enter(Side::Long, 90.0, 120.0);
    let out = run(&[CALM, CALM, CALM], &[long, Some(Intent::Exit)], settings());
    assert_eq!(told(&out), [(ExitReason::Signal, 100.0, 100.0, 1, 2, 1)]);
    let upside_down = enter(Side::Short, 90.0, 80.0);
    let out = run(&[CALM, CALM, CALM], &[long, upside_down], settings());
    assert_eq!(told(&out), [(ExitReason::Signal, 100.0, 100.0, 1, 2, 1)]);
    assert_eq!(out.refusals[0].reason, crate::engine::RefusalReason::WrongSide);
}

#[test]
fn a_target_that_costs_eat_is_refused() {
    let mut costly = settings();
    costly.rules.costs = Costs::default();
    let near = enter(Side::Long, 90.0, 100.5);
    let out = run(&[CALM, CALM, CALM], &[near], costly.clone());
    assert_eq!((out.trades.len(), out.refusals.len()), (0, 1));
    assert_eq!(out.refusals[0].reason, crate::engine::RefusalReason::Edge);
    costly.rules.min_edge = 0.0;
    assert_eq!(run(&[CALM, CALM, CALM], &[near], costly).trades.len(), 1);
}

#[test]
fn ruin_ends_the_run_at_that_close() {
    let mut bold = settings();
    bold.rules.max_leverage = 20.0;
    bold.rules.sizing = Sizing::AllIn;
    let crash = (100.0, 100.0, 91.0, 92.0);
    let bars = [CALM, CALM, crash, CALM, CALM];
    let out = run(&bars, &[enter(Side::Long, 90.0, 200.0)], bold);
    assert_eq!(told(&out), [(ExitReason::Ruined, 100.0, 92.0, 1, 2, 2)]);
    assert_eq!(out.equity, [1000.0, 1000.0, -600.0]);
}

#[test]
fn fees_leave_cash_when_paid() {
    let mut costly = settings();
    costly.venue_costs = Costs::default();
    let out = run(&[CALM, CALM, CALM], &[enter(Side::Long, 90.0, 120.0)], costly);
    let trade = out.trades[0];
    let entry = 100.0 * (1.0 + 0.0005);
    let exit = 100.0 * (1.0 - 0.0005);
    assert_eq!((trade.entry_price, trade.exit_price), (entry, exit));
    assert_eq!(trade.fees, entry * 0.001 + exit * 0.001);
    assert_eq!(trade.slippage, (entry - 100.0).abs() + (exit - 100.0).abs());
    assert_eq!(out.equity[1], 1000.0 - entry * 0.001 + (100.0 - entry));
}

#[test]
fn fixed_capital_sizes_from_the_start() {
    let mut fixed = settings();
    fixed.rules.sizing = Sizing::AllIn;
    fixed.rules.compounding = false;
    let bars = [CALM, (100.0, 111.0, 99.0, 100.0), CALM, CALM];
    let long = enter(Side::Long, 90.0, 110.0);
    let out = run(&bars, &[long, long], fixed.clone());
    assert_eq!(out.trades.iter().map(|t| t.quantity).collect::<Vec<_>>(), [10.0, 10.0]);
    fixed.rules.compounding = true;
    let out = run(&bars, &[long, long], fixed);
    assert_eq!(out.trades.iter().map(|t| t.quantity).collect::<Vec<_>>(), [10.0, 11.0]);
}

#[test]
fn bad_settings_are_refused() {
    let series = series(&[CALM, CALM]);
    for break_it in [
        (|s| s.capital = 0.0) as fn(&mut Settings),
        |s| s.capital = f64::NAN,
        |s| s.rules.max_leverage = -1.0,
        |s| s.rules.min_edge = -1.0,
        |s| s.venue_costs.taker_fee = 1.0,
        |s| s.rules.costs.maker_fee = -0.1,
        |s| s.rules.sizing = Sizing::FixedRisk { risk: f64::NAN },
        |s| s.rules.sizing = Sizing::FixedAmount { amount: -1.0 },
        |s| s.rules.sizing = Sizing::Kelly { share: 0.25, risk: 0.0 },
        |s| s.venue_costs.slippage = Slippage::VolumeShare { fraction: 0.0, impact: 5.0 },
        |s| s.venue_costs.slippage = Slippage::VolumeShare { fraction: 0.0, impact: f64::NAN },
    ] {
        let mut settings = Settings::default();
        break_it(&mut settings);
        let refused = Backtest::new(&series, settings);
        assert!(matches!(refused, Err(BacktestError::Setting { .. })));
    }
}

#[test]
fn entries_happen_only_where_allowed_and_exits_everywhere() {
    let series = series(&[CALM; 6]);
    let long = enter(Side::Long, 90.0, 120.0);
    let short = enter(Side::Short, 110.0, 80.0);
    let script = vec![long, long, None, short, None, None];
    let marks: Arc<[bool]> = [false, true, false, false, false, false].into();
    let backtest = Backtest::new(&series, settings()).unwrap();
    assert!(backtest.clone().with_entries([true].into()).is_err());
    let backtest = backtest.with_entries(marks).unwrap();
    let engine = Engine::new(Script(script), settings().rules, 1000.0);
    let out = backtest.drive(engine, Venue::new(Costs::FREE, Priority::StopFirst), &[], 0).unwrap();
    assert_eq!(told(&out), [(ExitReason::Signal, 100.0, 100.0, 2, 4, 2)]);
    assert_eq!(out.refusals.len(), 2);
}

#[test]
fn some_rows_begin_with_the_capital_and_a_warm_strategy() {
    let series = series(&[CALM; 8]);
    let long = enter(Side::Long, 90.0, 120.0);
    let script = vec![long, None, None, long, None, None, None, None];
    let backtest = Backtest::new(&series, settings()).unwrap();
    assert!(backtest.over(3..3).is_err() && backtest.over(3..9).is_err());
    let backtest = backtest.over(3..6).unwrap().keep_equity();
    let engine = Engine::new(Script(script), settings().rules, 1000.0);
    let out = backtest.drive(engine, Venue::new(Costs::FREE, Priority::StopFirst), &[], 3).unwrap();
    assert_eq!(told(&out), [(ExitReason::EndOfData, 100.0, 100.0, 4, 6, 2)]);
    assert_eq!(out.equity.len(), 3);
}
