//! Risk rules in a backtest.

use super::*;
use crate::engine::RefusalReason;
use crate::risk::{BreakerRules, RiskRule, RiskRules};

fn under(rules: RiskRules) -> Settings {
    Settings { risk: Some(rules), ..settings() }
}

/// The rules that refused, with figure and limit.
fn refused(run: &Run) -> Vec<(RiskRule, f64, f64)> {
    let refusals = run.refusals.iter().map(|refusal| match refusal.reason {
        RefusalReason::Risk(rule) => (rule, refusal.figure, refusal.limit),
        other => panic!("{other:?}"),
    });
    refusals.collect()
}

/// One candle in, out at its stop.
const LOSS: Bar = (100.0, 101.0, 89.0, 100.0);

#[test]
fn rules_that_are_off_change_nothing() {
    let (long, short) = (enter(Side::Long, 90.0, 120.0), enter(Side::Short, 110.0, 80.0));
    let (bars, script) = ([CALM, LOSS, CALM, CALM, CALM, CALM], [long, short, None, long, None]);
    let free = run(&bars, &script, settings());
    for rules in [RiskRules::none(), RiskRules::default()] {
        let judged = run(&bars, &script, under(rules));
        assert_eq!((judged.trades, judged.equity), (free.trades.clone(), free.equity.clone()));
    }
}

#[test]
fn an_entry_that_a_rule_refuses_is_listed_and_exits_run() {
    let (long, short) = (enter(Side::Long, 90.0, 120.0), enter(Side::Short, 110.0, 80.0));
    let rules = RiskRules { max_daily_trades: Some(1), ..RiskRules::none() };
    let out = run(&[CALM; 5], &[long, None, short, long], under(rules));
    assert_eq!(told(&out), [(ExitReason::Signal, 100.0, 100.0, 1, 3, 2)]);
    assert_eq!(refused(&out), [(RiskRule::MaxDailyTrades, 1.0, 1.0); 2]);
    let small = RiskRules { max_total_exposure: Some(99.0), ..RiskRules::none() };
    let out = run(&[CALM; 3], &[long], under(small));
    assert_eq!(refused(&out), [(RiskRule::MaxTotalExposure, 100.0, 99.0)]);
}

#[test]
fn losses_in_a_row_stop_entries_for_a_while() {
    let long = enter(Side::Long, 90.0, 120.0);
    let breaker = BreakerRules { consecutive_losses: 2, cool_down_seconds: 3 * 3600 };
    let rules = RiskRules { circuit_breaker: Some(breaker), ..RiskRules::none() };
    let out = run(&[LOSS; 9], &[long; 8], under(rules));
    let entries: Vec<_> = told(&out).iter().map(|trade| trade.3).collect();
    // The second loss is of candle 2; entries are judged at closes, and fill at the next open. The
    // half-open trade of candle 5 loses too.
    assert_eq!(entries, [1, 2, 5, 8]);
    assert!(refused(&out).iter().all(|(rule, ..)| *rule == RiskRule::CircuitBreaker));
}

#[test]
fn an_emergency_closes_and_nothing_is_entered_again() {
    let long = enter(Side::Long, 50.0, 200.0);
    let rules = RiskRules { emergency_drawdown: Some(0.03), ..RiskRules::none() };
    let fall = (100.0, 100.0, 60.0, 65.0);
    let bars = [CALM, fall, (64.0, 65.0, 63.0, 64.0), CALM, CALM];
    let out = run(&bars, &[long, None, None, long, long], under(rules));
    assert_eq!(told(&out), [(ExitReason::Emergency, 100.0, 64.0, 1, 2, 1)]);
    assert_eq!(refused(&out)[0].0, RiskRule::EmergencyDrawdown);
}

#[test]
fn what_is_overdue_is_closed() {
    let long = enter(Side::Long, 50.0, 200.0);
    let rules = RiskRules { max_position_duration_hours: Some(2), ..RiskRules::none() };
    let out = run(&[CALM; 6], &[long], under(rules));
    assert_eq!(told(&out), [(ExitReason::MaxDuration, 100.0, 100.0, 1, 3, 2)]);
}

#[test]
fn a_limit_that_cannot_be_kept_is_refused() {
    let settings = under(RiskRules { max_leverage: Some(-1.0), ..RiskRules::none() });
    let error = Backtest::new(&series(&[CALM, CALM]), settings).unwrap_err();
    assert_eq!(
        error.to_string(),
        "risk rule max_leverage = -1: expected a number not below 0, or null to turn it off"
    );
}
