//! Backups of a database in use.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used)]

use std::{fs, path::Path, time::Duration};

use tokio::sync::mpsc;
use tradepulse_core::{
    store::{StoreError, TradingStore, trading::JournalEntry},
    time::Timestamp,
};
use tradepulse_exec::store::{
    backup::Backups,
    sqlite::{FILE_NAME, SCHEMA_VERSION, SqliteStore, maintenance},
};

fn backups(data_dir: &Path, keep: usize) -> Backups {
    Backups {
        data_dir: data_dir.to_owned(),
        folder: data_dir.join("backups"),
        every: Duration::from_secs(3600),
        keep,
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_ms(1_704_067_200_000 + seconds * 1000)
}

async fn append(store: &SqliteStore, sequence: u64) {
    let (run, kind) = ("run".to_owned(), "candle".to_owned());
    let body = "{}".to_owned();
    let entry = JournalEntry { run, sequence, at: at(0), kind, body };
    store.append_journal("run", &[entry], true).await.unwrap();
}

fn names(backups: &Backups) -> Vec<String> {
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    backups.list().unwrap().iter().map(|b| name(&b.path)).collect()
}

#[tokio::test]
async fn the_newest_are_kept_and_nothing_else_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).await.unwrap();
    let backups = backups(folder.path(), 2);
    assert_eq!(names(&backups), [""; 0]);
    fs::create_dir(&backups.folder).unwrap();
    let others = [
        "tradepulse-20240101T000000.db.keep",
        "tradepulse-20241301T000000.db",
        "tradepulse-2024-01-01.db",
        "other.db",
        "tradepulse-.db",
        "tradepulse-ünïcödé000.db",
    ];
    for name in others {
        fs::write(backups.folder.join(name), name).unwrap();
    }
    for sequence in 1..=4 {
        append(&store, sequence).await;
        backups.take(at(sequence.cast_signed())).await.unwrap();
    }
    let kept = ["tradepulse-20240101T000004.db", "tradepulse-20240101T000003.db"];
    assert_eq!(names(&backups), kept);
    for name in others {
        assert_eq!(fs::read_to_string(backups.folder.join(name)).unwrap(), name);
    }
    // The clock was set back: the one just taken stays.
    backups.take(at(0)).await.unwrap();
    assert_eq!(names(&backups), [kept[0], "tradepulse-20240101T000000.db"]);
    let again = backups.take(at(0)).await.unwrap_err();
    assert!(matches!(again, StoreError::Conflict(_)), "{again:?}");
}

#[tokio::test]
async fn a_backup_restores_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).await.unwrap();
    let backups = backups(folder.path(), 3);
    for sequence in 1..=5 {
        append(&store, sequence).await;
    }
    let backup = backups.take(at(0)).await.unwrap();
    append(&store, 6).await;

    let status = backups.rehearse(&backup).await.unwrap();
    assert_eq!(status.schema_version, Some(SCHEMA_VERSION));
    assert!(status.tables.contains(&("journal".to_owned(), 5)), "{status:?}");
    assert_eq!(fs::read_dir(&backups.folder).unwrap().count(), 1, "nothing is left of it");
    assert_eq!(store.journal_end("run").await.unwrap(), 6, "the database is as it was");

    store.close().await;
    maintenance::restore(folder.path(), &backup.path).await.unwrap();
    let store = SqliteStore::open(folder.path()).await.unwrap();
    assert_eq!(store.journal_end("run").await.unwrap(), 5);
    append(&store, 6).await;
}

#[tokio::test]
async fn a_damaged_backup_does_not_pass_its_rehearsal() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).await.unwrap();
    append(&store, 1).await;
    let backups = backups(folder.path(), 3);
    let backup = backups.take(at(0)).await.unwrap();
    let mut bytes = fs::read(&backup.path).unwrap();
    bytes[4096..].fill(0x5a);
    fs::write(&backup.path, bytes).unwrap();
    let error = backups.rehearse(&backup).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    assert_eq!(fs::read_dir(&backups.folder).unwrap().count(), 1, "nothing is left of it");
}

#[tokio::test]
async fn a_damaged_database_replaces_no_backup() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).await.unwrap();
    append(&store, 1).await;
    store.close().await;
    let backups = backups(folder.path(), 1);
    backups.take(at(0)).await.unwrap();
    let path = folder.path().join(FILE_NAME);
    let mut bytes = fs::read(&path).unwrap();
    bytes[4096..].fill(0x5a);
    fs::write(&path, bytes).unwrap();
    let error = backups.take(at(1)).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    assert_eq!(names(&backups), ["tradepulse-20240101T000000.db"]);
}

#[tokio::test]
async fn one_is_due_when_its_time_has_come() {
    let folder = tempfile::tempdir().unwrap();
    let _store = SqliteStore::open(folder.path()).await.unwrap();
    let backups = backups(folder.path(), 3);
    let due = |seconds| backups.due_in(at(seconds)).unwrap().as_secs();
    assert_eq!(due(0), 0);
    backups.take(at(0)).await.unwrap();
    assert_eq!([due(0), due(600), due(3599), due(3600), due(9999)], [3600, 3000, 1, 0, 0]);
    assert_eq!(due(-86_400), 3600, "set back by a day");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_go_on_while_others_write() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).await.unwrap();
    let backups = Backups { every: Duration::ZERO, ..backups(folder.path(), 5) };
    let (tell, mut told) = mpsc::unbounded_channel();
    let running = backups.clone();
    let task = tokio::spawn(async move { running.run(|taken| tell.send(taken).unwrap()).await });
    let (mut sequence, mut ends) = (0, Vec::new());
    while ends.len() < 2 {
        sequence += 1;
        append(&store, sequence).await;
        if let Ok(taken) = told.try_recv() {
            let status = backups.rehearse(&taken.unwrap()).await.unwrap();
            ends.push(status.tables.iter().find(|(name, _)| name == "journal").unwrap().1);
        }
    }
    task.abort();
    assert!(ends[0] < ends[1] && ends[1] <= sequence, "{ends:?} of {sequence}");
}
