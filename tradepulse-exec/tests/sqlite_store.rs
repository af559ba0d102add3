//! The SQLite store: the suite of its port, and what only a file can be put through.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used)]

mod training;

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;
use tradepulse_core::{
    conformance::store::{StoreFactory, run},
    store::{Page, StoreError, TrainedConfiguration, TrainingStore},
};
use tradepulse_exec::store::sqlite::{FILE_NAME, Options, SCHEMA_VERSION, SqliteStore};
use training::{batch, study};

#[derive(Default)]
struct Factory(Mutex<Vec<TempDir>>);

#[async_trait]
impl StoreFactory for Factory {
    async fn make(&self) -> Result<Arc<dyn TrainingStore>, StoreError> {
        self.0.lock().unwrap().push(tempfile::tempdir().unwrap());
        self.reopen().await
    }

    async fn reopen(&self) -> Result<Arc<dyn TrainingStore>, StoreError> {
        let folder = self.0.lock().unwrap().last().unwrap().path().to_owned();
        Ok(Arc::new(SqliteStore::open(folder).await?))
    }
}

#[tokio::test]
async fn it_conforms() {
    let report = run(&Factory::default()).await;
    assert!(report.is_clean(), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_conforms_on_several_threads() {
    let report = run(&Factory::default()).await;
    assert!(report.is_clean(), "{report}");
}

/// Another program's view of the file.
async fn other(folder: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(folder.join(FILE_NAME));
    options.create_if_missing(true).connect().await.unwrap()
}

async fn execute(connection: &mut SqliteConnection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(connection).await.unwrap();
}

#[tokio::test]
async fn the_table_has_the_columns_of_a_configuration() {
    let folder = tempfile::tempdir().unwrap();
    SqliteStore::open(folder.path()).await.unwrap().close().await;
    let mut connection = other(folder.path()).await;
    let query = "SELECT name, \"notnull\" FROM pragma_table_info('trained_configurations')
                 WHERE name <> 'key' ORDER BY cid";
    let rows = sqlx::query(query).fetch_all(&mut connection).await.unwrap();
    let found = rows.iter().map(|r| (r.get::<String, _>(0), r.get::<bool, _>(1)));
    let expected = TrainedConfiguration::columns().map(|c| (c.name.to_owned(), !c.optional));
    assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

#[tokio::test]
async fn the_file_is_made_once_and_safe() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("a/b");
    let store = SqliteStore::open(&deep).await.unwrap();
    store.put_study(&study("a")).await.unwrap();
    let again = SqliteStore::open(&deep).await.unwrap();
    assert_eq!(again.study(&study("a").id).await.unwrap(), study("a"));
    store.close().await;
    again.close().await;
    let mut connection = other(&deep).await;
    let row = sqlx::query("PRAGMA journal_mode").fetch_one(&mut connection).await.unwrap();
    assert_eq!(row.get::<String, _>(0), "wal");
    let row = sqlx::query("SELECT COUNT(*) FROM schema_version").fetch_one(&mut connection).await;
    assert_eq!(row.unwrap().get::<u32, _>(0), SCHEMA_VERSION);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_may_make_it_at_once() {
    for _ in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        let opens = (0..4).map(|i| {
            let folder = folder.path().to_owned();
            tokio::spawn(async move {
                let store = SqliteStore::open(&folder).await?;
                store.put_study(&study(&i.to_string())).await
            })
        });
        for open in opens.collect::<Vec<_>>() {
            open.await.unwrap().unwrap();
        }
        let store = SqliteStore::open(folder.path()).await.unwrap();
        let all = store.studies(&Default::default(), Page::ALL).await.unwrap();
        assert_eq!(all.len(), 4);
    }
}

#[tokio::test]
async fn a_file_that_is_not_ours_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    let mut connection = other(folder.path()).await;
    execute(&mut connection, "CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)").await;
    connection.close().await.unwrap();
    let theirs = fs::read(&path).unwrap();
    for content in [&theirs[..], b"name,price\nBTC,1\n", b"SQLite format 3\0", &[0; 4096]] {
        fs::write(&path, content).unwrap();
        let error = SqliteStore::open(folder.path()).await.unwrap_err();
        assert!(matches!(error, StoreError::Foreign { .. }), "{error:?}");
        assert!(error.to_string().contains("is not a database of TradePulse"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), content);
        let names = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(names, 1, "nothing beside it");
    }
}

#[tokio::test]
async fn a_later_schema_is_refused_with_both_versions() {
    let folder = tempfile::tempdir().unwrap();
    SqliteStore::open(folder.path()).await.unwrap().close().await;
    let mut connection = other(folder.path()).await;
    execute(&mut connection, "INSERT INTO schema_version VALUES (99, 'later', 0)").await;
    connection.close().await.unwrap();
    let before = fs::read(folder.path().join(FILE_NAME)).unwrap();
    let error = SqliteStore::open(folder.path()).await.unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, known: SCHEMA_VERSION, .. }));
    let text = error.to_string();
    let known = format!("versions up to {SCHEMA_VERSION}");
    assert!(text.contains("version 99") && text.contains(&known), "{text}");
    assert_eq!(fs::read(folder.path().join(FILE_NAME)).unwrap(), before);
}

#[tokio::test]
async fn damage_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    let store = SqliteStore::open(folder.path()).await.unwrap();
    store.put_study(&study("a")).await.unwrap();
    store.put_batch(&batch(&study("a"), 1, 500)).await.unwrap();
    store.close().await;
    let mut bytes = fs::read(&path).unwrap();
    for byte in &mut bytes[4096..] {
        *byte ^= 0xa5;
    }
    fs::write(&path, bytes).unwrap();
    let opened = SqliteStore::open(folder.path()).await;
    let read = match opened {
        Ok(store) => store.study(&study("a").id).await.map(|_| ()),
        Err(error) => Err(error),
    };
    let error = read.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    assert!(error.to_string().contains("restore a backup"), "{error}");
}

#[tokio::test]
async fn a_stored_value_that_cannot_be_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).await.unwrap();
    store.put_study(&study("a")).await.unwrap();
    execute(&mut other(folder.path()).await, "UPDATE studies SET status = 'bored'").await;
    let error = store.study(&study("a").id).await.unwrap_err();
    assert!(matches!(&error, StoreError::Corrupt { reason, .. } if reason.contains("\"bored\"")));
}

#[tokio::test]
async fn a_lock_that_stays_is_said_and_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let patience = Duration::from_millis(150);
    let options = Options { patience, ..Options::default() };
    let store = SqliteStore::open_with(folder.path(), options).await.unwrap();
    store.put_study(&study("a")).await.unwrap();
    store.put_batch(&batch(&study("a"), 1, 10)).await.unwrap();

    let mut holder = other(folder.path()).await;
    execute(&mut holder, "BEGIN IMMEDIATE").await;
    let start = Instant::now();
    let error = store.put_batch(&batch(&study("a"), 2, 10)).await.unwrap_err();
    assert!(matches!(error, StoreError::Busy { .. }) && error.is_temporary(), "{error:?}");
    assert!(error.to_string().contains("try again"), "{error}");
    assert!(start.elapsed() >= patience);
    // Others read meanwhile.
    assert_eq!(store.trials(&study("a").id, Page::ALL).await.unwrap().len(), 10);
    execute(&mut holder, "ROLLBACK").await;
    store.put_batch(&batch(&study("a"), 2, 10)).await.unwrap();
    assert_eq!(store.trials(&study("a").id, Page::ALL).await.unwrap().len(), 20);
}

#[tokio::test]
async fn a_lock_that_goes_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).await.unwrap();
    let mut holder = other(folder.path()).await;
    execute(&mut holder, "BEGIN IMMEDIATE").await;
    let study = study("a");
    let (put, ()) = tokio::join!(store.put_study(&study), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        execute(&mut holder, "ROLLBACK").await;
    });
    put.unwrap();
}

#[tokio::test]
async fn a_full_disk_keeps_what_was_stored() {
    let folder = tempfile::tempdir().unwrap();
    let tight = Options { max_pages: Some(150), ..Options::default() };
    let store = SqliteStore::open_with(folder.path(), tight).await.unwrap();
    store.put_study(&study("a")).await.unwrap();
    let mut stored = 0;
    let error = loop {
        match store.put_batch(&batch(&study("a"), stored + 1, 50)).await {
            Ok(()) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 100, "it never gets full");
    };
    assert!(stored > 2, "full after {stored} batches");
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    assert!(error.to_string().contains("free some space"), "{error}");
    // Still usable, still full, still what it was.
    for _ in 0..3 {
        let error = store.put_batch(&batch(&study("a"), stored + 1, 50)).await.unwrap_err();
        assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
        let state = store.search_state(&study("a").id).await.unwrap().unwrap();
        assert_eq!(state.batch, stored);
        let trials = store.trials(&study("a").id, Page::ALL).await.unwrap();
        assert_eq!(trials.len() as u64, stored * 50);
    }
    store.close().await;
    // With room it goes on where it was.
    let store = SqliteStore::open(folder.path()).await.unwrap();
    store.put_batch(&batch(&study("a"), stored + 1, 50)).await.unwrap();
    assert_eq!(store.search_state(&study("a").id).await.unwrap().unwrap().batch, stored + 1);
}
