//! A process that is killed while it appends to its journal and puts fills.
#![cfg(all(feature = "sqlite", unix))]
#![allow(clippy::unwrap_used)]

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use tradepulse_core::{
    order::{ClientOrderId, Liquidity, RunTag, Side},
    store::{
        Page, TradingStore, TradingStoreExt,
        trading::{FillRecord, First, JournalEntry, RecordFilter},
    },
    time::Timestamp,
};
use tradepulse_exec::store::sqlite::{SqliteStore, maintenance};

const FOLDER: &str = "TRADEPULSE_TEST_FOLDER";
const RUN: &str = "run-1";

fn entry(sequence: u64) -> JournalEntry {
    JournalEntry {
        run: RUN.to_owned(),
        sequence,
        at: Timestamp::from_ms(sequence.cast_signed()),
        kind: "candle".to_owned(),
        body: format!("{{\"close\":\"{sequence}.5\"}}"),
    }
}

fn fill(sequence: u64) -> FillRecord {
    FillRecord {
        order_id: ClientOrderId::new(RunTag::new(1), u32::try_from(sequence).unwrap()),
        execution_id: sequence.to_string(),
        run: RUN.to_owned(),
        wallet: "main".to_owned(),
        symbol: "BTC/USDT".parse().unwrap(),
        side: Side::Long,
        price: "42000.5".parse().unwrap(),
        quantity: "0.001".parse().unwrap(),
        fee: "0.042".parse().unwrap(),
        fee_currency: "USDT".to_owned(),
        liquidity: Liquidity::Taker,
        at: Timestamp::from_ms(sequence.cast_signed()),
        reference: None,
        ambiguous: None,
        moment: None,
    }
}

/// Not a test by itself: what the killed process runs.
#[tokio::test]
async fn appends_until_it_is_killed() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let store = SqliteStore::open(folder).await.unwrap();
    let mut sequence = store.journal_end(RUN).await.unwrap();
    // Killed between an entry and its fill: putting it again does no harm if it was there.
    if sequence > 0 && sequence.is_multiple_of(4) {
        store.put(&[fill(sequence).into()]).await.unwrap();
    }
    loop {
        sequence += 1;
        // Every third waits for a later one to be on the disk: the kernel has it all the same.
        let durable = !sequence.is_multiple_of(3);
        store.append_journal(RUN, &[entry(sequence)], durable).await.unwrap();
        if sequence.is_multiple_of(4) {
            store.put(&[fill(sequence).into()]).await.unwrap();
        }
        // Says so only now, outside of what the test harness keeps for itself.
        writeln!(std::io::stderr(), "appended {sequence}").unwrap();
    }
}

/// Runs it, kills it `after` its first words, and returns the last entry that it said was there.
fn run_and_kill(folder: &Path, after: Duration) -> u64 {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "appends_until_it_is_killed"])
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut words = BufReader::new(child.stderr.take().unwrap()).lines();
    let number = |line: &str| line.strip_prefix("appended ").and_then(|n| n.parse().ok());
    let mut last: u64 = words.by_ref().find_map(|l| number(&l.unwrap())).unwrap();
    std::thread::sleep(after);
    // SIGKILL.
    child.kill().unwrap();
    child.wait().unwrap();
    for line in words {
        last = number(&line.unwrap()).unwrap_or(last);
    }
    last
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let mut before = 0;
    for round in 0..12_u64 {
        let said = run_and_kill(folder.path(), Duration::from_micros(round * round * 700));
        assert!(said > before, "it goes on where it was");
        maintenance::check(folder.path()).await.unwrap();
        let store = SqliteStore::open(folder.path()).await.unwrap();
        let end = store.journal_end(RUN).await.unwrap();
        // The last entry may have been appended without the time to say so.
        assert!((said..=said + 1).contains(&end), "said {said}, stored {end}");
        let journal = store.journal(RUN, 1, u64::MAX).await.unwrap();
        assert!(journal.into_iter().eq((1..=end).map(entry)));
        let filter = RecordFilter { first: First::Oldest, ..RecordFilter::default() };
        let fills = store.records::<FillRecord>(&filter, Page::ALL).await.unwrap();
        let expected: Vec<_> = (1..=said).filter(|s| s.is_multiple_of(4)).map(fill).collect();
        let found: Vec<_> = fills.iter().map(|f| f.at.as_ms()).collect();
        assert!(fills.starts_with(&expected), "said {said}, fills {found:?}");
        assert!(fills.len() <= expected.len() + 1, "said {said}, fills {found:?}");
        before = end;
        store.close().await;
    }
}
