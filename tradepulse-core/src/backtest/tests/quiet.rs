//! Candles on which nothing happens are gone through faster, and to the same effect.

use proptest::prelude::{Just, any, prop, prop_assert_eq, prop_oneof, proptest};
use proptest::strategy::Strategy as Generator;

use super::*;
use crate::market::FundingSeries;
use crate::risk::RiskRules;

/// A market that moves by up to `reach` at each close, with wicks.
fn bars(reach: f64) -> impl Generator<Value = Vec<Bar>> {
    prop::collection::vec((-1.0..1.0, 0.0..1.0, 0.0..1.0), 2..200).prop_map(move |moves| {
        let mut price = 100.0;
        let bars = moves.into_iter().map(|(step, up, down)| {
            let open = price;
            price = f64::max(price + reach * step, 1.0);
            let (high, low) = (f64::max(open, price) + up, f64::min(open, price) - down);
            (open, high, f64::max(low, 0.5), price)
        });
        bars.collect()
    })
}

/// Wishes, most of them for nothing.
fn script() -> impl Generator<Value = Vec<Option<Intent>>> {
    let wish = (0..24_u8, 0.0..12.0, prop::option::of(0.0..12.0), prop::option::of(1..9_u32));
    let wish = wish.prop_map(|(kind, stop, target, max_holding)| {
        let (side, sign) = if kind % 2 == 0 { (Side::Long, 1.0) } else { (Side::Short, -1.0) };
        let entry = Entry {
            side,
            stop: 100.0 - sign * stop,
            target: target.map(|target| 100.0 + sign * target),
            max_holding,
        };
        match kind {
            0..4 => Some(Intent::Enter(entry)),
            4 => Some(Intent::Exit),
            _ => None,
        }
    });
    prop::collection::vec(wish, 200)
}

proptest! {
    /// A gate that refuses nothing has every candle looked at one by one.
    #[test]
    fn quiet_candles_change_nothing(
        bars in prop_oneof![bars(0.5), bars(3.0), bars(15.0)],
        script in script(),
        marks in prop::option::of(prop::collection::vec(any::<bool>(), 200)),
        payments in prop::collection::btree_map(0..200_i64, -0.01..0.01, 0..9),
        leverage in prop_oneof![Just(1.0), Just(30.0)],
        max_duration in prop::option::of(1..20_i64),
        first in 0..200_usize,
    ) {
        let series = series(&bars);
        let mut settings = settings();
        settings.rules.max_leverage = leverage;
        settings.rules.sizing = Sizing::FixedAmount { amount: 1000.0 * leverage };
        settings.rules.max_duration_ms = max_duration.map(|hours| hours * 3_600_000);
        let (hours, rates): (Vec<i64>, Vec<f64>) = payments.into_iter().unzip();
        let times = hours.into_iter().map(|hour| hour * 3_600_000).collect();
        let funding = FundingSeries::new(times, rates).unwrap();
        let run = |risk| {
            let settings = Settings { risk, ..settings.clone() };
            let mut backtest = Backtest::new(&series, settings).unwrap().keep_equity();
            backtest = backtest.over(first % series.len()..series.len()).unwrap();
            backtest = backtest.with_funding(&funding);
            if let Some(marks) = &marks {
                let marks: Arc<[bool]> = marks[..series.len()].into();
                backtest = backtest.with_entries(marks).unwrap();
            }
            let Settings { capital, rules, venue_costs, priority, .. } =
                backtest.settings().clone();
            let engine = Engine::new(Script(script.clone()), rules, capital);
            backtest.drive(engine, Venue::new(venue_costs, priority), &[], 0).unwrap()
        };
        let (quick, slow) = (run(None), run(Some(RiskRules::none())));
        prop_assert_eq!(&quick.trades, &slow.trades);
        prop_assert_eq!(&quick.refusals, &slow.refusals);
        prop_assert_eq!(&quick.equity, &slow.equity);
        prop_assert_eq!(format!("{:?}", quick.curve), format!("{:?}", slow.curve));
    }
}
