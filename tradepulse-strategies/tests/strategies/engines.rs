//! An engine fed candle by candle makes the trades of a backtest, for every strategy.

use tradepulse_core::account::Trade;
use tradepulse_core::backtest::{Backtest, Settings};
use tradepulse_core::engine::{Action, AnyEngine, Event, Refusal};
use tradepulse_core::market::{Series, SyntheticMarket};
use tradepulse_core::order::ExitReason;
use tradepulse_core::parameter::Parameters;
use tradepulse_core::random::Seed;
use tradepulse_core::simulation::{Priority, Venue};
use tradepulse_core::time::Timeframe;
use tradepulse_strategies::registry;

/// Drives `engine` over all candles, with the simulated venue behind it.
fn drive(
    engine: &mut dyn AnyEngine,
    series: &Series,
    settings: &Settings,
) -> (Vec<Trade>, Vec<Refusal>) {
    let mut venue = Venue::new(settings.venue_costs, Priority::StopFirst);
    let (mut actions, mut trades, mut refusals) = (Vec::new(), Vec::new(), Vec::new());
    let mut carry_out = |actions: &mut Vec<Action>, venue: &mut Venue<'_>| {
        for action in actions.drain(..) {
            match action {
                Action::Submit(order) => venue.submit(order),
                Action::Cancel(id) => venue.cancel(id),
                Action::Settle(trade) => trades.push(trade),
                Action::Refuse(refusal) => refusals.push(refusal),
            }
        }
    };
    for (at, candle) in series.candles().enumerate() {
        let close_ms = series.close_time(at).as_ms();
        while let Some(fill) = venue.next_fill(&candle, close_ms) {
            engine.step(Event::Fill(&fill), &mut actions);
            carry_out(&mut actions, &mut venue);
        }
        engine.on_candle(candle, None, None, &mut actions);
        carry_out(&mut actions, &mut venue);
        if at + 1 == series.len() {
            engine.step(Event::Liquidate(ExitReason::EndOfData), &mut actions);
            let order = actions.iter().find_map(|action| match action {
                Action::Submit(order) => Some(*order),
                _ => None,
            });
            if let Some(order) = order {
                let fill = venue.fill_at_close(&order, &candle, close_ms);
                engine.step(Event::Fill(&fill), &mut actions);
            }
            carry_out(&mut actions, &mut venue);
        }
    }
    (trades, refusals)
}

#[test]
fn the_trades_of_a_backtest() {
    let market =
        SyntheticMarket { candles: 60_000, ..SyntheticMarket::new(Seed(9), Timeframe::M5) };
    let series = market.generate().unwrap();
    let plain = Settings::default();
    let mut managed = plain.clone();
    managed.rules.trailing_stop = Some(0.01);
    managed.rules.break_even = Some(1.0);
    managed.rules.max_duration_ms = Some(6 * 3_600_000);
    for settings in [plain, managed] {
        let backtest = Backtest::new(&series, settings.clone()).unwrap();
        let mut seen = Vec::new();
        for strategy in registry().iter() {
            let about = strategy.about();
            let mut parameters = Parameters::defaults(about.variables);
            if about.variables.iter().any(|v| v.name == "allow_short") {
                parameters = parameters.with("allow_short", true).unwrap();
            }
            let expected = strategy.backtest(&backtest, &parameters).unwrap();
            let (capital, timeframe) = (settings.capital, series.timeframe());
            let mut engine =
                strategy.engine(&parameters, &settings.rules, capital, timeframe).unwrap();
            assert!(engine.warm_up_candles() >= expected.warm_up);
            let (trades, refusals) = drive(&mut *engine, &series, &settings);
            assert!(!trades.is_empty(), "{} does not trade here", about.name);
            assert_eq!(trades, expected.trades, "{}", about.name);
            assert_eq!(refusals, expected.refusals, "{}", about.name);
            assert_eq!(engine.funnel(), expected.funnel, "{}", about.name);
            assert_eq!(engine.about().name, about.name);
            seen.extend(trades.iter().map(|trade| trade.exit_reason));
        }
        let managed = settings.rules.max_duration_ms.is_some();
        assert_eq!(seen.contains(&ExitReason::MaxDuration), managed);
    }
}
