//! A process that is killed while it stores batches.
#![cfg(all(feature = "sqlite", unix))]
#![allow(clippy::unwrap_used)]

mod training;

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tradepulse_core::store::{LedgerScope, Page, TrainingStore};
use tradepulse_exec::store::sqlite::{SqliteStore, maintenance};
use training::{batch, study, trial};

const FOLDER: &str = "TRADEPULSE_TEST_FOLDER";
const MAKE_IN: &str = "TRADEPULSE_TEST_MAKE_IN";
const SIZE: u64 = 16;

/// Not a test by itself: what the killed process runs.
#[tokio::test]
async fn stores_batches_until_it_is_killed() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let store = SqliteStore::open(folder).await.unwrap();
    store.put_study(&study("a")).await.unwrap();
    let mut number = store.search_state(&study("a").id).await.unwrap().map_or(0, |s| s.batch);
    loop {
        number += 1;
        store.put_batch(&batch(&study("a"), number, SIZE)).await.unwrap();
        // Says so only now, outside of what the test harness keeps for itself.
        writeln!(std::io::stderr(), "stored {number}").unwrap();
    }
}

/// Not a test by itself: makes databases in one folder after the other until it is killed.
#[tokio::test]
async fn makes_databases_until_it_is_killed() {
    let Some(folder) = env::var_os(MAKE_IN) else { return };
    for i in 0_u64.. {
        SqliteStore::open(Path::new(&folder).join(i.to_string())).await.unwrap();
        writeln!(std::io::stderr(), "made {i}").unwrap();
    }
}

#[tokio::test]
async fn a_database_half_made_is_made_by_the_next() {
    for round in 0..12 {
        let folder = tempfile::tempdir().unwrap();
        let mut child = child("makes_databases_until_it_is_killed", MAKE_IN, folder.path());
        let mut words = BufReader::new(child.stderr.take().unwrap()).lines();
        words.by_ref().find(|line| line.as_ref().unwrap().starts_with("made ")).unwrap().unwrap();
        std::thread::sleep(Duration::from_micros(round * 1_300));
        child.kill().unwrap();
        child.wait().unwrap();
        let made = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().path());
        for folder in made.collect::<Vec<_>>() {
            let store = SqliteStore::open(&folder).await.unwrap();
            store.put_study(&study("a")).await.unwrap();
            store.close().await;
            maintenance::check(&folder).await.unwrap();
        }
    }
}

/// Runs one of the tests above as a process of its own.
fn child(test: &str, variable: &str, folder: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "--nocapture", test])
        .env(variable, folder)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Runs it, kills it `after` its first words, and returns the last batch that it said was stored.
fn run_and_kill(folder: &Path, after: Duration) -> u64 {
    let mut child = child("stores_batches_until_it_is_killed", FOLDER, folder);
    let mut words = BufReader::new(child.stderr.take().unwrap()).lines();
    let number = |line: &str| line.strip_prefix("stored ").and_then(|n| n.parse().ok());
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
async fn what_was_stored_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let mut before = 0;
    for round in 0..12_u64 {
        let said = run_and_kill(folder.path(), Duration::from_micros(round * round * 700));
        assert!(said > before, "it goes on where it was");
        maintenance::check(folder.path()).await.unwrap();
        let store = SqliteStore::open(folder.path()).await.unwrap();
        let state = store.search_state(&study("a").id).await.unwrap().unwrap();
        // The last batch may have been stored without the time to say so.
        assert!((said..=said + 1).contains(&state.batch), "said {said}, stored {}", state.batch);
        assert_eq!(Some(&state), batch(&study("a"), state.batch, SIZE).state.as_ref());
        let trials = store.trials(&study("a").id, Page::ALL).await.unwrap();
        assert!(trials.iter().cloned().eq((0..state.batch * SIZE).map(trial)));
        let ledger = store.ledger(&LedgerScope::market(&study("a").cell)).await.unwrap();
        assert_eq!(ledger.trials, state.batch * SIZE);
        before = state.batch;
        store.close().await;
    }
}
