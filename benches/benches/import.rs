//! One million candles: from CSV and Parquet to the store, out of the store, to longer candles.
//!
//! `TRADEPULSE_BENCH_DIR` names the folder for the files; without it they are temporary.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{hint::black_box, path::Path, time::Duration};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tradepulse_core::{
    market::{Candle, Columns, Market, Series, aggregate},
    time::{Timeframe, Timestamp},
};
use tradepulse_exec::{
    export::export,
    import::{Options, import},
    store::columnar::CandleStore,
};

const ROWS: usize = 1_000_000;

/// A seeded walk that looks like BTC/USDT: prices with two decimals, volume with five.
fn candles() -> Series {
    let mut state: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut uniform = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let cents = |v: f64| (v * 100.0).round() / 100.0;
    let mut columns = Columns::with_capacity(ROWS);
    let mut open = 42_283.58;
    for i in 0..ROWS as i64 {
        let change = 0.0008 * (uniform() + uniform() + uniform() + uniform() - 2.0);
        let close = cents(open * (1.0 + change));
        let high = cents(open.max(close) * (1.0 + 0.0005 * uniform())).max(open).max(close);
        let low = cents(open.min(close) * (1.0 - 0.0005 * uniform())).min(open).min(close);
        let volume = (uniform() * uniform() * 3e7).round() / 1e5;
        let open_time = Timestamp::from_ms(1_577_836_800_000 + i * 300_000);
        columns.push(Candle { open_time, open, high, low, close, volume });
        open = close;
    }
    Series::new(Timeframe::M5, columns).unwrap()
}

fn market() -> Market {
    Market {
        exchange: "binance".parse().unwrap(),
        symbol: "BTC/USDT".parse().unwrap(),
        timeframe: Timeframe::M5,
    }
}

fn to_store(file: &Path, folder: &Path) {
    let read = import(&[file], Timeframe::M5, &Options::default()).unwrap();
    let store = CandleStore::open(folder);
    store.import(&market(), &read.series, &read.sources).unwrap();
}

fn benches(c: &mut Criterion) {
    let folder = match std::env::var_os("TRADEPULSE_BENCH_DIR") {
        Some(folder) => tempfile::tempdir_in(folder).unwrap(),
        None => tempfile::tempdir().unwrap(),
    };
    let path = |name: &str| folder.path().join(name);
    let series = candles();
    for name in ["candles.csv", "candles.csv.gz", "candles.parquet"] {
        export(&series, &path(name)).unwrap();
    }

    let mut group = c.benchmark_group("candles_1m");
    group.throughput(Throughput::Elements(ROWS as u64));
    group.sample_size(10).warm_up_time(Duration::from_secs(1));
    for name in ["csv", "csv.gz", "parquet"] {
        let file = path(&format!("candles.{name}"));
        group.bench_function(format!("read_{name}"), |b| {
            b.iter(|| import(&[&file], Timeframe::M5, &Options::default()).unwrap());
        });
        group.bench_function(format!("{name}_to_store"), |b| {
            b.iter_batched(
                || tempfile::tempdir_in(folder.path()).unwrap(),
                |target| {
                    to_store(&file, target.path());
                    target
                },
                BatchSize::PerIteration,
            );
        });
    }

    let store = CandleStore::open(folder.path());
    store.import(&market(), &series, &[]).unwrap();
    group.bench_function("store_load", |b| {
        b.iter(|| store.load(&market(), None, None).unwrap());
    });
    group.bench_function("store_load_one_month", |b| {
        let from = "2024-03-01".parse().unwrap();
        let to = "2024-04-01".parse().unwrap();
        b.iter(|| store.load(&market(), Some(from), Some(to)).unwrap());
    });
    group.bench_function("store_check", |b| b.iter(|| store.check(&market()).unwrap()));
    group.bench_function("series_checks", |b| {
        b.iter_batched(
            || series.columns().clone(),
            |columns| Series::new(Timeframe::M5, columns).unwrap(),
            BatchSize::PerIteration,
        );
    });
    group.bench_function("sha256", |b| b.iter(|| black_box(series.sha256())));
    for target in [Timeframe::M15, Timeframe::H1] {
        group.bench_function(format!("aggregate_5m_to_{target}"), |b| {
            b.iter(|| aggregate(&series, target).unwrap());
        });
    }
    group.bench_function("export_csv", |b| {
        b.iter(|| export(&series, &path("again.csv")).unwrap());
    });
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
