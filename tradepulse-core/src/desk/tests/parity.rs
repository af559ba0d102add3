use proptest::prelude::*;

use super::floor::CAPITAL;
use super::{Dice, Floor};
use crate::backtest::{Backtest, Settings};
use crate::desk::DeskEvent;
use crate::engine::Rules;
use crate::ensemble::{Advice, DecisionMode};
use crate::exchange::Protection;
use crate::inference::Action;
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
    advised(series, parameters, rules, &[])
}

/// The same, with advice at the first candles.
fn advised(
    series: &Series,
    parameters: &Parameters,
    rules: &Rules,
    advice: &[Option<Advice>],
) -> Floor {
    let capabilities = Floor::capabilities(Protection::NativeOco);
    let venue = Floor::venue(capabilities.clone(), rules);
    let mut floor = Floor::new(capabilities, parameters, rules);
    for (at, candle) in series.candles().enumerate() {
        floor.advice = advice.get(at).copied().flatten();
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// What models advise confirms, vetoes and sizes in a desk as in a backtest, bit by bit.
    #[test]
    fn the_desk_takes_advice_as_the_backtest_does(
        seed in 0_i64..1_000_000,
        market_seed in 0_u64..1_000_000,
        allow_abstain in any::<bool>(),
        by_confidence in any::<bool>(),
        said in prop::collection::vec((0_usize..4, 0.3..1.0_f64), 400),
    ) {
        let series = market(market_seed, 400);
        let parameters = parameters(seed, true);
        let decision = DecisionMode::Confirm { allow_abstain, by_confidence };
        let rules = Rules { min_edge: 0.0, decision, ..Rules::default() };
        let settings = Settings { capital: CAPITAL, rules: rules.clone(), ..Settings::default() };
        let advice: Vec<_> = said.iter().map(|(action, confidence)| {
            let action = *Action::ALL.get(*action)?;
            Some(Advice { action, confidence: *confidence, stop: None, take_profit: None })
        }).collect();
        let backtest = Backtest::new(&series, settings).unwrap();
        let backtest = backtest.with_advice(advice.clone().into()).unwrap();
        let outcome = backtest.run::<Dice>(&parameters).unwrap();
        let floor = advised(&series, &parameters, &rules, &advice);
        prop_assert!(floor.problems().is_empty(), "{:?}", floor.problems());
        prop_assert_eq!(&floor.trades, &outcome.trades);
        for trade in &outcome.trades {
            let entered = series.time().iter().position(|time| *time == trade.entry_time_ms);
            let at = advice[entered.unwrap() - 1].unwrap();
            let agrees = at.action.side() == Some(trade.side);
            prop_assert!(agrees || (allow_abstain && at.action == Action::Hold), "{trade:?} {at:?}");
        }
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
