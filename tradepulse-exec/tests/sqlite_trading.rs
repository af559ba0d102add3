//! Records of trading in SQLite: the suite of their port, and what only a file can be put through.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use sqlx::{ConnectOptions, Row, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;
use tradepulse_core::{
    conformance::trading_store::{TradingStoreFactory, run},
    store::{
        ColumnKind, Page, StoreError, TradingStore, TradingStoreExt,
        trading::{EquityPoint, JournalEntry, RecordFilter, RecordKind},
    },
    time::Timestamp,
};
use tradepulse_exec::store::sqlite::{FILE_NAME, Options, SqliteStore};

#[derive(Default)]
struct Factory(Mutex<Vec<TempDir>>);

#[async_trait]
impl TradingStoreFactory for Factory {
    async fn make(&self) -> Result<Arc<dyn TradingStore>, StoreError> {
        self.0.lock().unwrap().push(tempfile::tempdir().unwrap());
        self.reopen().await
    }

    async fn reopen(&self) -> Result<Arc<dyn TradingStore>, StoreError> {
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

async fn other(folder: &TempDir) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(folder.path().join(FILE_NAME));
    options.connect().await.unwrap()
}

#[tokio::test]
async fn tables_are_as_they_are_defined() {
    let folder = tempfile::tempdir().unwrap();
    SqliteStore::open(folder.path()).await.unwrap().close().await;
    let mut connection = other(&folder).await;
    for kind in RecordKind::ALL {
        let table = kind.table();
        let query = "SELECT name, type, \"notnull\", pk FROM pragma_table_info(?) ORDER BY cid";
        let query = sqlx::query(query).bind(table.name);
        let rows = query.fetch_all(&mut connection).await.unwrap();
        let found = rows.iter().map(|r| (r.get(0), r.get(1), r.get(2), r.get(3)));
        let found: Vec<(String, String, bool, i64)> = found.collect();
        let expected = table.columns.iter().map(|c| {
            let kind = match c.kind {
                ColumnKind::Real => "REAL",
                ColumnKind::Integer | ColumnKind::Bool => "INTEGER",
                _ => "TEXT",
            };
            let place = table.key.iter().position(|k| *k == c.name).map_or(0, |i| i + 1);
            (c.name.to_owned(), kind.to_owned(), !c.optional, place as i64)
        });
        assert_eq!(found, expected.collect::<Vec<_>>(), "{}", table.name);
    }
}

#[tokio::test]
async fn lists_do_not_sort_whole_tables() {
    let folder = tempfile::tempdir().unwrap();
    SqliteStore::open(folder.path()).await.unwrap().close().await;
    let mut connection = other(&folder).await;
    // Runs, wallets and risk states are few.
    let many = RecordKind::ALL.iter().filter(|k| k.table().key.len() > 1);
    for table in many.chain([&RecordKind::Order]).map(|k| k.table()) {
        let key = table.key.iter().copied().filter(|c| *c != table.time);
        let order: Vec<_> = std::iter::once(table.time).chain(key).collect();
        for direction in ["ASC", "DESC"] {
            let order: Vec<_> = order.iter().map(|c| format!("{c} {direction}")).collect();
            let name = table.name;
            let sql =
                format!("EXPLAIN QUERY PLAN SELECT * FROM {name} ORDER BY {}", order.join(", "));
            let plan = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&mut connection).await;
            let plan: Vec<String> = plan.unwrap().iter().map(|r| r.get("detail")).collect();
            assert!(!plan.concat().contains("TEMP B-TREE"), "{name} {plan:?}");
        }
    }
}

fn entry(sequence: u64) -> JournalEntry {
    JournalEntry {
        run: "run".to_owned(),
        sequence,
        at: Timestamp::from_ms(sequence.cast_signed()),
        kind: "candle".to_owned(),
        body: format!("{{\"padding\":\"{}\"}}", "x".repeat(400)),
    }
}

#[tokio::test]
async fn a_full_disk_keeps_the_journal_and_takes_more_later() {
    let folder = tempfile::tempdir().unwrap();
    let tight = Options { max_pages: Some(150), ..Options::default() };
    let store = SqliteStore::open_with(folder.path(), tight).await.unwrap();
    let mut end = 0;
    let error = loop {
        let entries: Vec<_> = (end + 1..=end + 20).map(entry).collect();
        match store.append_journal("run", &entries, end % 40 == 0).await {
            Ok(()) => end += 20,
            Err(error) => break error,
        }
        assert!(end < 10_000, "it never gets full");
    };
    assert!(end > 20 && matches!(error, StoreError::Full { .. }), "{end} {error:?}");
    assert_eq!(store.journal_end("run").await.unwrap(), end);
    store.close().await;
    let store = SqliteStore::open(folder.path()).await.unwrap();
    store.append_journal("run", &[entry(end + 1)], true).await.unwrap();
    let journal = store.journal("run", 1, u64::MAX).await.unwrap();
    assert!(journal.into_iter().eq((1..=end + 1).map(entry)));
}

#[tokio::test]
async fn a_stored_value_that_cannot_be_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).await.unwrap();
    let insert = "INSERT INTO fills VALUES ('tp100000-1', 'e', 'r', 'w', 'BTC/USDT', 'long',
        '1.x', '1', '0', 'USDT', 'maker', 0, NULL, NULL, NULL)";
    sqlx::raw_sql(insert).execute(&mut other(&folder).await).await.unwrap();
    let listed = store.list(RecordKind::Fill, &RecordFilter::default(), Page::ALL).await;
    let error = listed.unwrap_err();
    assert!(matches!(&error, StoreError::Corrupt { reason, .. } if reason.contains("fills")));
}

#[tokio::test]
async fn a_curve_is_read_in_the_order_of_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).await.unwrap();
    let point = |i: i64| EquityPoint {
        run: "run".to_owned(),
        wallet: "main".to_owned(),
        at: Timestamp::from_ms(i),
        equity: (i as f64).sin(),
        cash: 0.1 + i as f64,
        exposure: 0.0,
    };
    let points: Vec<_> = (0..500).map(point).collect();
    let records: Vec<_> = points.iter().rev().cloned().map(Into::into).collect();
    store.put(&records).await.unwrap();
    let filter = RecordFilter {
        wallet: Some("main".to_owned()),
        first: tradepulse_core::store::trading::First::Oldest,
        ..RecordFilter::default()
    };
    assert_eq!(store.records::<EquityPoint>(&filter, Page::ALL).await.unwrap(), points);
}
