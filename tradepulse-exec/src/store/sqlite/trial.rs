//! Trials, the state of searches, the ledger.

use std::sync::LazyLock;

use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use tradepulse_core::store::{
    Ledger, LedgerEntry, LedgerScope, Page, RecordId, SearchState, TrialBatch, TrialOutcome,
    TrialRecord,
};

use super::{
    error::{Failure, readable},
    row::{Bound, count, integer, json, paged, parsed},
    study,
};

/// Statements that put 1, 2, 4, … 128 trials: a batch of any size takes few of them, and there
/// are few to prepare.
static PUT: LazyLock<[String; 8]> = LazyLock::new(|| {
    std::array::from_fn(|power| {
        let rows = vec!["(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"; 1 << power];
        format!(
            "INSERT INTO trials (study_key, number, parameters, objectives, infeasible_reason,
                 violation, metrics, sharpe, pruned, seconds)
             VALUES {}
             ON CONFLICT (study_key, number) DO UPDATE SET
                 parameters = excluded.parameters, objectives = excluded.objectives,
                 infeasible_reason = excluded.infeasible_reason, violation = excluded.violation,
                 metrics = excluded.metrics, sharpe = excluded.sharpe, pruned = excluded.pruned,
                 seconds = excluded.seconds",
            rows.join(", ")
        )
    })
});

pub(super) async fn put_batch(
    conn: &mut SqliteConnection,
    batch: &TrialBatch,
) -> Result<(), Failure> {
    let key = study::key(conn, &batch.study_id).await?;
    let stored = sqlx::query("SELECT batch FROM search_states WHERE study_key = ?")
        .bind(key)
        .fetch_optional(&mut *conn)
        .await?;
    batch.follows(stored.map_or(Ok(0), |row| count(&row, "batch"))?)?;
    let mut rest = &batch.trials[..];
    for (power, sql) in PUT.iter().enumerate().rev() {
        while rest.len() >= 1 << power {
            let (rows, others) = rest.split_at(1 << power);
            let query = rows.iter().fold(sqlx::query(sql.as_str()), |query, t| bind(query, key, t));
            query.execute(&mut *conn).await?;
            rest = others;
        }
    }
    if let Some(state) = &batch.state {
        sqlx::query(
            "INSERT INTO search_states (study_key, batch, json) VALUES (?, ?, ?)
             ON CONFLICT (study_key) DO UPDATE SET batch = excluded.batch, json = excluded.json",
        )
        .bind(key)
        .bind(integer(state.batch))
        .bind(state.json.clone())
        .execute(&mut *conn)
        .await?;
    }
    sqlx::query("UPDATE studies SET updated_at = ? WHERE key = ?")
        .bind(batch.at.as_ms())
        .bind(key)
        .execute(conn)
        .await?;
    Ok(())
}

fn bind(query: Bound, study_key: i64, trial: &TrialRecord) -> Bound {
    let (objectives, reason, violation) = match &trial.outcome {
        TrialOutcome::Feasible(o) => (Some(serde_json::Value::from(o.clone())), None, None),
        TrialOutcome::Infeasible { reason, violation } => (None, Some(reason.clone()), *violation),
    };
    query
        .bind(study_key)
        .bind(integer(trial.number))
        .bind(trial.parameters.to_string())
        .bind(objectives.map(|o| o.to_string()))
        .bind(reason)
        .bind(violation)
        .bind(trial.metrics.as_ref().map(ToString::to_string))
        .bind(trial.sharpe)
        .bind(trial.pruned)
        .bind(trial.seconds)
}

pub(super) async fn list(
    conn: &mut SqliteConnection,
    study_id: &RecordId,
    page: Page,
) -> Result<Vec<TrialRecord>, Failure> {
    let key = study::key(conn, study_id).await?;
    let query = "SELECT * FROM trials WHERE study_key = ? ORDER BY number LIMIT ? OFFSET ?";
    let query = paged(sqlx::query(query).bind(key), page);
    query.fetch_all(conn).await?.iter().map(read).collect()
}

fn read(row: &SqliteRow) -> Result<TrialRecord, Failure> {
    let outcome = match row.try_get::<Option<&str>, _>("objectives")? {
        Some(text) => TrialOutcome::Feasible(readable("objectives", serde_json::from_str(text))?),
        None => TrialOutcome::Infeasible {
            reason: row.try_get("infeasible_reason")?,
            violation: row.try_get("violation")?,
        },
    };
    let metrics = match row.try_get::<Option<&str>, _>("metrics")? {
        Some(_) => Some(json(row, "metrics")?),
        None => None,
    };
    Ok(TrialRecord {
        number: count(row, "number")?,
        parameters: json(row, "parameters")?,
        outcome,
        metrics,
        sharpe: row.try_get("sharpe")?,
        pruned: row.try_get("pruned")?,
        seconds: row.try_get("seconds")?,
    })
}

pub(super) async fn state(
    conn: &mut SqliteConnection,
    study_id: &RecordId,
) -> Result<Option<SearchState>, Failure> {
    let key = study::key(conn, study_id).await?;
    let row = sqlx::query("SELECT batch, json FROM search_states WHERE study_key = ?")
        .bind(key)
        .fetch_optional(conn)
        .await?;
    let read = |row: SqliteRow| {
        Ok(SearchState { batch: count(&row, "batch")?, json: row.try_get("json")? })
    };
    row.map(read).transpose()
}

/// A query over the studies (`s`) of a scope and a table of theirs (`t`, the trials if nothing else is
/// said), given as the text before and behind the condition.
macro_rules! of_scope {
    ($scope:expr, $before:literal, $behind:literal) => {
        of_scope!($scope, "trials", $before, $behind)
    };
    ($scope:expr, $table:literal, $before:literal, $behind:literal) => {
        match $scope {
            LedgerScope::Data { strategy, data_fingerprint } => sqlx::query(concat!(
                $before,
                " FROM studies s JOIN ",
                $table,
                " t ON t.study_key = s.key
                  WHERE s.strategy = ?1 AND s.data_fingerprint = ?2 ",
                $behind
            ))
            .bind(strategy.clone())
            .bind(data_fingerprint.clone())
            .bind(None::<i64>)
            .bind(None::<i64>),
            LedgerScope::Market { strategy, exchange, pair, timeframe } => sqlx::query(concat!(
                $before,
                " FROM studies s JOIN ",
                $table,
                " t ON t.study_key = s.key
                  WHERE s.strategy = ?1 AND s.exchange = ?2 AND s.pair = ?3 AND s.timeframe = ?4 ",
                $behind
            ))
            .bind(strategy.clone())
            .bind(exchange.to_string())
            .bind(pair.to_string())
            .bind(timeframe.to_string()),
        }
    };
}

pub(super) async fn ledger(
    conn: &mut SqliteConnection,
    scope: &LedgerScope,
) -> Result<Ledger, Failure> {
    let sums = of_scope!(
        scope,
        "SELECT COUNT(DISTINCT s.key) AS studies, COUNT(*) AS trials,
             COUNT(t.sharpe) AS with_sharpe, AVG(t.sharpe) AS mean, MAX(t.sharpe) AS largest",
        ""
    );
    let row = sums.fetch_one(&mut *conn).await?;
    let mean: Option<f64> = row.try_get("mean")?;
    let squares =
        of_scope!(scope, "SELECT SUM((t.sharpe - ?5) * (t.sharpe - ?5)) AS squares", "").bind(mean);
    let squares: Option<f64> = squares.fetch_one(&mut *conn).await?.try_get("squares")?;
    let windows =
        of_scope!(scope, "window_searches", "SELECT COALESCE(SUM(t.trials), 0) AS trials", "");
    let window_trials = count(&windows.fetch_one(conn).await?, "trials")?;
    let with_sharpe = count(&row, "with_sharpe")?;
    Ok(Ledger {
        studies: count(&row, "studies")?,
        trials: count(&row, "trials")? + window_trials,
        window_trials,
        with_sharpe,
        sharpe_mean: mean,
        sharpe_variance: squares
            .filter(|_| with_sharpe > 1)
            .map(|squares| squares / (with_sharpe - 1) as f64),
        sharpe_max: row.try_get("largest")?,
    })
}

pub(super) async fn ledger_entries(
    conn: &mut SqliteConnection,
    scope: &LedgerScope,
    page: Page,
) -> Result<Vec<LedgerEntry>, Failure> {
    let query = of_scope!(
        scope,
        "SELECT s.id, s.regime, s.strategy_version, t.number, t.objectives IS NOT NULL AS feasible,
             t.pruned, t.sharpe",
        "ORDER BY s.id, t.number LIMIT ?5 OFFSET ?6"
    );
    let read = |row: &SqliteRow| {
        Ok(LedgerEntry {
            study_id: parsed(row, "id")?,
            regime: parsed(row, "regime")?,
            strategy_version: row.try_get("strategy_version")?,
            number: count(row, "number")?,
            feasible: row.try_get("feasible")?,
            pruned: row.try_get("pruned")?,
            sharpe: row.try_get("sharpe")?,
        })
    };
    paged(query, page).fetch_all(conn).await?.iter().map(read).collect()
}
