//! Records of trading: one code for all tables, led by their definitions.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use async_trait::async_trait;
use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, SqliteConnection, sqlite::SqliteRow};
use tradepulse_core::store::{
    Column, Page, StoreError, TradingStore,
    trading::{First, JournalEntry, RecordFilter, RecordKind, Table, TradingRecord},
};

use super::{
    SqliteStore,
    error::{Failure, readable},
    journal,
    row::{Bound, bind_column, paged, read_column},
    writer::Synchronous,
};

#[async_trait]
impl TradingStore for SqliteStore {
    async fn append_journal(
        &self,
        run: &str,
        entries: &[JournalEntry],
        durable: bool,
    ) -> Result<(), StoreError> {
        let level = if durable { Synchronous::Full } else { Synchronous::Normal };
        let mut writing = self.writer.begin(level).await?;
        let written = journal::append(writing.connection(), run, entries).await;
        writing.end(written).await
    }

    async fn journal(
        &self,
        run: &str,
        from_sequence: u64,
        limit: u64,
    ) -> Result<Vec<JournalEntry>, StoreError> {
        let mut reading = self.reading().await?;
        let found = journal::list(&mut reading, run, from_sequence, limit).await;
        found.map_err(|failure| failure.at(&self.path))
    }

    async fn journal_end(&self, run: &str) -> Result<u64, StoreError> {
        let mut reading = self.reading().await?;
        journal::end(&mut reading, run).await.map_err(|failure| failure.at(&self.path))
    }

    async fn put(&self, records: &[TradingRecord]) -> Result<(), StoreError> {
        let latest = latest(records)?;
        let mut writing = self.writer.begin(Synchronous::Full).await?;
        let written = async {
            for (record, flat) in &latest {
                put(writing.connection(), record, flat).await?;
            }
            Ok(())
        }
        .await;
        writing.end(written).await
    }

    async fn list(
        &self,
        kind: RecordKind,
        filter: &RecordFilter,
        page: Page,
    ) -> Result<Vec<TradingRecord>, StoreError> {
        let mut reading = self.reading().await?;
        let found = list(&mut reading, kind, filter, page).await;
        found.map_err(|failure| failure.at(&self.path))
    }
}

/// A record with its entries.
type Flat<'a> = (&'a TradingRecord, Map<String, Value>);

/// The last version of each record: nobody would see the versions before it.
fn latest(records: &[TradingRecord]) -> Result<Vec<Flat<'_>>, StoreError> {
    let mut latest: Vec<Flat<'_>> = Vec::with_capacity(records.len());
    let mut places = HashMap::new();
    for record in records {
        let flat = record.flat()?;
        let key = (record.kind(), TradingRecord::key(record.table(), &flat));
        match places.entry(key) {
            Entry::Vacant(place) => {
                place.insert(latest.len());
                latest.push((record, flat));
            }
            Entry::Occupied(place) => {
                let before = &mut latest[*place.get()];
                before.0.accept(record)?;
                *before = (record, flat);
            }
        }
    }
    Ok(latest)
}

/// The column as SQL names it: some are words of SQL.
fn quoted(column: &str) -> String {
    format!("\"{column}\"")
}

fn joined(columns: &[&str], each: impl Fn(&str) -> String, between: &str) -> String {
    columns.iter().map(|c| each(c)).collect::<Vec<_>>().join(between)
}

fn in_key(table: &Table) -> impl Iterator<Item = Column> {
    table.columns.iter().copied().filter(|c| table.key.contains(&c.name))
}

async fn put(
    conn: &mut SqliteConnection,
    record: &TradingRecord,
    flat: &Map<String, Value>,
) -> Result<(), Failure> {
    let table = record.table();
    // Most records are new: they take one statement.
    let columns: Vec<_> = table.columns.iter().map(|c| c.name).collect();
    let keys: Vec<_> = in_key(table).map(|c| c.name).collect();
    let insert = format!(
        "INSERT INTO {} ({}) VALUES ({}) ON CONFLICT ({}) DO NOTHING",
        table.name,
        joined(&columns, quoted, ", "),
        joined(&columns, |_| "?".to_owned(), ", "),
        joined(&keys, quoted, ", ")
    );
    let mut insert = sqlx::query(AssertSqlSafe(insert));
    for column in table.columns {
        insert = bind_column(insert, flat, *column)?;
    }
    if insert.execute(&mut *conn).await?.rows_affected() > 0 {
        return Ok(());
    }
    let same_key = joined(&keys, |c| format!("{} = ?", quoted(c)), " AND ");
    let query = format!("SELECT * FROM {} WHERE {same_key}", table.name);
    let mut query = sqlx::query(AssertSqlSafe(query));
    for column in in_key(table) {
        query = bind_column(query, flat, column)?;
    }
    let stored = read(record.kind(), &query.fetch_one(&mut *conn).await?)?;
    if stored == *record {
        return Ok(());
    }
    stored.accept(record)?;
    let set = joined(table.changes, |c| format!("{} = ?", quoted(c)), ", ");
    let update = format!("UPDATE {} SET {set} WHERE {same_key}", table.name);
    let mut update = sqlx::query(AssertSqlSafe(update));
    for name in table.changes {
        for column in table.columns.iter().filter(|c| c.name == *name) {
            update = bind_column(update, flat, *column)?;
        }
    }
    for column in in_key(table) {
        update = bind_column(update, flat, column)?;
    }
    update.execute(conn).await?;
    Ok(())
}

async fn list(
    conn: &mut SqliteConnection,
    kind: RecordKind,
    filter: &RecordFilter,
    page: Page,
) -> Result<Vec<TradingRecord>, Failure> {
    let table = kind.table();
    let texts = filter.conditions(table)?;
    let mut conditions = vec!["TRUE".to_owned()];
    conditions.extend(texts.iter().map(|(column, _)| format!("{} = ?", quoted(column))));
    let mut instants = Vec::new();
    for (instant, comparison) in [(filter.from, ">="), (filter.until, "<")] {
        if let Some(instant) = instant {
            conditions.push(format!("{} {comparison} ?", quoted(table.time)));
            instants.push(instant.as_ms());
        }
    }
    if let Some(open) = filter.open {
        let is = if open { "IS NULL" } else { "IS NOT NULL" };
        conditions.push(format!("{} {is}", quoted(RecordFilter::END)));
    }
    let direction = match filter.first {
        First::Newest => "DESC",
        First::Oldest => "ASC",
    };
    let key = table.key.iter().copied().filter(|c| *c != table.time);
    let order: Vec<_> = std::iter::once(table.time).chain(key).collect();
    let query = format!(
        "SELECT * FROM {} WHERE {} ORDER BY {} LIMIT ? OFFSET ?",
        table.name,
        conditions.join(" AND "),
        joined(&order, |c| format!("{} {direction}", quoted(c)), ", ")
    );
    let query = sqlx::query(AssertSqlSafe(query));
    let query = texts.into_iter().fold(query, |query, (_, text)| query.bind(text));
    let query: Bound = instants.into_iter().fold(query, |query, ms| query.bind(ms));
    paged(query, page).fetch_all(conn).await?.iter().map(|row| read(kind, row)).collect()
}

fn read(kind: RecordKind, row: &SqliteRow) -> Result<TradingRecord, Failure> {
    let table = kind.table();
    let mut flat = Map::new();
    for column in table.columns {
        flat.insert(column.name.to_owned(), read_column(row, *column)?);
    }
    readable(table.name, TradingRecord::from_flat(kind, flat))
}
