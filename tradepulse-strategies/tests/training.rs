//! Training with the strategies of this crate: the search finds what is there, does not depend on
//! how it is run, and a walk-forward sees no more than it should.

#![allow(clippy::unwrap_used)]

use std::ops::ControlFlow;

use tradepulse_core::backtest::{Backtest, Settings};
use tradepulse_core::market::{Series, SyntheticMarket};
use tradepulse_core::optimise::Method;
use tradepulse_core::random::Seed;
use tradepulse_core::time::Timeframe;
use tradepulse_core::training::{InTurn, Span, Study, StudyPlan, TrainingError, WindowPlan};
use tradepulse_strategies::registry;

fn market(candles: usize) -> Series {
    SyntheticMarket { candles, ..SyntheticMarket::new(Seed(3), Timeframe::M15) }.generate().unwrap()
}

fn plan() -> StudyPlan {
    let windows = WindowPlan {
        train: Span::Days(30.0),
        gap: Span::Days(2.0),
        test: Span::Days(15.0),
        ..WindowPlan::default()
    };
    StudyPlan { trials: 24, min_trades: 5, windows, ..StudyPlan::new(Method::Random, Seed(1)) }
}

#[test]
fn a_resumed_search_ends_where_an_uninterrupted_one_does() {
    let series = market(12_000);
    let registry = registry();
    let strategy = registry.get("volume_breakout").unwrap();
    let backtest = Backtest::new(&series, Settings::default()).unwrap();
    let study = Study::new(strategy, backtest, plan()).unwrap();
    let mut whole = study.optimiser();
    study.search(&mut *whole, &InTurn, |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(whole.trials().len(), 24);

    let mut first = study.optimiser();
    let stop = |p: tradepulse_core::training::Progress<'_>| match p.done {
        16.. => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    study.search(&mut *first, &InTurn, stop).unwrap();
    assert_eq!(first.trials().len(), 16);
    let saved = serde_json::to_string(&first.state()).unwrap();
    let state = serde_json::from_str(&saved).unwrap();
    let mut resumed = Method::resume(study.space().clone(), state).unwrap();
    study.search(&mut *resumed, &InTurn, |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(resumed.trials(), whole.trials());
}

#[test]
fn a_resumed_walk_forward_ends_where_an_uninterrupted_one_does() {
    let series = market(12_000);
    let registry = registry();
    let strategy = registry.get("htf_sweep").unwrap();
    let backtest = Backtest::new(&series, Settings::default()).unwrap();
    let study = Study::new(strategy, backtest.clone(), plan()).unwrap();
    let mut states = Vec::new();
    let whole = study.walk_forward(&InTurn, |window, progress| {
        states.push((window, progress.done, progress.optimiser.state()));
        ControlFlow::Continue(())
    });
    let whole = whole.unwrap();
    // Broken off after any batch; with no memory for columns, which changes nothing.
    let scarce = Study::new(strategy, backtest.with_column_memory(0), plan()).unwrap();
    for last in (0..states.len()).step_by(4) {
        let done = states[..=last].iter();
        let saved = done.map(|(window, _, state)| (*window, state.clone())).collect();
        let mut trials = 0;
        let resumed = scarce.resume_walk_forward(saved, &InTurn, |_, progress| {
            trials += progress.batch.len();
            ControlFlow::Continue(())
        });
        assert_eq!(resumed.unwrap(), whole);
        assert_eq!(trials, (states.len() - last - 1) * 8, "what was saved is not made again");
    }
}

#[test]
fn a_walk_forward_does_not_know_what_comes_after_it() {
    let series = market(12_000);
    let registry = registry();
    let strategy = registry.get("htf_sweep").unwrap();
    let run = |series: &Series| {
        let backtest = Backtest::new(series, Settings::default()).unwrap();
        let study = Study::new(strategy, backtest, plan()).unwrap();
        study.walk_forward(&InTurn, |_, _| ControlFlow::Continue(())).unwrap()
    };
    let whole = run(&series);
    assert!(whole.windows.len() >= 3, "{}", whole.windows.len());
    // One window less of data gives the same windows but the last.
    let last = whole.windows.last().unwrap().window.test.clone();
    let shorter = run(&series.slice(0..last.start + 10));
    assert_eq!(shorter.windows, whole.windows[..whole.windows.len() - 1]);
    let n = shorter.trades.len();
    assert_eq!(shorter.trades, whole.trades[..n]);
    let marks: usize = whole.windows.iter().map(|w| w.window.test.len()).sum();
    assert_eq!(whole.equity.len(), marks);
    let profit: f64 = whole.trades.iter().map(|t| t.profit).sum();
    assert!((whole.metrics.net_profit - profit).abs() < 1e-6);
}

#[test]
fn what_cannot_be_is_said_with_its_reason() {
    let series = market(3_000);
    let registry = registry();
    let strategy = registry.get("liquidity_sweep").unwrap();
    let backtest = Backtest::new(&series, Settings::default()).unwrap();
    let plan = StudyPlan { min_trades: 1_000_000, ..plan() };
    let study = Study::new(strategy, backtest, plan).unwrap();
    let mut optimiser = study.optimiser();
    let error = study.search(&mut *optimiser, &InTurn, |_| ControlFlow::Continue(())).unwrap_err();
    assert!(error.to_string().contains("fewer than 1000000"), "{error}");
    let error = study.walk_forward(&InTurn, |_, _| ControlFlow::Continue(())).unwrap_err();
    assert!(matches!(error, TrainingError::Window(_)), "{error}");
}
