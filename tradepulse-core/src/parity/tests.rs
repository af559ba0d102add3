use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::order::ExitReason;

const MINUTES: i64 = 300_000;

fn trade(entry: i64, exit: i64, long: bool) -> ParityTrade {
    let side = if long { Side::Long } else { Side::Short };
    let (entry_price, exit_price, quantity, fees) = (100.0, 104.0, 2.0, 0.5);
    let profit = side.sign() * (exit_price - entry_price) * quantity - fees;
    ParityTrade {
        configuration: "one".to_owned(),
        timeframe: Timeframe::M5,
        trade: Trade {
            side,
            entry_time_ms: entry * MINUTES,
            entry_price,
            exit_time_ms: exit * MINUTES,
            exit_price,
            quantity,
            fees,
            profit,
            profit_pct: 0.0,
            exit_reason: ExitReason::Signal,
            holding: 1,
            ambiguous: false,
            slippage: 0.0,
            funding: 0.0,
        },
        entry_reference: Some(entry_price),
        exit_reference: Some(exit_price),
    }
}

/// With other figures, and the profit that they make.
fn changed(of: &ParityTrade, change: impl FnOnce(&mut ParityTrade)) -> ParityTrade {
    let mut changed = of.clone();
    change(&mut changed);
    let t = &mut changed.trade;
    t.profit = t.side.sign() * (t.exit_price - t.entry_price) * t.quantity - t.fees - t.funding;
    changed
}

fn parts(recorded: &[ParityTrade], simulated: &[ParityTrade]) -> Parts {
    Parity::new(recorded, simulated, simulated).unwrap().parts
}

fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

#[test]
fn the_same_trades_differ_in_nothing() {
    let trades = [trade(1, 3, true), trade(5, 5, false)];
    let parity = Parity::new(&trades, &trades, &trades).unwrap();
    assert_eq!((parity.parts, parity.pairs.len()), (Parts::default(), 2));
    assert_eq!(parity.difference, Amount::ZERO);
    assert!(parity.only_recorded.is_empty() && parity.only_simulated.is_empty());
}

#[test]
fn each_cause_has_its_part() {
    for long in [true, false] {
        let own = trade(1, 3, long);
        let (sign, simulated) = (own.trade.side.sign(), [own.clone()]);
        let signed = |value: f64| Amount::from_f64(sign * value).unwrap();

        let fee = changed(&own, |t| (t.trade.fees, t.trade.funding) = (0.75, 0.25));
        assert_eq!(parts(&[fee], &simulated), Parts { fee: amount("-0.5"), ..Parts::default() });

        let size = changed(&own, |t| t.trade.quantity = 3.0);
        assert_eq!(parts(&[size], &simulated), Parts { size: signed(4.0), ..Parts::default() });

        // Paid a quarter more at the entry, at the same time.
        let fill = changed(&own, |t| t.trade.entry_price = 100.25);
        assert_eq!(parts(&[fill], &simulated), Parts { fill: signed(-0.5), ..Parts::default() });

        // One candle later, when the market was one higher, and a quarter of slippage on it.
        let late = changed(&own, |t| {
            t.trade.entry_time_ms += MINUTES;
            (t.trade.entry_price, t.entry_reference) = (101.25, Some(101.0));
        });
        let expected = Parts { latency: signed(-2.0), fill: signed(-0.5), ..Parts::default() };
        assert_eq!(parts(&[late], &simulated), expected);

        // An exit one candle later, at a price that nobody knows without slippage.
        let unknown = changed(&own, |t| {
            t.trade.exit_time_ms += MINUTES;
            (t.trade.exit_price, t.exit_reference) = (105.0, None);
        });
        assert_eq!(parts(&[unknown], &simulated), Parts { fill: signed(2.0), ..Parts::default() });
    }
}

#[test]
fn what_only_one_side_made_is_signal_and_other_candles_are_data() {
    let [a, b, c] = [trade(1, 3, true), trade(5, 6, true), trade(9, 9, true)];
    let parity = Parity::new(&[a.clone(), b.clone()], &[b.clone(), c.clone()], &[c]).unwrap();
    // 7.5 each: one of the run's, one of the simulator's.
    assert_eq!(parity.parts, Parts { data: amount("7.5"), ..Parts::default() });
    assert_eq!((parity.only_recorded.len(), parity.only_simulated.len()), (1, 1));
    let lone = parts(&[a.clone(), b.clone()], std::slice::from_ref(&b));
    assert_eq!(lone, Parts { signal: amount("7.5"), ..Parts::default() });
}

#[test]
fn trades_pair_by_configuration_side_and_candle() {
    let own = trade(10, 12, true);
    let pairs = |other: ParityTrade| {
        Parity::new(std::slice::from_ref(&own), &[other], &[]).unwrap().pairs.len()
    };
    assert_eq!(pairs(own.clone()), 1);
    assert_eq!(pairs(trade(9, 12, true)), 1, "one candle late");
    assert_eq!(pairs(trade(8, 12, true)), 0, "two candles late");
    assert_eq!(pairs(trade(11, 12, true)), 0, "early");
    assert_eq!(pairs(trade(10, 12, false)), 0, "the other side");
    assert_eq!(pairs(ParityTrade { configuration: "two".into(), ..own.clone() }), 0);
    // The one of the same candle is taken before one of the candle before.
    let both = [trade(9, 10, true), trade(10, 12, true)];
    let parity = Parity::new(std::slice::from_ref(&own), &both, &both).unwrap();
    assert_eq!(parity.pairs[0].simulated, both[1]);
}

#[test]
fn figures_that_cannot_be_counted_are_refused() {
    for figure in [f64::NAN, f64::INFINITY, 1e19] {
        let mut odd = trade(1, 2, true);
        odd.trade.profit = figure;
        assert!(Parity::new(&[odd], &[], &[]).is_err(), "{figure}");
    }
}

prop_compose! {
    fn any_trade()(
        times in (0_i64..12, 0_i64..4),
        long in any::<bool>(),
        prices in (1.0..1000.0_f64, 1.0..1000.0_f64),
        quantity in 0.001..50.0_f64,
        costs in (0.0..5.0_f64, -5.0..5.0_f64),
        references in (prop::option::of(1.0..1000.0_f64), prop::option::of(1.0..1000.0_f64)),
        configuration in 0_u8..2,
    ) -> ParityTrade {
        let mut trade = trade(times.0, times.0 + times.1, long);
        trade.configuration = configuration.to_string();
        (trade.entry_reference, trade.exit_reference) = references;
        changed(&trade, |t| {
            (t.trade.entry_price, t.trade.exit_price) = prices;
            t.trade.quantity = quantity;
            (t.trade.fees, t.trade.funding) = costs;
        })
    }
}

proptest! {
    /// The parts are the difference, to the last digit, whatever the trades.
    #[test]
    fn parts_add_up(
        recorded in prop::collection::vec(any_trade(), 0..12),
        seen in prop::collection::vec(any_trade(), 0..12),
        stored in prop::collection::vec(any_trade(), 0..12),
    ) {
        let parity = Parity::new(&recorded, &seen, &stored).unwrap();
        let decimal = |amount: Amount| Decimal::from(amount);
        let sum = |parts: &Parts| {
            let Parts { signal, data, size, latency, fill, fee } = *parts;
            [signal, data, size, latency, fill, fee].into_iter().map(decimal).sum::<Decimal>()
        };
        prop_assert_eq!(sum(&parity.parts), decimal(parity.difference));
        prop_assert_eq!(
            decimal(parity.difference),
            decimal(parity.recorded) - decimal(parity.stored)
        );
        let rounded = |trades: &[ParityTrade]| {
            let profits = trades.iter().map(|t| {
                Decimal::from_f64_retain(t.trade.profit).unwrap().round_dp(8)
            });
            profits.sum::<Decimal>()
        };
        let slack = Decimal::new(24, 8);
        let expected = rounded(&recorded) - rounded(&stored);
        prop_assert!((decimal(parity.difference) - expected).abs() <= slack);
        for pair in &parity.pairs {
            let of = |trade: &ParityTrade| Decimal::from_f64_retain(trade.trade.profit).unwrap();
            let differ = of(&pair.recorded) - of(&pair.simulated);
            prop_assert!((sum(&pair.parts) - differ).abs() <= Decimal::new(2, 8));
            // And each is what its formula says.
            let (r, v) = (&pair.recorded.trade, &pair.simulated.trade);
            let all = v.side.sign() * ((r.exit_price - v.exit_price) - (r.entry_price - v.entry_price))
                * r.quantity;
            let prices = pair.parts.latency.to_f64() + pair.parts.fill.to_f64();
            prop_assert!((prices - all).abs() < 1e-6, "{} {}", prices, all);
        }
        let counted = parity.pairs.len() + parity.only_recorded.len();
        prop_assert_eq!(counted, recorded.len());
        prop_assert_eq!(parity.pairs.len() + parity.only_simulated.len(), seen.len());
    }
}
