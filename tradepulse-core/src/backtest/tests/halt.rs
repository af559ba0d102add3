//! Runs that are ended on the way.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// 200,000 candles of nothing.
fn long() -> Series {
    series(&vec![CALM; 200_000])
}

#[test]
fn a_stop_is_asked_for_at_a_steady_pace() {
    let series = long();
    let asked = AtomicUsize::new(0);
    let parameters = Parameters::defaults(&[]);
    for patience in 0..=3 {
        asked.store(0, Ordering::Relaxed);
        let stop = || asked.fetch_add(1, Ordering::Relaxed) >= patience;
        let backtest = Backtest::new(&series, settings()).unwrap().stop_when(&stop);
        let stopped = backtest.run::<Script>(&parameters).unwrap_err();
        assert_eq!(stopped, BacktestError::Stopped { candles: patience * 65_536 });
        assert_eq!(asked.load(Ordering::Relaxed), patience + 1);
    }
    let never = || false;
    let backtest = Backtest::new(&series, settings()).unwrap().stop_when(&never);
    assert!(!backtest.is_stopped() && backtest.run::<Script>(&parameters).is_ok());
}

/// What a checkpoint sees is what a run that ends there finds, and looking changes nothing.
#[test]
fn a_checkpoint_sees_the_run_so_far() {
    let bars = [CALM, CALM, (100.0, 130.0, 100.0, 125.0), CALM, CALM, CALM, CALM, CALM];
    let series = series(&bars);
    let entry = enter(Side::Long, 90.0, 120.0);
    let script = vec![None, entry, None, None, entry, None, None, None];
    let seen = Mutex::new(None);
    let run = |backtest: &Backtest<'_>, rows: Range<usize>| {
        let engine = Engine::new(Script(script.clone()), settings().rules, 1000.0);
        let venue = Venue::new(Costs::FREE, Priority::StopFirst);
        backtest.over(rows).unwrap().drive(engine, venue, &[], 0)
    };
    let plain = Backtest::new(&series, settings()).unwrap();
    let (whole, part) = (run(&plain, 0..8).unwrap(), run(&plain, 0..4).unwrap());
    for give_up in [false, true] {
        let look = |metrics: &Metrics| {
            *seen.lock().unwrap() = Some(*metrics);
            give_up
        };
        let found = run(&plain.clone().checkpoint(4, &look), 0..8);
        let metrics = seen.lock().unwrap().take().unwrap();
        let equity = part.curve.equity();
        assert_eq!((metrics.trades, metrics.net_profit), (1, equity - 1000.0));
        assert!(metrics.net_profit > 0.0);
        match found {
            Ok(run) => assert!(!give_up && run.trades == whole.trades),
            Err(error) => {
                assert!(give_up);
                assert_eq!(error, BacktestError::Stopped { candles: 4 });
            }
        }
        // Not on the way.
        assert!(run(&plain.clone().checkpoint(4, &look), 4..8).is_ok());
        assert_eq!(*seen.lock().unwrap(), None);
    }
}
