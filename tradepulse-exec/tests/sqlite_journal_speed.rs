//! How long the journal takes, told and not judged:
//!
//! ```sh
//! cargo test --release -p tradepulse-exec --features sqlite --test sqlite_journal_speed -- \
//!     --ignored --nocapture
//! ```
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::{path::PathBuf, time::Instant};

use tradepulse_core::{
    store::{TradingStore, trading::JournalEntry},
    time::Timestamp,
};
use tradepulse_exec::store::sqlite::SqliteStore;

/// A candle as the engine is told of it: a body of about 130 bytes.
fn entry(sequence: u64) -> JournalEntry {
    let price = 42_000.0 + (sequence % 1000) as f64 / 8.0;
    JournalEntry {
        run: "run-1".to_owned(),
        sequence,
        at: Timestamp::from_ms(1_704_067_200_000 + sequence.cast_signed() * 300_000),
        kind: "candle".to_owned(),
        body: format!(
            "{{\"open_time\":{},\"open\":{price},\"high\":{price},\"low\":{price},\"close\":\
             {price},\"volume\":12.345678}}",
            1_704_067_200_000 + sequence * 300_000
        ),
    }
}

#[tokio::test]
#[ignore = "a measurement"]
async fn appends_are_measured() {
    // Beside the build, not in a temporary folder that may be in memory.
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("journal_speed");
    let _ = std::fs::remove_dir_all(&folder);
    let store = SqliteStore::open(&folder).await.unwrap();
    let entries: Vec<_> = (1..=100_000).map(entry).collect();
    for durable in [false, true] {
        let run = format!("run-{durable}");
        let name = |e: &JournalEntry| JournalEntry { run: run.clone(), ..e.clone() };
        let entries: Vec<_> = entries.iter().map(name).collect();
        let start = Instant::now();
        for batch in entries.chunks(1000) {
            store.append_journal(&run, batch, durable).await.unwrap();
        }
        eprintln!("100,000 in batches of 1,000, durable {durable}: {:?}", start.elapsed());
        let start = Instant::now();
        assert_eq!(store.journal(&run, 1, u64::MAX).await.unwrap(), entries);
        eprintln!("reading them: {:?}", start.elapsed());
    }
    for durable in [false, true] {
        let mut times = Vec::new();
        let run = format!("single-{durable}");
        for sequence in 1..=1000 {
            let entry = JournalEntry { run: run.clone(), ..entry(sequence) };
            let start = Instant::now();
            store.append_journal(&run, &[entry], durable).await.unwrap();
            times.push(start.elapsed());
        }
        times.sort_unstable();
        let (median, late) = (times[500], times[990]);
        eprintln!("one at a time, durable {durable}: median {median:?}, 99 % within {late:?}");
    }
    store.close().await;
    std::fs::remove_dir_all(&folder).unwrap();
}
