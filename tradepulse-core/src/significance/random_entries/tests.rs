use proptest::prelude::*;

use super::*;
use crate::account::Trade;
use crate::market::{Candle, Columns, SyntheticMarket};
use crate::order::{ExitReason, Fill, Moment, Order, OrderId, OrderKind};
use crate::significance::RandomTest;
use crate::simulation::{Slippage, Venue};
use crate::time::{Timeframe, Timestamp};

fn market(seed: u64, candles: usize) -> Series {
    SyntheticMarket { candles, ..SyntheticMarket::new(Seed(seed), Timeframe::M5) }
        .generate()
        .unwrap()
}

fn template(side: Side, stop: f64, target: f64, held: u32) -> TradeTemplate {
    TradeTemplate {
        side,
        stop: Some(stop),
        target: Some(target),
        max_holding: Some(held),
        holding: held.div_ceil(2),
        weight: 1.0,
    }
}

/// The same trade through the venue.
fn by_venue(series: &Series, t: &TradeTemplate, costs: Costs, entry: usize) -> f64 {
    let mut venue = Venue::new(costs, Priority::StopFirst);
    let order = |id, side, kind| Order { id: OrderId(id), side, quantity: 1.0, kind };
    venue.submit(order(0, t.side, OrderKind::Market));
    let reference = series.open()[entry];
    let sign = t.side.sign();
    let mut fills: Vec<Fill> = Vec::new();
    for at in entry..series.len() {
        let (candle, held) = (series.candle(at), at - entry);
        if Some(held as u32) == t.max_holding {
            venue.cancel_all();
            venue.submit(order(2, t.side.opposite(), OrderKind::Market));
        }
        while let Some(fill) = venue.next_fill(&candle, 0) {
            fills.push(fill);
            if fill.order == OrderId(0) {
                let stop = reference * (1.0 - sign * t.stop.unwrap());
                let target = Some(reference * (1.0 + sign * t.target.unwrap()));
                venue.submit(order(1, t.side.opposite(), OrderKind::Oco { stop, target }));
            }
        }
        if fills.len() == 2 {
            break;
        }
        if at + 1 == series.len() {
            let out = order(2, t.side.opposite(), OrderKind::Market);
            fills.push(venue.fill_at_close(&out, &candle, 0));
        }
    }
    let (entry, exit) = (fills[0], fills[1]);
    assert!(entry.moment == Moment::Open);
    (sign * (exit.price - entry.price) - entry.fee - exit.fee) / entry.price
}

proptest! {
    /// The fast path gives what the venue gives.
    #[test]
    fn a_trade_is_that_of_the_venue(
        seed in 0_u64..20, entry in 0_usize..300, long in any::<bool>(),
        stop in 0.0005..0.02_f64, target in 0.0005..0.02_f64, held in 1_u32..80,
    ) {
        let series = market(seed, 300);
        let side = if long { Side::Long } else { Side::Short };
        let templates = [template(side, stop, target, held)];
        let costs = Costs { maker_fee: 0.0002, ..Costs::default() };
        let entries = RandomEntries::new(&series, &templates, costs, 0, None).unwrap();
        let (profit, free_from) = entries.trade(&templates[0], entry);
        let expected = by_venue(&series, &templates[0], costs, entry);
        prop_assert!((profit - expected).abs() < 1e-12, "{} {}", profit, expected);
        prop_assert!(free_from > entry && free_from <= entry + held as usize);
    }

    /// Every schedule has every trade once, in the order of time, on allowed candles, with room
    /// for each where there is enough.
    #[test]
    fn schedules_leave_room(
        held in prop::collection::vec(1_u32..20, 1..20), seed in any::<u64>(),
        from in 0_usize..50, stripes in any::<bool>(),
    ) {
        let series = market(1, 600);
        let templates: Vec<_> = held
            .iter()
            .map(|h| TradeTemplate { holding: *h, ..template(Side::Long, 0.01, 0.01, 9) })
            .collect();
        let marks: Vec<bool> = (0..600).map(|i| !stripes || i / 40 % 2 == 0).collect();
        let entries =
            RandomEntries::new(&series, &templates, Costs::FREE, from, Some(&marks)).unwrap();
        let drawn = entries.schedule(&mut Seed(seed).stream("test"));
        let mut seen: Vec<usize> = drawn.iter().map(|e| e.template).collect();
        seen.sort_unstable();
        prop_assert!(seen.into_iter().eq(0..templates.len()));
        prop_assert!(drawn.iter().all(|e| e.candle >= from && marks[e.candle]));
        for pair in drawn.windows(2) {
            let apart = pair[1].candle - pair[0].candle;
            if !stripes {
                prop_assert!(apart >= templates[pair[0].template].holding as usize);
            }
            prop_assert!(apart > 0);
        }
    }
}

#[test]
fn runs_do_not_depend_on_each_other() {
    let series = market(3, 2000);
    let templates = vec![template(Side::Long, 0.01, 0.02, 30); 20];
    let all = random_entry_profits(&series, &templates, Costs::default(), 50, Seed(7)).unwrap();
    let entries = RandomEntries::new(&series, &templates, Costs::default(), 0, None).unwrap();
    assert_eq!(entries.profit(Seed(7), 49), all[49]);
    assert_ne!(all[0], all[1]);
    assert_ne!(entries.profit(Seed(8), 49), all[49]);
}

/// On a market that rises for 20 candles and falls for 20, entries at the turns are seen, and
/// random ones are not.
#[test]
fn good_entries_are_significant_and_random_ones_are_not() {
    let mut columns = Columns::default();
    let mut price = 100.0;
    for i in 0..4000_i64 {
        let close = price * if i / 20 % 2 == 0 { 1.001 } else { 1.0 / 1.001 };
        let (low, high) = (f64::min(price, close), f64::max(price, close));
        let open_time = Timestamp::from_ms(i * 300_000);
        columns.push(Candle { open_time, open: price, high, low, close, volume: 1.0 });
        price = close;
    }
    let series = Series::new(Timeframe::M5, columns).unwrap();
    let costs = Costs { slippage: Slippage::Fixed { fraction: 0.0001 }, ..Costs::FREE };
    let templates = vec![template(Side::Long, 0.05, 0.05, 20); 30];
    let entries = RandomEntries::new(&series, &templates, costs, 0, None).unwrap();
    let random: Vec<f64> = (0..400).map(|run| entries.profit(Seed(1), run)).collect();
    let at_turns: f64 = (0..30).map(|k| 100.0 * entries.trade(&templates[0], k * 40).0).sum();
    assert_eq!(RandomTest::new(at_turns, &random).unwrap().p_value, 1.0 / 401.0);
    let mut significant = 0;
    for run in 0..100 {
        let p = RandomTest::new(entries.profit(Seed(2), run), &random).unwrap().p_value;
        significant += u32::from(p < 0.05);
    }
    assert!(significant <= 12, "{significant} of 100");
}

#[test]
fn templates_of_trades() {
    let trade = |exit_reason, exit_price, holding| Trade {
        side: Side::Long,
        entry_time_ms: 0,
        entry_price: 100.0,
        exit_time_ms: 0,
        exit_price,
        quantity: 50.0,
        fees: 0.0,
        profit: 0.0,
        profit_pct: 0.0,
        exit_reason,
        holding,
        ambiguous: false,
        slippage: 0.0,
        funding: 0.0,
    };
    let trades = [
        trade(ExitReason::Stop, 98.0, 3),
        trade(ExitReason::Stop, 96.0, 5),
        trade(ExitReason::Signal, 101.0, 40),
    ];
    let found = TradeTemplate::of_trades(&trades, 10_000.0);
    let close = |a: Option<f64>, b: f64| (a.unwrap() - b).abs() < 1e-12;
    assert!(close(found[0].stop, 0.02) && close(found[1].stop, 0.04) && close(found[2].stop, 0.03));
    assert!(found.iter().all(|t| t.target.is_none() && t.weight == 0.5));
    assert_eq!(found.iter().map(|t| t.max_holding).collect::<Vec<_>>(), [Some(40); 3]);
    assert_eq!(RandomEntries::observed(&found, &[2.0, 1.0, -1.0]), 1.0);
}

#[test]
fn bad_input_is_refused() {
    let series = market(1, 100);
    let refused = |templates: &[TradeTemplate], from, marks: Option<&[bool]>| {
        RandomEntries::new(&series, templates, Costs::FREE, from, marks).unwrap_err()
    };
    let good = template(Side::Long, 0.01, 0.02, 5);
    assert_eq!(refused(&[], 0, None), SignificanceError::NoTrades);
    for (name, bad) in [
        ("stop", TradeTemplate { stop: Some(f64::NAN), ..good }),
        ("target", TradeTemplate { target: Some(0.0), ..good }),
        ("max_holding", TradeTemplate { max_holding: Some(0), ..good }),
        ("weight", TradeTemplate { weight: -1.0, ..good }),
    ] {
        let error = refused(&[good, bad], 0, None);
        assert!(
            matches!(error, SignificanceError::Template { trade: 1, name: n, .. } if n == name)
        );
    }
    assert!(matches!(refused(&[good], 0, Some(&[true])), SignificanceError::Marks { .. }));
    assert_eq!(
        refused(&[good; 6], 95, None),
        SignificanceError::TooFewCandles { trades: 6, candles: 5 }
    );
    assert!(matches!(refused(&[good], 500, None), SignificanceError::TooFewCandles { .. }));
}
