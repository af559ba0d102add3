use proptest::prelude::*;

use super::floor::CAPITAL;
use super::{Dice, Floor};
use crate::backtest::{Backtest, Settings};
use crate::desk::DeskEvent;
use crate::engine::Rules;
use crate::exchange::Protection;
use crate::market::{Series, SyntheticMarket};
use crate::parameter::Parameters;
use crate::random::Seed;
use crate::strategy::Strategy;
use crate::time::Timeframe;

pub(super) fn market(seed: u64, candles: usize) -> Series {
    let market = SyntheticMarket { candles, ..SyntheticMarket::new(Seed(seed), Timeframe::M5) };
    market.generate().unwrap()
}

pub(super) fn parameters(seed: i64, target: bool) -> Parameters {
    let mut parameters = Parameters::defaults(Dice::about().variables);
    parameters = parameters.with("seed", seed).unwrap();
    parameters.with("target", target).unwrap()
}

fn lockstep(series: &Series, parameters: &Parameters, rules: &Rules) -> Floor {
    let capabilities = Floor::capabilities(Protection::NativeOco);
    let venue = Floor::venue(capabilities.clone(), rules);
    let mut floor = Floor::new(capabilities, parameters, rules);
    for candle in series.candles() {
        venue.begin(&"BTC/USDT".parse().unwrap(), &candle, series.timeframe()).unwrap();
        floor.candle(&venue, candle);
    }
    floor.end(&venue);
    floor
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever a strategy wants, desk and simulated exchange trade as the backtest does, bit by
    /// bit.
    #[test]
    fn the_desk_trades_as_the_backtest(
        seed in 0_i64..1_000_000,
        market_seed in 0_u64..1_000_000,
        target in any::<bool>(),
        min_edge in prop_oneof![Just(0.0), Just(1.0)],
        trailing_stop in prop::option::of(0.002..0.02_f64),
        break_even in prop::option::of(0.5..2.0_f64),
    ) {
        let series = market(market_seed, 400);
        let parameters = parameters(seed, target);
        let rules = Rules { min_edge, trailing_stop, break_even, ..Rules::default() };
        let settings = Settings { capital: CAPITAL, rules: rules.clone(), ..Settings::default() };
        let outcome = Backtest::new(&series, settings).unwrap().run::<Dice>(&parameters).unwrap();
        let floor = lockstep(&series, &parameters, &rules);
        prop_assert!(floor.problems().is_empty(), "{:?}", floor.problems());
        prop_assert_eq!(&floor.trades, &outcome.trades);
        prop_assert_eq!(floor.desk.equity(), CAPITAL + outcome.metrics.net_profit);
    }
}

#[test]
fn the_same_journal_gives_the_same_commands() {
    let (series, parameters) = (market(7, 300), parameters(7, true));
    let rules = Rules { min_edge: 0.0, ..Rules::default() };
    let floor = lockstep(&series, &parameters, &rules);
    assert!(floor.trades.len() > 20);
    let journal = serde_json::to_string(&floor.journal).unwrap();
    let journal: Vec<DeskEvent> = serde_json::from_str(&journal).unwrap();
    assert_eq!(journal, floor.journal);
    let capabilities = Floor::capabilities(Protection::NativeOco);
    let mut first = Floor::new(capabilities.clone(), &parameters, &rules).desk;
    let mut second = Floor::new(capabilities, &parameters, &rules).desk;
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for (told, read) in floor.journal.iter().zip(&journal) {
        first.step(told, &mut a);
        second.step(read, &mut b);
        assert_eq!(a, b);
        a.clear();
        b.clear();
    }
}
