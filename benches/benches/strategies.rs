//! Every strategy at its defaults through a whole backtest, its indicators included.
//!
//! `cargo bench -p tradepulse-benches --bench strategies`

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::hint::black_box;
use std::time::Instant;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tradepulse_core::backtest::{Backtest, Settings};
use tradepulse_core::parameter::Parameters;

const CANDLES: usize = 500_000;

fn strategies(criterion: &mut Criterion) {
    let series = tradepulse_benches::market(CANDLES).unwrap();
    let mut group = criterion.benchmark_group("strategies");
    group.throughput(Throughput::Elements(CANDLES as u64)).sample_size(20);
    for strategy in tradepulse_strategies::registry().iter() {
        let parameters = Parameters::defaults(strategy.about().variables);
        // A new backtest each time: indicators are computed, not found.
        let run = || {
            let backtest = Backtest::new(&series, Settings::default()).unwrap();
            black_box(strategy.backtest(&backtest, &parameters).unwrap().trades.len());
        };
        let best = (0..10).map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        });
        let nanoseconds = best.min().unwrap_or_default().as_nanos() as f64 / CANDLES as f64;
        println!("{}: {nanoseconds:.1} ns per candle at best", strategy.about().name);
        group.bench_function(strategy.about().name, |bencher| bencher.iter(run));
    }
    group.finish();
}

criterion_group!(benches, strategies);
criterion_main!(benches);
