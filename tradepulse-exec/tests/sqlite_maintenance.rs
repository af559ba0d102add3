//! Looking after the SQLite file.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used)]

mod training;

use std::{fs, path::Path};

use tradepulse_core::store::{Page, StoreError, TrainingStore};
use tradepulse_exec::store::sqlite::{FILE_NAME, SCHEMA_VERSION, SqliteStore, maintenance};
use training::{batch, study};

async fn filled(folder: &Path, batches: u64) -> SqliteStore {
    let store = SqliteStore::open(folder).await.unwrap();
    store.put_study(&study("a")).await.unwrap();
    for number in 1..=batches {
        store.put_batch(&batch(&study("a"), number, 10)).await.unwrap();
    }
    store
}

async fn trials(folder: &Path) -> usize {
    let store = SqliteStore::open(folder).await.unwrap();
    let trials = store.trials(&study("a").id, Page::ALL).await.unwrap().len();
    store.close().await;
    trials
}

#[tokio::test]
async fn status_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let status = maintenance::status(folder.path()).await.unwrap();
    assert_eq!((status.schema_version, status.bytes), (None, 0));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

    assert_eq!(maintenance::migrate(folder.path()).await.unwrap(), 0);
    assert_eq!(maintenance::migrate(folder.path()).await.unwrap(), SCHEMA_VERSION);
    let store = filled(folder.path(), 3).await;
    let status = maintenance::status(folder.path()).await.unwrap();
    assert_eq!(status.schema_version, Some(SCHEMA_VERSION));
    assert!(status.tables.contains(&("trials".to_owned(), 30)), "{status:?}");
    assert!(status.bytes > 0 && status.log_bytes > 0, "{status:?}");
    store.close().await;
    maintenance::check(folder.path()).await.unwrap();
}

#[tokio::test]
async fn a_backup_is_of_one_instant_while_others_write() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(folder.path(), 20).await;
    let copy = folder.path().join("copies.db");
    let study = study("a");
    let write = async {
        for number in 21..60 {
            store.put_batch(&batch(&study, number, 10)).await.unwrap();
        }
    };
    let (backed_up, ()) = tokio::join!(maintenance::backup(folder.path(), &copy), write);
    backed_up.unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::copy(&copy, elsewhere.path().join(FILE_NAME)).unwrap();
    let found = trials(elsewhere.path()).await;
    assert!(found >= 200 && found.is_multiple_of(10), "{found}");
    assert_eq!(trials(folder.path()).await, 590);

    let error = maintenance::backup(folder.path(), &copy).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict(_)), "{error:?}");
    let nowhere = folder.path().join("no/such/folder.db");
    let error = maintenance::backup(folder.path(), &nowhere).await.unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }), "{error:?}");
}

#[tokio::test]
async fn a_restore_takes_the_place_and_keeps_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(folder.path(), 5).await;
    let copy = folder.path().join("copy.db");
    maintenance::backup(folder.path(), &copy).await.unwrap();
    for number in 6..=9 {
        store.put_batch(&batch(&study("a"), number, 10)).await.unwrap();
    }
    let error = maintenance::restore(folder.path(), &copy).await.unwrap_err();
    assert!(matches!(error, StoreError::Busy { .. }), "{error:?}");
    assert!(error.to_string().contains("end what uses it"), "{error}");
    store.close().await;

    maintenance::restore(folder.path(), &copy).await.unwrap();
    assert_eq!(trials(folder.path()).await, 50);
    let kept = folder.path().join(format!("{FILE_NAME}.before-restore"));
    let elsewhere = tempfile::tempdir().unwrap();
    maintenance::restore(elsewhere.path(), &kept).await.unwrap();
    assert_eq!(trials(elsewhere.path()).await, 90);
    // And again, onto what is there now.
    maintenance::restore(folder.path(), &kept).await.unwrap();
    assert_eq!(trials(folder.path()).await, 50 + 40);
}

#[tokio::test]
async fn a_backup_that_cannot_be_taken_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 50).await.close().await;
    let copy = folder.path().join("copy.db");
    maintenance::backup(folder.path(), &copy).await.unwrap();
    let good = fs::read(&copy).unwrap();
    let before = fs::read(folder.path().join(FILE_NAME)).unwrap();

    let mut damaged = good.clone();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 5000].fill(0x5a);
    let mut cut = good.clone();
    cut.truncate(good.len() - 4096);
    for bad in [&damaged[..], &cut, b"hello", b""] {
        fs::write(&copy, bad).unwrap();
        let error = maintenance::restore(folder.path(), &copy).await.unwrap_err();
        let expected = matches!(
            error,
            StoreError::Corrupt { .. } | StoreError::Foreign { .. } | StoreError::Io { .. }
        );
        assert!(expected, "{error:?}");
        assert_eq!(fs::read(folder.path().join(FILE_NAME)).unwrap(), before);
    }
    assert_eq!(trials(folder.path()).await, 500);
}

#[tokio::test]
async fn a_restore_heals_a_damaged_database() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 50).await.close().await;
    let copy = folder.path().join("copy.db");
    maintenance::backup(folder.path(), &copy).await.unwrap();
    let path = folder.path().join(FILE_NAME);
    let mut bytes = fs::read(&path).unwrap();
    bytes[4096..].fill(0x5a);
    fs::write(&path, &bytes).unwrap();
    let error = maintenance::check(folder.path()).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    let error = maintenance::backup(folder.path(), &folder.path().join("bad.db")).await;
    assert!(matches!(error, Err(StoreError::Corrupt { .. })), "{error:?}");
    maintenance::restore(folder.path(), &copy).await.unwrap();
    assert_eq!(trials(folder.path()).await, 500);
    maintenance::check(folder.path()).await.unwrap();
}

#[tokio::test]
async fn vacuum_gives_room_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(folder.path(), 200).await;
    let mut done = study("a");
    done.status = tradepulse_core::store::StudyStatus::Done;
    store.put_study(&done).await.unwrap();
    store.delete_study(&done.id).await.unwrap();
    // While the store is open.
    let freed = maintenance::vacuum(folder.path()).await.unwrap();
    assert!(freed > 500_000, "{freed} bytes");
    store.put_study(&study("b")).await.unwrap();
    store.close().await;
    maintenance::check(folder.path()).await.unwrap();
}
