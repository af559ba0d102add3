//! The journal by itself, in SQLite.

use criterion::{Criterion, Throughput};
use tradepulse_core::store::TradingStore;
use tradepulse_core::store::trading::JournalEntry;
use tradepulse_core::time::Timestamp;
use tradepulse_exec::store::sqlite::SqliteStore;

/// A candle as the desk is told of it.
fn entry(run: &str, sequence: u64) -> JournalEntry {
    JournalEntry {
        run: run.to_owned(),
        sequence,
        at: Timestamp::from_ms(1_704_067_200_000 + sequence.cast_signed() * 300_000),
        kind: "candle".to_owned(),
        body: format!(
            "{{\"open_time\":{},\"open\":42000.5,\"high\":42001,\"low\":41999,\"close\":42000,\
             \"volume\":12.345678}}",
            1_704_067_200_000 + sequence * 300_000
        ),
    }
}

pub(crate) fn bench(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    // Beside the build, not in a temporary folder that may be in memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let store = runtime.block_on(SqliteStore::open(folder.path())).unwrap();
    let mut group = criterion.benchmark_group("journal");
    group.sample_size(20);
    for (durable, sync) in [(false, "without fsync"), (true, "with fsync")] {
        for count in [1_u64, 512] {
            let run = format!("{sync} {count}");
            let mut last = 0;
            group.throughput(Throughput::Elements(count));
            group.bench_function(format!("{count} entries, {sync}"), |bencher| {
                bencher.iter(|| {
                    let entries: Vec<_> = (1..=count).map(|i| entry(&run, last + i)).collect();
                    runtime.block_on(store.append_journal(&run, &entries, durable)).unwrap();
                    last += count;
                });
            });
        }
    }
    group.finish();
    runtime.block_on(store.close());
}
