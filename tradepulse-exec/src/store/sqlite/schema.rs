//! The tables, by numbered steps.

use std::{
    path::Path,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection};
use tradepulse_core::store::StoreError;

use super::{
    error::{Failure, failed},
    file::APPLICATION_ID,
};

/// The steps, each in a transaction of its own. A released step is never changed: a change of
/// tables is a further step.
const MIGRATIONS: &[(&str, &str)] = &[
    ("training", include_str!("migrations/0001_training.sql")),
    ("trading", include_str!("migrations/0002_trading.sql")),
    ("windows", include_str!("migrations/0003_windows.sql")),
    ("controls", include_str!("migrations/0004_controls.sql")),
    ("prediction outcomes", include_str!("migrations/0005_prediction_outcomes.sql")),
    ("invalid predictions", include_str!("migrations/0006_invalid_predictions.sql")),
];

/// The schema version this program writes, and the latest it knows.
pub const SCHEMA_VERSION: u32 = MIGRATIONS.len() as u32;

/// Brings the database to [`SCHEMA_VERSION`]; returns the version it had, 0 if there was none.
pub(super) async fn migrate(conn: &mut SqliteConnection, path: &Path) -> Result<u32, StoreError> {
    let before = version(conn, path).await?;
    migrate_by(conn, path, MIGRATIONS, before).await?;
    Ok(before)
}

async fn migrate_by(
    conn: &mut SqliteConnection,
    path: &Path,
    steps: &[(&str, &'static str)],
    before: u32,
) -> Result<(), StoreError> {
    for (step, number) in steps.iter().zip(1_u32..) {
        if number > before {
            apply(conn, path, number, step).await?;
        }
    }
    Ok(())
}

async fn apply(
    conn: &mut SqliteConnection,
    path: &Path,
    number: u32,
    (name, sql): &(&str, &'static str),
) -> Result<(), StoreError> {
    execute(conn, "BEGIN IMMEDIATE").await.map_err(|e| failed(path, e))?;
    let applied = async {
        // Another process may have been faster.
        if found_version(conn).await? >= number {
            return Ok(());
        }
        if number == 1 {
            let row = sqlx::query("PRAGMA application_id").fetch_one(&mut *conn).await?;
            if row.try_get::<u32, _>(0)? == APPLICATION_ID {
                return Err(Failure::Unreadable("its table schema_version is gone".to_owned()));
            }
            let mark = format!("PRAGMA application_id = {APPLICATION_ID}");
            sqlx::raw_sql(AssertSqlSafe(mark)).execute(&mut *conn).await?;
            execute(
                conn,
                "CREATE TABLE schema_version (
                    version INTEGER PRIMARY KEY,
                    name TEXT NOT NULL,
                    applied_at INTEGER NOT NULL
                ) STRICT",
            )
            .await?;
        }
        execute(conn, sql).await?;
        sqlx::query("INSERT INTO schema_version (version, name, applied_at) VALUES (?, ?, ?)")
            .bind(number)
            .bind(*name)
            .bind(now_ms())
            .execute(&mut *conn)
            .await?;
        Ok::<_, Failure>(())
    }
    .await;
    match applied {
        Ok(()) => execute(conn, "COMMIT").await.map_err(|e| failed(path, e)),
        Err(failure) => {
            // Best effort: closing the connection does the same, and the first error tells more.
            let _ = execute(conn, "ROLLBACK").await;
            Err(failure.at(path))
        }
    }
}

/// The version of the schema, 0 if the database is empty. A later one than known is refused.
pub(super) async fn version(conn: &mut SqliteConnection, path: &Path) -> Result<u32, StoreError> {
    let found = found_version(conn).await.map_err(|e| e.at(path))?;
    if found > SCHEMA_VERSION {
        let place = path.display().to_string();
        return Err(StoreError::Newer { place, found, known: SCHEMA_VERSION });
    }
    Ok(found)
}

/// The version of the schema, whatever it is; 0 if there is none.
pub(super) async fn found_version(conn: &mut SqliteConnection) -> Result<u32, Failure> {
    let table = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_version'";
    if sqlx::query(table).fetch_optional(&mut *conn).await?.is_none() {
        return Ok(0);
    }
    let latest = "SELECT COALESCE(MAX(version), 0) FROM schema_version";
    let row = sqlx::query(latest).fetch_one(&mut *conn).await?;
    Ok(row.try_get::<u32, _>(0)?)
}

/// Turns write-ahead logging on. SQLite does not wait for others here, so this does.
pub(super) async fn write_ahead(
    conn: &mut SqliteConnection,
    path: &Path,
    patience: Duration,
) -> Result<(), StoreError> {
    let start = Instant::now();
    loop {
        match execute(conn, "PRAGMA journal_mode = WAL").await.map_err(|e| failed(path, e)) {
            Err(error) if error.is_temporary() && start.elapsed() < patience => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            other => return other,
        }
    }
}

/// Executes statements without results.
pub(super) async fn execute(
    conn: &mut SqliteConnection,
    sql: &'static str,
) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(sql).execute(conn).await.map(|_| ())
}

/// Closes a connection in good order.
pub(super) async fn close(conn: SqliteConnection, path: &Path) -> Result<(), StoreError> {
    conn.close().await.map_err(|e| failed(path, e))
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};

    use super::*;

    async fn value(conn: &mut SqliteConnection, sql: &'static str) -> i64 {
        sqlx::query(sql).fetch_one(conn).await.unwrap().get(0)
    }

    #[tokio::test]
    async fn a_step_is_taken_whole_or_not_at_all_and_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("steps.db");
        let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
        let mut conn = options.connect().await.unwrap();
        let one = ("one", "CREATE TABLE a (x); INSERT INTO a VALUES (1);");
        let two = ("two", "INSERT INTO a VALUES (2); CREATE TABLE b (y);");
        let broken = ("two", "INSERT INTO a VALUES (9); CREATE TABLE b (y); CREATE TABLE a (z);");

        let error = migrate_by(&mut conn, &path, &[("one", "CREATE TABLE a (x); nonsense")], 0);
        assert!(error.await.unwrap_err().to_string().starts_with("cannot access"));
        assert_eq!(found_version(&mut conn).await.unwrap(), 0);
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 0, "nothing was made");

        migrate_by(&mut conn, &path, &[one], 0).await.unwrap();
        for _ in 0..2 {
            assert!(migrate_by(&mut conn, &path, &[one, broken], 1).await.is_err());
            assert_eq!(found_version(&mut conn).await.unwrap(), 1);
            assert_eq!(value(&mut conn, "SELECT SUM(x) FROM a").await, 1);
        }
        // Whoever thought it was older finds it done.
        for before in [1, 0, 2] {
            migrate_by(&mut conn, &path, &[one, two], before).await.unwrap();
            assert_eq!(found_version(&mut conn).await.unwrap(), 2);
            assert_eq!(value(&mut conn, "SELECT SUM(x) FROM a").await, 3);
        }
        let mark = value(&mut conn, "PRAGMA application_id").await;
        assert_eq!(mark, i64::from(APPLICATION_ID));
    }
    #[tokio::test]
    async fn what_training_stored_stays_when_trading_comes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.db");
        let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
        let mut conn = options.connect().await.unwrap();
        migrate_by(&mut conn, &path, &MIGRATIONS[..1], 0).await.unwrap();
        let study = "INSERT INTO studies VALUES (7, 'id', 's', 'e', 'A/B', '5m', 'any', 1, '{}',
            '{}', '1', 1, '{}', 'null', 'f', 0, 0, 'v', 'done', NULL, 0, 0, 0)";
        execute(&mut conn, study).await.unwrap();
        assert_eq!(migrate(&mut conn, &path).await.unwrap(), 1);
        assert_eq!(found_version(&mut conn).await.unwrap(), SCHEMA_VERSION);
        assert_eq!(value(&mut conn, "SELECT key FROM studies").await, 7);
        assert_eq!(value(&mut conn, "SELECT COUNT(*) FROM trades").await, 0);
        assert_eq!(migrate(&mut conn, &path).await.unwrap(), SCHEMA_VERSION);
    }
}
