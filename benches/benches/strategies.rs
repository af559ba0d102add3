//! Every strategy at its defaults through a whole backtest, its indicators included.
//!
//! `cargo bench -p tradepulse-benches --bench strategies`

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::hint::black_box;
use std::time::Instant;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tradepulse_core::backtest::{Backtest, Settings};
use tradepulse_core::market::{Candle, Columns, Series};
use tradepulse_core::parameter::Parameters;
use tradepulse_core::time::{Timeframe, Timestamp};

const CANDLES: usize = 500_000;

/// A synthetic 5-minute market: a random walk whose volatility wanders, with volume that follows
/// it.
fn market() -> Series {
    let mut state = 7_u64;
    let mut uniform = move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut columns = Columns::with_capacity(CANDLES);
    let (mut price, mut volatility) = (50_000.0_f64, 0.0015_f64);
    for i in 0..CANDLES as i64 {
        let normal = (0..6).map(|_| uniform()).sum::<f64>() * 1.414 - 4.242;
        let shock = if uniform() < 0.01 { 4.0 } else { 1.0 };
        volatility = (volatility * (1.0 + 0.1 * (uniform() - 0.5))).clamp(0.0006, 0.004);
        let (open, size) = (price, shock * volatility);
        let close = (open * (1.0 + size * normal)).clamp(10_000.0, 200_000.0);
        let (above, below) = (uniform() * uniform(), uniform() * uniform());
        columns.push(Candle {
            open_time: Timestamp::from_ms(i * 300_000),
            open,
            high: open.max(close) * (1.0 + size * above),
            low: open.min(close) * (1.0 - size * below),
            close,
            volume: 100.0 * shock * (0.3 + normal.abs()) * (0.5 + uniform()),
        });
        price = close;
    }
    Series::new(Timeframe::M5, columns).unwrap()
}

fn strategies(criterion: &mut Criterion) {
    let series = market();
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
