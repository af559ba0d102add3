//! Models: a row and a batch of a LightGBM model of 200 trees with 31 leaves, the features of a
//! candle, the growing of such a model, and a network by ONNX Runtime where `ORT_DYLIB_PATH` names
//! it.
//!
//! `cargo bench -p tradepulse-benches --bench inference`; `inference/python.py` asks Python's
//! libraries the same.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tradepulse_core::inference::{Basic10, FeatureSet, Labelling, Predictor, Rows, batch, latest};
use tradepulse_core::market::Candle;
use tradepulse_exec::inference::boosting::{BoostingSettings, Objective, Table, boost};
use tradepulse_exec::inference::lightgbm::LightGbm;
use tradepulse_exec::inference::onnx::Onnx;

const CANDLES: usize = 20_000;

struct Learnt {
    candles: Vec<Candle>,
    names: Vec<String>,
    rows: Vec<f64>,
    columns: Vec<Vec<f64>>,
    labels: Vec<f64>,
}

/// Features of candles, and whether the price is higher twelve candles later.
fn learnt() -> Learnt {
    let series = tradepulse_benches::market(CANDLES).unwrap();
    let candles: Vec<Candle> = series.candles().collect();
    let (rows, width) = (batch(&Basic10, &candles).unwrap(), Basic10.names().len());
    let labelling = Labelling { horizon: 12, long_above: 0.0, short_below: 0.0 };
    let labels = labelling.labels(series.close());
    let labels: Vec<f64> = labels[Basic10.window() - 1..]
        .iter()
        .map_while(|label| label.map(|action| f64::from(u8::from(action.sign() > 0.0))))
        .collect();
    let column = |i: usize| rows.iter().skip(i).step_by(width).take(labels.len()).copied();
    let columns = (0..width).map(|i| column(i).collect()).collect();
    let names = Basic10.names().iter().map(|&name| name.to_owned()).collect();
    Learnt { candles, names, rows, columns, labels }
}

fn bench(c: &mut Criterion) {
    let learnt = learnt();
    let table = Table { names: &learnt.names, columns: &learnt.columns, labels: &learnt.labels };
    let settings = BoostingSettings { rounds: 200, ..BoostingSettings::new(Objective::Binary) };
    let boosted = boost(&settings, &table, None).unwrap();
    // For Python.
    if let Ok(path) = std::env::var("TREES") {
        std::fs::write(path, &boosted.text).unwrap();
    }
    let model = LightGbm::parse(&boosted.text).unwrap();
    assert_eq!(model.trees(), 200);

    let mut group = c.benchmark_group("inference");
    let mut output = [0.0];
    let mut rows = learnt.rows.chunks_exact(learnt.names.len()).cycle();
    group.bench_function("200 trees, a row", |b| {
        b.iter(|| model.predict_row(black_box(rows.next().unwrap()), &mut output));
    });
    let width = learnt.names.len();
    let some = Rows::new(&learnt.rows[..256 * width], width).unwrap();
    group.bench_function("200 trees, 256 rows", |b| {
        b.iter(|| model.predict_rows(black_box(some)).unwrap());
    });
    let last = &learnt.candles[CANDLES - 100..];
    group.bench_function("basic10, a candle", |b| {
        b.iter(|| latest(&Basic10, black_box(last)).unwrap());
    });
    if std::env::var_os("ORT_DYLIB_PATH").is_some() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let file = root.join("tradepulse-exec/tests/onnx/models/network.onnx");
        let network = Onnx::load(&file).unwrap();
        let row = Rows::new(&learnt.rows[..width], width).unwrap();
        for (name, rows) in [("a network, a row", row), ("a network, 256 rows", some)] {
            group.bench_function(name, |b| {
                b.iter(|| pollster::block_on(network.predict(black_box(rows))).unwrap());
            });
        }
    }
    group.sample_size(10).throughput(Throughput::Elements(learnt.labels.len() as u64));
    group.bench_function("growing 200 trees", |b| {
        b.iter(|| boost(&settings, black_box(&table), None).unwrap());
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
