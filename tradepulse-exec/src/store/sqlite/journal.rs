//! Journals of runs.

use std::sync::LazyLock;

use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use tradepulse_core::store::trading::JournalEntry;

use super::{
    error::Failure,
    row::{Bound, count, instant, integer},
};

/// Statements that append 1, 2, 4, … 128 entries.
static APPEND: LazyLock<[String; 8]> = LazyLock::new(|| {
    std::array::from_fn(|power| {
        let rows = vec!["(?, ?, ?, ?, ?)"; 1 << power].join(", ");
        format!("INSERT INTO journal (journal_key, sequence, at, kind, body) VALUES {rows}")
    })
});

/// The key of a run's journal and the number of its last entry.
async fn find(conn: &mut SqliteConnection, run: &str) -> Result<Option<(i64, u64)>, Failure> {
    let query =
        "SELECT key, COALESCE((SELECT MAX(sequence) FROM journal WHERE journal_key = key), 0)
                     AS last
                 FROM journals WHERE run = ?";
    let row = sqlx::query(query).bind(run.to_owned()).fetch_optional(conn).await?;
    row.map(|row| Ok((row.try_get("key")?, count(&row, "last")?))).transpose()
}

pub(super) async fn end(conn: &mut SqliteConnection, run: &str) -> Result<u64, Failure> {
    Ok(find(conn, run).await?.map_or(0, |(_, end)| end))
}

pub(super) async fn append(
    conn: &mut SqliteConnection,
    run: &str,
    entries: &[JournalEntry],
) -> Result<(), Failure> {
    let found = find(conn, run).await?;
    let end = found.map_or(0, |(_, end)| end);
    JournalEntry::follow(run, entries, end)?;
    let (known, new) = entries.split_at(entries.partition_point(|e| e.sequence <= end));
    if let Some(first) = known.first() {
        let stored = list(conn, run, first.sequence, known.len() as u64).await?;
        for (stored, again) in stored.iter().zip(known) {
            stored.same(again)?;
        }
    }
    if new.is_empty() {
        return Ok(());
    }
    let key = match found {
        Some((key, _)) => key,
        None => {
            let query = sqlx::query("INSERT INTO journals (run) VALUES (?) RETURNING key");
            query.bind(run.to_owned()).fetch_one(&mut *conn).await?.try_get(0)?
        }
    };
    let mut rest = new;
    for (power, sql) in APPEND.iter().enumerate().rev() {
        while rest.len() >= 1 << power {
            let (rows, others) = rest.split_at(1 << power);
            let query = rows.iter().fold(sqlx::query(sql.as_str()), |query, e| bind(query, key, e));
            query.execute(&mut *conn).await?;
            rest = others;
        }
    }
    Ok(())
}

fn bind(query: Bound, key: i64, entry: &JournalEntry) -> Bound {
    query
        .bind(key)
        .bind(integer(entry.sequence))
        .bind(entry.at.as_ms())
        .bind(entry.kind.clone())
        .bind(entry.body.clone())
}

pub(super) async fn list(
    conn: &mut SqliteConnection,
    run: &str,
    from_sequence: u64,
    limit: u64,
) -> Result<Vec<JournalEntry>, Failure> {
    let query = "SELECT sequence, at, kind, body FROM journal
                 WHERE journal_key = (SELECT key FROM journals WHERE run = ?) AND sequence >= ?
                 ORDER BY sequence LIMIT ?";
    let read = |row: &SqliteRow| {
        Ok(JournalEntry {
            run: run.to_owned(),
            sequence: count(row, "sequence")?,
            at: instant(row, "at")?,
            kind: row.try_get("kind")?,
            body: row.try_get("body")?,
        })
    };
    if i64::try_from(from_sequence).is_err() {
        return Ok(Vec::new());
    }
    let query = sqlx::query(query).bind(run.to_owned());
    let query = query.bind(integer(from_sequence)).bind(integer(limit));
    query.fetch_all(conn).await?.iter().map(read).collect()
}
