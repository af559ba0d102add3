//! Training with the strategies of this crate: the search finds what is there, does not depend on
//! how it is run, and a walk-forward sees no more than it should.

#![allow(clippy::unwrap_used)]

use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tradepulse_core::backtest::{Backtest, Settings};
use tradepulse_core::market::{Series, SyntheticMarket};
use tradepulse_core::optimise::Method;
use tradepulse_core::random::Seed;
use tradepulse_core::time::Timeframe;
use tradepulse_core::training::{
    Evaluated, InTurn, Objective, Pool, Progress, SearchEnd, Span, Study, StudyPlan, TrainingError,
    TrialLedger, WindowPlan,
};
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

/// Two threads that take the tasks from the end.
struct Backwards;

impl Pool for Backwards {
    fn map<T: Send>(&self, count: usize, task: &(dyn Fn(usize) -> T + Sync)) -> Vec<T> {
        let (done, left) = (Mutex::new(Vec::new()), AtomicUsize::new(count));
        let work = || {
            while let Ok(i) =
                left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1))
            {
                let result = task(i - 1);
                done.lock().unwrap().push((i - 1, result));
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(work);
            work();
        });
        let mut done = done.into_inner().unwrap();
        done.sort_by_key(|(i, _)| *i);
        done.into_iter().map(|(_, result)| result).collect()
    }
}

/// The trials of a search, stopped and resumed after `pause` of them.
fn searched<P: Pool>(study: &Study<'_>, pool: &P, pause: usize) -> Vec<Evaluated> {
    let mut found = Vec::new();
    let mut observe = |progress: Progress<'_>, until: usize| {
        found.extend(progress.batch.iter().map(|(_, evaluated)| evaluated.clone()));
        if progress.done >= until { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let mut optimiser = study.optimiser();
    study.search(&mut *optimiser, pool, |p| observe(p, pause)).unwrap();
    let mut resumed = Method::resume(study.space().clone(), optimiser.state()).unwrap();
    study.search(&mut *resumed, pool, |p| observe(p, usize::MAX)).unwrap();
    found
}

#[test]
fn pruning_is_the_same_on_threads_and_after_a_resume() {
    let series = market(6_000);
    let registry = registry();
    let strategy = registry.get("ema_cross").unwrap();
    let backtest = Backtest::new(&series, Settings::default()).unwrap();
    let plan = StudyPlan { trials: 64, prune: true, min_trades: 12, ..plan() };
    let study = Study::new(strategy, backtest.clone(), plan).unwrap();
    let found = searched(&study, &InTurn, usize::MAX);
    assert_eq!(found, searched(&study, &Backwards, usize::MAX));
    assert_eq!(found, searched(&study, &InTurn, 24));
    let pruned: Vec<&Evaluated> = found.iter().filter(|e| e.pruned).collect();
    assert!(pruned.len() > 10 && pruned.len() < 60, "{}", pruned.len());
    let why = |e: &&Evaluated| format!("{:?}", e.outcome);
    assert!(pruned.iter().any(|e| why(e).contains("too few")), "{pruned:?}");
    assert!(pruned.iter().any(|e| why(e).contains("below the median")));
    assert!(found[..8].iter().all(|e| !why(&e).contains("median")), "nothing to compare with");
    // Who was not pruned is as without pruning.
    let plain = Study::new(strategy, backtest, StudyPlan { prune: false, ..plan }).unwrap();
    for (with, without) in found.iter().zip(searched(&plain, &InTurn, usize::MAX)) {
        assert!(without.early.is_none() && !without.pruned);
        if !with.pruned {
            assert_eq!(Evaluated { early: None, ..with.clone() }, without);
        }
    }
}

#[test]
fn several_objectives_make_a_front() {
    let series = market(6_000);
    let registry = registry();
    let strategy = registry.get("ema_cross").unwrap();
    let backtest = Backtest::new(&series, Settings::default()).unwrap();
    let further = [Some(Objective::Drawdown), Some(Objective::Trades), None];
    let plan = StudyPlan {
        method: Method::Nsga2,
        objective: Objective::Sharpe,
        further,
        trials: 60,
        ..plan()
    };
    let study = Study::new(strategy, backtest, plan).unwrap();
    let mut optimiser = study.optimiser();
    study.search(&mut *optimiser, &InTurn, |_| ControlFlow::Continue(())).unwrap();
    let values = |t: &tradepulse_core::optimise::Trial| {
        t.outcome.as_ref().unwrap().objectives().map(<[f64]>::to_vec)
    };
    let front: Vec<Vec<f64>> = optimiser.front().into_iter().filter_map(values).collect();
    assert!(front.len() > 1, "{front:?}");
    assert!(front.iter().all(|v| v.len() == 3 && v[1] <= 0.0 && v[2] >= 5.0), "{front:?}");
    let best = optimiser.best().and_then(values).unwrap();
    assert!(front.contains(&best), "the best by the first objective is one of the front");
}

/// From the moment that it is stopped, training begins no run and ends those under way.
#[test]
fn whatever_is_under_way_ends_when_it_is_stopped() {
    let series = market(12_000);
    let registry = registry();
    let strategy = registry.get("volume_breakout").unwrap();
    let plain = Backtest::new(&series, Settings::default()).unwrap();
    let study = Study::new(strategy, plain.clone(), plan()).unwrap();
    let mut optimiser = study.optimiser();
    study.search(&mut *optimiser, &InTurn, |_| ControlFlow::Continue(())).unwrap();
    let best = optimiser.best().unwrap().clone();
    let walked = study.walk_forward(&InTurn, |_, _| ControlFlow::Continue(())).unwrap();

    let asked = AtomicUsize::new(0);
    let patience = AtomicUsize::new(0);
    let stop = || asked.fetch_add(1, Ordering::Relaxed) >= patience.load(Ordering::Relaxed);
    let stopped = Study::new(strategy, plain.stop_when(&stop), plan()).unwrap();
    // Each question is one run, and every run after the first that is refused is refused too.
    let wait = |runs: usize| {
        patience.store(runs, Ordering::Relaxed);
        asked.store(0, Ordering::Relaxed);
    };
    let batch = plan().batch;
    for runs in [0, 3, 9, 20] {
        wait(runs);
        let mut optimiser = stopped.optimiser();
        let end = stopped.search(&mut *optimiser, &InTurn, |_| ControlFlow::Continue(()));
        assert_eq!(end, Ok(SearchEnd::Stopped));
        let told = optimiser.trials().iter().filter(|t| t.outcome.is_some()).count();
        assert_eq!(told, runs / batch * batch, "a batch is told whole or not at all");
        assert!(asked.load(Ordering::Relaxed) <= runs + batch);
    }
    for runs in [0, 30, 77] {
        wait(runs);
        let ended = stopped.walk_forward(&InTurn, |_, _| ControlFlow::Continue(()));
        assert_eq!(ended.unwrap_err(), TrainingError::Stopped);
        assert!(asked.load(Ordering::Relaxed) <= runs + batch);
    }
    let ledger = TrialLedger::default();
    for runs in [0, 10, 40, 60, 500] {
        wait(runs);
        let ended = stopped.validate(&best, &[], Some(walked.clone()), ledger, &InTurn);
        assert_eq!(ended.unwrap_err(), TrainingError::Stopped, "after {runs} runs");
    }
}
