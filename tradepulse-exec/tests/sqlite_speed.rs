//! How fast trials are stored and read; run with `--release --ignored --nocapture`.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used)]

mod training;

use std::time::Instant;

use tradepulse_core::store::{LedgerScope, Page, TrainingStore};
use tradepulse_exec::store::sqlite::{SqliteStore, maintenance};
use training::{batch, study};

#[tokio::test]
#[ignore = "a measurement"]
async fn figures() {
    for size in [1, 8, 64, 512, 4096] {
        let folder = tempfile::tempdir_in(".").unwrap();
        let store = SqliteStore::open(folder.path()).await.unwrap();
        let study = study("a");
        store.put_study(&study).await.unwrap();
        let count = (100_000 / size).clamp(20, 500);
        let batches: Vec<_> = (1..=count).map(|n| batch(&study, n, size)).collect();
        let start = Instant::now();
        for batch in &batches {
            store.put_batch(batch).await.unwrap();
        }
        let (wrote, rows) = (start.elapsed(), (count * size) as f64);
        let start = Instant::now();
        let read = store.trials(&study.id, Page::ALL).await.unwrap();
        let reading = start.elapsed();
        assert_eq!(read.len() as u64, count * size);
        let start = Instant::now();
        let ledger = store.ledger(&LedgerScope::market(&study.cell)).await.unwrap();
        let counting = start.elapsed();
        assert_eq!(ledger.trials, count * size);
        let status = maintenance::status(folder.path()).await.unwrap();
        println!(
            "batches of {size}: {:.0} rows/s written ({:.2} ms a batch), {:.0} rows/s read, \
             ledger of {rows} in {counting:.1?}, {:.0} bytes a row",
            rows / wrote.as_secs_f64(),
            wrote.as_secs_f64() * 1e3 / count as f64,
            rows / reading.as_secs_f64(),
            status.bytes as f64 / rows,
        );
    }
}
