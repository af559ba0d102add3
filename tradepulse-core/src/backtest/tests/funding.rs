//! Who pays funding, when, and on what.

use proptest::prelude::*;

use super::*;
use crate::market::FundingSeries;

const HOUR: i64 = 3_600_000;

fn funding(payments: &[(i64, f64)]) -> FundingSeries {
    let (time, rate) = payments.iter().copied().unzip();
    FundingSeries::new(time, rate).unwrap()
}

fn run_funded(series: &Series, script: &[Option<Intent>], funding: &FundingSeries) -> Run {
    let backtest = Backtest::new(series, settings()).unwrap().keep_equity().with_funding(funding);
    let Settings { capital, rules, venue_costs, priority, .. } = settings();
    let engine = Engine::new(Script(script.to_vec()), rules, capital);
    backtest.drive(engine, Venue::new(venue_costs, priority), &[], 0).unwrap()
}

/// Entered at the open of candle 1, at 100, quantity 1, and held to the last close.
fn paid_by(side: Side, bars: &[Bar], payments: &[(i64, f64)]) -> f64 {
    let (stop, target) = if side == Side::Long { (50.0, 200.0) } else { (200.0, 50.0) };
    let run = run_funded(&series(bars), &[enter(side, stop, target)], &funding(payments));
    assert_eq!(run.trades.len(), 1);
    run.trades[0].funding
}

const RISING: [Bar; 4] =
    [CALM, (100.0, 121.0, 99.0, 120.0), (120.0, 121.0, 99.0, 110.0), (110.0, 111.0, 99.0, 100.0)];

#[test]
fn longs_pay_a_positive_rate_and_shorts_receive_it() {
    let at_close = [(2 * HOUR, 0.01)];
    assert_eq!(paid_by(Side::Long, &RISING, &at_close), 1.2);
    assert_eq!(paid_by(Side::Short, &RISING, &at_close), -1.2);
    assert_eq!(paid_by(Side::Long, &RISING, &[(2 * HOUR, -0.01)]), -1.2);
    let inside = [(2 * HOUR + 1, 0.01)];
    assert_eq!(paid_by(Side::Long, &RISING, &inside), 1.2, "marked at the open of its candle");
}

#[test]
fn only_what_is_held_pays() {
    let before_and_after = [(-5, 0.01), (0, 0.01), (HOUR, 0.01), (9 * HOUR, 0.01)];
    assert_eq!(paid_by(Side::Long, &RISING, &before_and_after), 0.0, "in at the open after 1h");
    assert_eq!(paid_by(Side::Long, &RISING, &[(4 * HOUR, 0.01)]), 1.0, "held at the last close");
}

#[test]
fn what_leaves_inside_a_candle_paid_inside_it_but_not_at_its_close() {
    let bars = [CALM, CALM, (100.0, 101.0, 89.0, 95.0), CALM];
    let long = [enter(Side::Long, 90.0, 120.0)];
    let paid = |ms| run_funded(&series(&bars), &long, &funding(&[(ms, 0.01)])).trades[0].funding;
    assert_eq!((paid(2 * HOUR + 5), paid(3 * HOUR)), (1.0, 0.0));
    let gap = [CALM, CALM, (89.0, 91.0, 88.0, 89.0), CALM];
    let run = run_funded(&series(&gap), &long, &funding(&[(2 * HOUR + 5, 0.01)]));
    assert_eq!(run.trades[0].funding, 0.0, "left at the open");
}

#[test]
fn a_payment_where_candles_are_missing_is_made_at_the_last_close() {
    let mut columns = Columns::default();
    for (hour, close) in [(0, 100.0), (1, 110.0), (5, 130.0), (6, 130.0)] {
        let open_time = Timestamp::from_ms(hour * HOUR);
        let (high, low) = (140.0, 90.0);
        columns.push(Candle { open_time, open: 100.0, high, low, close, volume: 1.0 });
    }
    let series = Series::new(Timeframe::H1, columns).unwrap();
    let long = [enter(Side::Long, 50.0, 200.0)];
    for hour in [3, 5] {
        let run = run_funded(&series, &long, &funding(&[(hour * HOUR, 0.01)]));
        assert_eq!(run.trades[0].funding, 1.1, "{hour}");
    }
}

#[test]
fn cash_moves_when_paid_and_the_profit_is_after_funding() {
    let long = [enter(Side::Long, 50.0, 200.0)];
    let run = run_funded(&series(&RISING), &long, &funding(&[(2 * HOUR, 0.01)]));
    assert_eq!(run.equity, [1000.0, 1020.0 - 1.2, 1010.0 - 1.2, 1000.0 - 1.2]);
    assert_eq!((run.trades[0].profit, run.trades[0].funding), (-1.2, 1.2));
    let metrics = Metrics::new(1000.0, &run.trades, &run.curve, 4 * HOUR);
    assert_eq!((metrics.funding_paid, metrics.fees_paid), (1.2, 0.0));
}

#[test]
fn json_tells_funding_only_where_there_is_some() {
    let long = [enter(Side::Long, 50.0, 200.0)];
    let json = |rate: f64| {
        let run = run_funded(&series(&RISING), &long, &funding(&[(2 * HOUR, rate)]));
        (serde_json::to_value(run.trades[0]).unwrap(), trades_hash(&run.trades))
    };
    let plain = run(&RISING, &long, settings());
    assert_eq!(json(0.0).1, trades_hash(&plain.trades));
    assert_ne!(json(0.01).1, json(0.0).1);
    assert!(json(0.0).0.get("funding").is_none());
    assert_eq!(json(0.01).0["funding"], 1.2);
}

fn intents() -> impl proptest::strategy::Strategy<Value = Option<Intent>> {
    prop_oneof![
        6 => Just(None),
        2 => Just(enter(Side::Long, 80.0, 125.0)),
        2 => Just(enter(Side::Short, 125.0, 80.0)),
        1 => Just(Some(Intent::Exit)),
    ]
}

proptest! {
    /// Nothing is lost and nothing is made: the account ends with the capital and the profits, and
    /// a trade pays exactly what fell due after its entry and until its exit.
    #[test]
    fn funding_is_conserved(
        steps in prop::collection::vec((90.0..110.0_f64, 0.0..15.0_f64, 0.0..15.0_f64), 3..60),
        script in prop::collection::vec(intents(), 60),
        payments in prop::collection::btree_map(0_i64..60, -0.02..0.02_f64, 0..30),
    ) {
        let mut open = 100.0;
        let mut bars = Vec::new();
        for (close, up, down) in steps {
            bars.push((open, f64::max(open, close) + up, f64::min(open, close) - down, close));
            open = close;
        }
        let series = series(&bars);
        let at_closes: Vec<_> = payments.into_iter().map(|(h, rate)| (h * HOUR, rate)).collect();
        let run = run_funded(&series, &script, &funding(&at_closes));
        let profits: f64 = run.trades.iter().map(|t| t.profit).sum();
        prop_assert!((run.curve.equity() - 1000.0 - profits).abs() < 1e-9);
        for t in &run.trades {
            let moved = t.side.sign() * (t.exit_price - t.entry_price) * t.quantity;
            prop_assert!((t.profit - (moved - t.fees - t.funding)).abs() < 1e-9);
            let due = at_closes.iter().filter(|(ms, _)| t.entry_time_ms < *ms && *ms <= t.exit_time_ms);
            let owed: f64 = due
                .map(|(ms, rate)| {
                    let mark = series.close()[(ms / HOUR) as usize - 1];
                    t.side.sign() * rate * mark * t.quantity
                })
                .sum();
            prop_assert!((t.funding - owed).abs() < 1e-9, "{t:?}: owed {owed}");
        }
    }
}
