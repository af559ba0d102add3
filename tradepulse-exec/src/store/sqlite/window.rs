//! Searches in the training parts of walk-forward windows.

use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use tradepulse_core::store::{RecordId, WindowSearch};

use super::{
    error::Failure,
    row::{count, integer},
    study,
};

pub(super) async fn put(conn: &mut SqliteConnection, search: &WindowSearch) -> Result<(), Failure> {
    let key = study::key(conn, &search.study_id).await?;
    sqlx::query(
        "INSERT INTO window_searches (study_key, number, trials, json) VALUES (?, ?, ?, ?)
         ON CONFLICT (study_key, number) DO UPDATE SET
             trials = excluded.trials, json = excluded.json
         WHERE trials <= excluded.trials",
    )
    .bind(key)
    .bind(search.window)
    .bind(integer(search.trials))
    .bind(search.json.clone())
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn list(
    conn: &mut SqliteConnection,
    study_id: &RecordId,
) -> Result<Vec<WindowSearch>, Failure> {
    let key = study::key(conn, study_id).await?;
    let read = |row: &SqliteRow| {
        Ok(WindowSearch {
            study_id: study_id.clone(),
            window: row.try_get("number")?,
            trials: count(row, "trials")?,
            json: row.try_get("json")?,
        })
    };
    let query = "SELECT * FROM window_searches WHERE study_key = ? ORDER BY number";
    sqlx::query(query).bind(key).fetch_all(conn).await?.iter().map(read).collect()
}
