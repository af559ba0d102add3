//! A strategy of your own, trained on a synthetic market: a search, a walk-forward, every test a
//! result has to survive, and in words what it may do.
//!
//! `cargo run --release -p tradepulse-examples --bin train_own_strategy`

#![allow(clippy::print_stdout)]

mod channel_breakout;

use std::ops::ControlFlow;

use anyhow::Context;
use tradepulse_core::backtest::{Backtest, Settings};
use tradepulse_core::market::SyntheticMarket;
use tradepulse_core::optimise::Method;
use tradepulse_core::random::Seed;
use tradepulse_core::strategy::Registry;
use tradepulse_core::time::Timeframe;
use tradepulse_core::training::{Study, StudyPlan, TrialLedger};
use tradepulse_exec::threads::Threads;

use channel_breakout::ChannelBreakout;

fn main() -> anyhow::Result<()> {
    let market =
        SyntheticMarket { candles: 20_000, ..SyntheticMarket::new(Seed(7), Timeframe::H1) };
    let series = market.generate()?;
    let registry = Registry::new().with::<ChannelBreakout>();
    let strategy = registry.get("channel_breakout")?;
    let plan = StudyPlan { trials: 60, ..StudyPlan::new(Method::Tpe, Seed(42)) };
    let study = Study::new(strategy, Backtest::new(&series, Settings::default())?, plan)?;
    let pool = Threads::all();

    // What looks best on all of the data.
    let (mut optimiser, mut returns) = (study.optimiser(), Vec::new());
    study.search(&mut *optimiser, &pool, |progress| {
        returns.extend(progress.batch.iter().map(|(_, trial)| trial.daily_returns.clone()));
        ControlFlow::Continue(())
    })?;
    let best = optimiser.best().context("no trial was feasible")?;

    // The same search in windows, each tested on the time after it; then every other test.
    let walked = study.walk_forward(&pool, |_, _| ControlFlow::Continue(()))?;
    let ledger = TrialLedger::of_returns(&returns);
    let validation = study.validate(best, &returns, Some(walked), ledger, &pool)?;

    for (variable, value) in validation.parameters.iter() {
        println!("{} = {value} {}", variable.name, variable.unit);
    }
    for sentence in validation.judgement.explain(&validation.evidence) {
        println!("{sentence}");
    }
    Ok(())
}
