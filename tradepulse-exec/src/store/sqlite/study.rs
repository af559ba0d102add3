//! Studies.

use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use tradepulse_core::store::{
    Cell, CellFilter, Page, RecordId, StoreError, StudyFilter, StudyRecord, StudyStatus,
};

use super::{
    error::Failure,
    row::{Bound, count, instant, integer, json, paged, parsed},
};

/// The key of a study that is there.
pub(super) async fn key(conn: &mut SqliteConnection, id: &RecordId) -> Result<i64, Failure> {
    let row = sqlx::query("SELECT key FROM studies WHERE id = ? AND NOT deleted")
        .bind(id.to_string())
        .fetch_optional(conn)
        .await?;
    Ok(row.ok_or_else(|| StoreError::not_found("study", id))?.try_get(0)?)
}

pub(super) async fn put(conn: &mut SqliteConnection, study: &StudyRecord) -> Result<(), Failure> {
    let stored = sqlx::query("SELECT * FROM studies WHERE id = ?")
        .bind(study.id.to_string())
        .fetch_optional(&mut *conn)
        .await?;
    if let Some(stored) = stored {
        if stored.try_get("deleted")? {
            return Err(StoreError::deleted_study(&study.id).into());
        }
        read(&stored)?.accept(study)?;
        sqlx::query(
            "UPDATE studies SET status = ?, note = ?, trials_wanted = ?, updated_at = ?
             WHERE id = ?",
        )
        .bind(study.status.as_str())
        .bind(study.note.clone())
        .bind(integer(study.trials_wanted))
        .bind(study.updated_at.as_ms())
        .bind(study.id.to_string())
        .execute(conn)
        .await?;
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO studies (id, strategy, exchange, pair, timeframe, regime, strategy_version,
             space, method, seed, trials_wanted, objective, windows, data_fingerprint, data_from,
             data_to, engine_version, status, note, created_at, updated_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(study.id.to_string())
    .bind(study.cell.strategy.clone())
    .bind(study.cell.exchange.to_string())
    .bind(study.cell.pair.to_string())
    .bind(study.cell.timeframe.to_string())
    .bind(study.cell.regime.as_str())
    .bind(study.strategy_version)
    .bind(study.space.to_string())
    .bind(study.method.to_string())
    .bind(study.seed.to_string())
    .bind(integer(study.trials_wanted))
    .bind(study.objective.to_string())
    .bind(study.windows.to_string())
    .bind(study.data_fingerprint.clone())
    .bind(study.data_from.as_ms())
    .bind(study.data_to.as_ms())
    .bind(study.engine_version.clone())
    .bind(study.status.as_str())
    .bind(study.note.clone())
    .bind(study.created_at.as_ms())
    .bind(study.updated_at.as_ms())
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn get(
    conn: &mut SqliteConnection,
    id: &RecordId,
) -> Result<StudyRecord, Failure> {
    let row = sqlx::query("SELECT * FROM studies WHERE id = ? AND NOT deleted")
        .bind(id.to_string())
        .fetch_optional(conn)
        .await?;
    read(&row.ok_or_else(|| StoreError::not_found("study", id))?)
}

pub(super) async fn list(
    conn: &mut SqliteConnection,
    filter: &StudyFilter,
    page: Page,
) -> Result<Vec<StudyRecord>, Failure> {
    let query = sqlx::query(
        "SELECT * FROM studies
         WHERE NOT deleted
             AND (?1 IS NULL OR strategy = ?1) AND (?2 IS NULL OR exchange = ?2)
             AND (?3 IS NULL OR pair = ?3) AND (?4 IS NULL OR timeframe = ?4)
             AND (?5 IS NULL OR regime = ?5) AND (?6 IS NULL OR status = ?6)
             AND (?7 IS NULL OR data_fingerprint = ?7)
         ORDER BY created_at DESC, id LIMIT ?8 OFFSET ?9",
    );
    let query = bind_cell(query, &filter.cell)
        .bind(filter.status.map(StudyStatus::as_str))
        .bind(filter.data_fingerprint.clone());
    paged(query, page).fetch_all(conn).await?.iter().map(read).collect()
}

/// Leaves of a study what the ledger needs.
pub(super) async fn delete(conn: &mut SqliteConnection, id: &RecordId) -> Result<(), Failure> {
    let study = get(conn, id).await?;
    if study.status == StudyStatus::Running {
        return Err(StoreError::running_study(id).into());
    }
    let key = key(conn, id).await?;
    for step in [
        "UPDATE studies SET deleted = 1, space = 'null', note = NULL WHERE key = ?",
        "UPDATE trials SET parameters = 'null', metrics = NULL WHERE study_key = ?",
        "DELETE FROM search_states WHERE study_key = ?",
        "UPDATE window_searches SET json = '' WHERE study_key = ?",
    ] {
        sqlx::query(step).bind(key).execute(&mut *conn).await?;
    }
    Ok(())
}

/// `query` with the five values of a filter of cells.
pub(super) fn bind_cell(query: Bound, filter: &CellFilter) -> Bound {
    query
        .bind(filter.strategy.clone())
        .bind(filter.exchange.as_ref().map(ToString::to_string))
        .bind(filter.pair.as_ref().map(ToString::to_string))
        .bind(filter.timeframe.map(|t| t.to_string()))
        .bind(filter.regime.map(|r| r.as_str()))
}

fn read(row: &SqliteRow) -> Result<StudyRecord, Failure> {
    Ok(StudyRecord {
        id: parsed(row, "id")?,
        cell: Cell {
            strategy: row.try_get("strategy")?,
            exchange: parsed(row, "exchange")?,
            pair: parsed(row, "pair")?,
            timeframe: parsed(row, "timeframe")?,
            regime: parsed(row, "regime")?,
        },
        strategy_version: row.try_get("strategy_version")?,
        space: json(row, "space")?,
        method: json(row, "method")?,
        seed: parsed(row, "seed")?,
        trials_wanted: count(row, "trials_wanted")?,
        objective: json(row, "objective")?,
        windows: json(row, "windows")?,
        data_fingerprint: row.try_get("data_fingerprint")?,
        data_from: instant(row, "data_from")?,
        data_to: instant(row, "data_to")?,
        engine_version: row.try_get("engine_version")?,
        status: parsed(row, "status")?,
        note: row.try_get("note")?,
        created_at: instant(row, "created_at")?,
        updated_at: instant(row, "updated_at")?,
    })
}
