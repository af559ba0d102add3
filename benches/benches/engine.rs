//! The whole engine (orders, stops, targets, fees, marked equity, metrics) on the EMA 20/50 cross
//! with a 2 % stop and a 5 % target, all equity in each trade; and the same rule as a loop written
//! by hand, which does less: no orders, no marked equity, no metrics.
//!
//! `cargo bench -p tradepulse-benches --bench engine`

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tradepulse_core::backtest::{Backtest, Settings};
use tradepulse_core::market::Series;
use tradepulse_core::parameter::Parameters;
use tradepulse_core::sizing::Sizing;
use tradepulse_core::strategy::Strategy;
use tradepulse_strategies::EmaCross;

const CANDLES: usize = 500_000;

fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.rules.sizing = Sizing::AllIn;
    settings
}

fn engine(criterion: &mut Criterion) {
    let series = tradepulse_benches::market(CANDLES).unwrap();
    let parameters = Parameters::defaults(EmaCross::about().variables);
    let mut group = criterion.benchmark_group("engine");
    group.throughput(Throughput::Elements(CANDLES as u64)).sample_size(30);
    group.bench_function("ema_cross, indicators computed", |bencher| {
        bencher.iter(|| {
            let backtest = Backtest::new(&series, settings()).unwrap();
            black_box(backtest.run::<EmaCross>(&parameters).unwrap().metrics.net_profit)
        });
    });
    let backtest = Backtest::new(&series, settings()).unwrap();
    group.bench_function("ema_cross, indicators shared", |bencher| {
        bencher
            .iter(|| black_box(backtest.run::<EmaCross>(&parameters).unwrap().metrics.net_profit));
    });
    group.bench_function("by hand", |bencher| {
        bencher.iter(|| black_box(by_hand(&series)));
    });
    group.finish();

    // The loop by hand is the same rule: it makes the same number of trades.
    let trades = backtest.run::<EmaCross>(&parameters).unwrap().trades.len();
    assert_eq!(by_hand(&series).1, trades);
}

/// Final cash and number of trades.
fn by_hand(series: &Series) -> (f64, usize) {
    const FEE: f64 = 0.001;
    const SLIPPAGE: f64 = 0.0005;
    let (open, high, low, close) = (series.open(), series.high(), series.low(), series.close());
    let (fast_k, slow_k) = (2.0 / 21.0, 2.0 / 51.0);
    let mut fast = close[..20].iter().sum::<f64>() / 20.0;
    for c in &close[20..50] {
        fast += (c - fast) * fast_k;
    }
    let mut slow = close[..50].iter().sum::<f64>() / 50.0;
    let mut above = fast > slow;
    let (mut cash, mut trades) = (10_000.0, 0);
    let (mut quantity, mut entry, mut stop, mut target) = (0.0, 0.0, 0.0, 0.0);
    let (mut wanted, mut leave) = (None, false);
    for i in 50..close.len() {
        let mut exit = |price: f64, quantity: &mut f64| {
            cash += (price - entry) * *quantity - price * *quantity * FEE;
            *quantity = 0.0;
            trades += 1;
        };
        if leave {
            exit(open[i] * (1.0 - SLIPPAGE), &mut quantity);
            leave = false;
        } else if let Some((size, at_stop, at_target)) = wanted.take() {
            (quantity, stop, target) = (size, at_stop, at_target);
            entry = open[i] * (1.0 + SLIPPAGE);
            cash -= entry * quantity * FEE;
        }
        if quantity > 0.0 {
            let mut exit = |price: f64, quantity: &mut f64| {
                cash += (price - entry) * *quantity - price * *quantity * FEE;
                *quantity = 0.0;
                trades += 1;
            };
            if open[i] <= stop {
                exit(open[i] * (1.0 - SLIPPAGE), &mut quantity);
            } else if open[i] >= target {
                exit(open[i], &mut quantity);
            } else if low[i] <= stop {
                exit(stop * (1.0 - SLIPPAGE), &mut quantity);
            } else if high[i] >= target {
                exit(target, &mut quantity);
            }
        }
        let c = close[i];
        fast += (c - fast) * fast_k;
        slow += (c - slow) * slow_k;
        let now = fast > slow;
        if now != above {
            if now && quantity == 0.0 {
                let size = cash / (c * (1.0 + SLIPPAGE + FEE));
                wanted = Some((size, c * 0.98, c * 1.05));
            } else if !now {
                leave = quantity > 0.0;
            }
            above = now;
        }
    }
    if quantity > 0.0 {
        trades += 1;
    }
    (cash, trades)
}

criterion_group!(benches, engine);
criterion_main!(benches);
