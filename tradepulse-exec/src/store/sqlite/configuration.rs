//! Configurations and their events.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use tradepulse_core::{
    store::{
        ChangeKind, ConfigurationChange, ConfigurationEvent, ConfigurationFilter, Json, Page,
        RecordId, Stage, StoreError, TrainedConfiguration,
    },
    time::Timestamp,
};

use super::{
    error::{Failure, readable},
    row::{bind_column, count, instant, integer, json as json_column, paged, parsed, read_column},
    study::bind_cell,
};

static PUT: LazyLock<String> = LazyLock::new(|| {
    let names: Vec<_> = TrainedConfiguration::columns().map(|c| c.name).collect();
    let changed = names.iter().filter(|name| **name != "id");
    let changes: Vec<_> = changed.map(|name| format!("{name} = excluded.{name}")).collect();
    format!(
        "INSERT INTO trained_configurations ({}) VALUES ({}) ON CONFLICT (id) DO UPDATE SET {}",
        names.join(", "),
        vec!["?"; names.len()].join(", "),
        changes.join(", ")
    )
});

pub(super) async fn put(
    conn: &mut SqliteConnection,
    configuration: &TrainedConfiguration,
    causes: &Json,
) -> Result<(), Failure> {
    if let Some((_, stored)) = find(conn, &configuration.id).await? {
        return write(conn, &stored.accept(configuration)?).await;
    }
    let new = configuration.clone().inactive();
    write(conn, &new).await?;
    let (key, _) = existing(conn, &new.id).await?;
    let event = ConfigurationEvent {
        configuration_id: new.id.clone(),
        sequence: 1,
        at: new.created_at,
        kind: ChangeKind::Created,
        from_stage: None,
        to_stage: new.status,
        causes: causes.clone(),
        note: None,
    };
    note(conn, key, event).await.map(|_| ())
}

async fn write(
    conn: &mut SqliteConnection,
    configuration: &TrainedConfiguration,
) -> Result<(), Failure> {
    let record = readable("configuration", serde_json::to_value(configuration))?;
    let empty = Map::new();
    let record = record.as_object().unwrap_or(&empty);
    let mut query = sqlx::query(PUT.as_str());
    for column in TrainedConfiguration::columns() {
        query = bind_column(query, record, column)?;
    }
    query.execute(conn).await?;
    Ok(())
}

async fn find(
    conn: &mut SqliteConnection,
    id: &RecordId,
) -> Result<Option<(i64, TrainedConfiguration)>, Failure> {
    let row = sqlx::query("SELECT * FROM trained_configurations WHERE id = ?")
        .bind(id.to_string())
        .fetch_optional(conn)
        .await?;
    row.map(|row| Ok((row.try_get("key")?, read(&row)?))).transpose()
}

/// A configuration that is there, and its key.
async fn existing(
    conn: &mut SqliteConnection,
    id: &RecordId,
) -> Result<(i64, TrainedConfiguration), Failure> {
    Ok(find(conn, id).await?.ok_or_else(|| StoreError::not_found("configuration", id))?)
}

pub(super) async fn get(
    conn: &mut SqliteConnection,
    id: &RecordId,
) -> Result<TrainedConfiguration, Failure> {
    existing(conn, id).await.map(|(_, configuration)| configuration)
}

pub(super) async fn list(
    conn: &mut SqliteConnection,
    filter: &ConfigurationFilter,
    page: Page,
) -> Result<Vec<TrainedConfiguration>, Failure> {
    let query = sqlx::query(
        "SELECT * FROM trained_configurations
         WHERE (?1 IS NULL OR strategy = ?1) AND (?2 IS NULL OR exchange = ?2)
             AND (?3 IS NULL OR pair = ?3) AND (?4 IS NULL OR timeframe = ?4)
             AND (?5 IS NULL OR regime = ?5) AND (?6 IS NULL OR status = ?6)
             AND (?7 IS NULL OR is_active = ?7) AND (?8 IS NULL OR study_id = ?8)
         ORDER BY created_at DESC, id LIMIT ?9 OFFSET ?10",
    );
    let query = bind_cell(query, &filter.cell)
        .bind(filter.status.map(Stage::as_str))
        .bind(filter.is_active)
        .bind(filter.study_id.as_ref().map(ToString::to_string));
    paged(query, page).fetch_all(conn).await?.iter().map(read).collect()
}

fn read(row: &SqliteRow) -> Result<TrainedConfiguration, Failure> {
    let entries = TrainedConfiguration::columns()
        .map(|column| Ok((column.name.to_owned(), read_column(row, column)?)));
    let record = Value::Object(entries.collect::<Result<_, Failure>>()?);
    readable("trained_configurations", serde_json::from_value(record))
}

pub(super) async fn change(
    conn: &mut SqliteConnection,
    change: &ConfigurationChange,
) -> Result<Vec<ConfigurationEvent>, Failure> {
    let (key, mut subject) = existing(conn, change.id()).await?;
    match change {
        ConfigurationChange::Activate { id, at, causes, note } => {
            if subject.is_active {
                return Ok(Vec::new());
            }
            let mut events = Vec::new();
            if let Some((key, rival)) = active_in_cell_of(conn, &subject).await? {
                let causes = json!({"replaced_by": id});
                events.push(set_active(conn, key, rival, false, *at, &causes, &None).await?);
            }
            events.push(set_active(conn, key, subject, true, *at, causes, note).await?);
            Ok(events)
        }
        ConfigurationChange::Deactivate { at, causes, note, .. } => {
            if !subject.is_active {
                return Ok(Vec::new());
            }
            Ok(vec![set_active(conn, key, subject, false, *at, causes, note).await?])
        }
        ConfigurationChange::Stage { id, at, from, to, causes, note: words } => {
            if subject.status == *to {
                return Ok(Vec::new());
            }
            if subject.status != *from {
                return Err(StoreError::other_stage(id, subject.status, *from).into());
            }
            subject.status = *to;
            subject.updated_at = *at;
            write(conn, &subject).await?;
            let event = ConfigurationEvent {
                configuration_id: id.clone(),
                sequence: next_sequence(conn, key).await?,
                at: *at,
                kind: ChangeKind::Stage,
                from_stage: Some(*from),
                to_stage: *to,
                causes: causes.clone(),
                note: words.clone(),
            };
            Ok(vec![note(conn, key, event).await?])
        }
    }
}

async fn active_in_cell_of(
    conn: &mut SqliteConnection,
    configuration: &TrainedConfiguration,
) -> Result<Option<(i64, TrainedConfiguration)>, Failure> {
    let cell = &configuration.cell;
    let row = sqlx::query(
        "SELECT * FROM trained_configurations
         WHERE strategy = ? AND exchange = ? AND pair = ? AND timeframe = ? AND regime = ?
             AND is_active = 1",
    )
    .bind(cell.strategy.clone())
    .bind(cell.exchange.to_string())
    .bind(cell.pair.to_string())
    .bind(cell.timeframe.to_string())
    .bind(cell.regime.as_str())
    .fetch_optional(conn)
    .await?;
    row.map(|row| Ok((row.try_get("key")?, read(&row)?))).transpose()
}

async fn set_active(
    conn: &mut SqliteConnection,
    key: i64,
    mut configuration: TrainedConfiguration,
    active: bool,
    at: Timestamp,
    causes: &Json,
    words: &Option<String>,
) -> Result<ConfigurationEvent, Failure> {
    configuration.is_active = active;
    configuration.updated_at = at;
    let kind = if active {
        configuration.activation_date = Some(at);
        ChangeKind::Activated
    } else {
        configuration.deactivated_at = Some(at);
        ChangeKind::Deactivated
    };
    write(conn, &configuration).await?;
    let event = ConfigurationEvent {
        configuration_id: configuration.id,
        sequence: next_sequence(conn, key).await?,
        at,
        kind,
        from_stage: Some(configuration.status),
        to_stage: configuration.status,
        causes: causes.clone(),
        note: words.clone(),
    };
    note(conn, key, event).await
}

async fn next_sequence(conn: &mut SqliteConnection, key: i64) -> Result<u64, Failure> {
    let query = "SELECT COALESCE(MAX(sequence), 0) + 1 AS next FROM configuration_events
                 WHERE configuration_key = ?";
    count(&sqlx::query(query).bind(key).fetch_one(conn).await?, "next")
}

async fn note(
    conn: &mut SqliteConnection,
    key: i64,
    event: ConfigurationEvent,
) -> Result<ConfigurationEvent, Failure> {
    sqlx::query(
        "INSERT INTO configuration_events
             (configuration_key, sequence, at, kind, from_stage, to_stage, causes, note)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(key)
    .bind(integer(event.sequence))
    .bind(event.at.as_ms())
    .bind(event.kind.as_str())
    .bind(event.from_stage.map(Stage::as_str))
    .bind(event.to_stage.as_str())
    .bind(event.causes.to_string())
    .bind(event.note.clone())
    .execute(conn)
    .await?;
    Ok(event)
}

pub(super) async fn events(
    conn: &mut SqliteConnection,
    id: &RecordId,
    page: Page,
) -> Result<Vec<ConfigurationEvent>, Failure> {
    let (key, _) = existing(conn, id).await?;
    let query = "SELECT * FROM configuration_events WHERE configuration_key = ?
                 ORDER BY sequence LIMIT ? OFFSET ?";
    let rows = paged(sqlx::query(query).bind(key), page).fetch_all(conn).await?;
    let read = |row: &SqliteRow| {
        let from_stage = match row.try_get::<Option<&str>, _>("from_stage")? {
            Some(_) => Some(parsed(row, "from_stage")?),
            None => None,
        };
        Ok(ConfigurationEvent {
            configuration_id: id.clone(),
            sequence: count(row, "sequence")?,
            at: instant(row, "at")?,
            kind: parsed(row, "kind")?,
            from_stage,
            to_stage: parsed(row, "to_stage")?,
            causes: json_column(row, "causes")?,
            note: row.try_get("note")?,
        })
    };
    rows.iter().map(read).collect()
}

pub(super) async fn delete(conn: &mut SqliteConnection, id: &RecordId) -> Result<(), Failure> {
    let (key, configuration) = existing(conn, id).await?;
    if configuration.is_active {
        return Err(StoreError::active_configuration(id).into());
    }
    sqlx::query("DELETE FROM trained_configurations WHERE key = ?").bind(key).execute(conn).await?;
    Ok(())
}
