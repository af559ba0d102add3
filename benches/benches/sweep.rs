//! A sweep: 1,000 parameter sets of the EMA cross on 500,000 candles, each with the whole engine,
//! indicators shared, on all cores.
//!
//! `cargo bench -p tradepulse-benches --bench sweep`

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tradepulse_core::backtest::{Backtest, Settings};
use tradepulse_core::parameter::Parameters;
use tradepulse_core::sizing::Sizing;
use tradepulse_core::strategy::Strategy;
use tradepulse_core::training::Pool;
use tradepulse_exec::threads::Threads;
use tradepulse_strategies::EmaCross;

const CANDLES: usize = 500_000;

fn parameter_sets() -> Vec<Parameters> {
    let mut sets = Vec::new();
    for fast in (5..=50).step_by(5) {
        for slow in (60..=240).step_by(20) {
            for stop in 1..=5 {
                for target in [3.0, 6.0] {
                    let set = Parameters::defaults(EmaCross::about().variables)
                        .with("fast", i64::from(fast))
                        .and_then(|p| p.with("slow", i64::from(slow)))
                        .and_then(|p| p.with("stop_pct", f64::from(stop)))
                        .and_then(|p| p.with("target_pct", target));
                    sets.push(set.unwrap());
                }
            }
        }
    }
    sets
}

fn sweep(criterion: &mut Criterion) {
    let series = tradepulse_benches::market(CANDLES).unwrap();
    let sets = parameter_sets();
    assert_eq!(sets.len(), 1000);
    let mut settings = Settings::default();
    settings.rules.sizing = Sizing::AllIn;
    let mut group = criterion.benchmark_group("sweep");
    group.throughput(Throughput::Elements(sets.len() as u64)).sample_size(10);
    group.bench_function("1,000 sets of ema_cross", |bencher| {
        bencher.iter(|| {
            let backtest = Backtest::new(&series, settings.clone()).unwrap().for_trials();
            let best = Threads::all().map(sets.len(), &|i| {
                backtest.run::<EmaCross>(&sets[i]).unwrap().metrics.net_profit
            });
            black_box(best.into_iter().fold(f64::MIN, f64::max))
        });
    });
    group.finish();
}

criterion_group!(benches, sweep);
criterion_main!(benches);
