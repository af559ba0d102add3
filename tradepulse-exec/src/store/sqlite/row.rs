//! Values between rows and records.

use serde_json::{Map, Number, Value};
use sqlx::{Row, Sqlite, query::Query, sqlite::SqliteArguments, sqlite::SqliteRow};
use tradepulse_core::{
    store::{Column, ColumnKind, Json, Page},
    time::Timestamp,
};

use super::error::{Failure, readable};

/// A query with its values.
pub(super) type Bound = Query<'static, Sqlite, SqliteArguments>;

/// A stored text in its type.
pub(super) fn parsed<T>(row: &SqliteRow, column: &str) -> Result<T, Failure>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    readable(column, row.try_get::<&str, _>(column)?.parse())
}

/// A stored JSON.
pub(super) fn json(row: &SqliteRow, column: &str) -> Result<Json, Failure> {
    readable(column, serde_json::from_str(row.try_get::<&str, _>(column)?))
}

/// A stored instant.
pub(super) fn instant(row: &SqliteRow, column: &str) -> Result<Timestamp, Failure> {
    Ok(Timestamp::from_ms(row.try_get(column)?))
}

/// A stored count.
pub(super) fn count(row: &SqliteRow, column: &str) -> Result<u64, Failure> {
    readable(column, u64::try_from(row.try_get::<i64, _>(column)?))
}

/// A whole number that has been checked to fit.
pub(super) fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// `query` with the limit and offset of `page`.
pub(super) fn paged(query: Bound, page: Page) -> Bound {
    query.bind(integer(page.limit)).bind(integer(page.offset))
}

/// `query` with the entry of a flat JSON record that belongs to `column`.
pub(super) fn bind_column(
    query: Bound,
    record: &Map<String, Value>,
    column: Column,
) -> Result<Bound, Failure> {
    let value = record.get(column.name).unwrap_or(&Value::Null);
    if value.is_null() && column.optional {
        return Ok(query.bind(None::<i64>));
    }
    let wrong = || Failure::Unreadable(format!("{} is not a {:?}", column.name, column.kind));
    Ok(match column.kind {
        ColumnKind::Real => query.bind(value.as_f64().ok_or_else(wrong)?),
        ColumnKind::Integer => query.bind(value.as_i64().ok_or_else(wrong)?),
        ColumnKind::BigInteger => query.bind(value.as_u64().ok_or_else(wrong)?.to_string()),
        ColumnKind::Bool => query.bind(value.as_bool().ok_or_else(wrong)?),
        ColumnKind::Text => query.bind(value.as_str().ok_or_else(wrong)?.to_owned()),
        ColumnKind::Json => query.bind(value.to_string()),
    })
}

/// The entry of a flat JSON record that `column` of a row gives.
pub(super) fn read_column(row: &SqliteRow, column: Column) -> Result<Value, Failure> {
    let name = column.name;
    let value = match column.kind {
        ColumnKind::Real => {
            row.try_get::<Option<f64>, _>(name)?.and_then(Number::from_f64).map(Value::Number)
        }
        ColumnKind::Integer => row.try_get::<Option<i64>, _>(name)?.map(Value::from),
        ColumnKind::BigInteger => match row.try_get::<Option<&str>, _>(name)? {
            None => None,
            Some(text) => Some(Value::from(readable(name, text.parse::<u64>())?)),
        },
        ColumnKind::Bool => row.try_get::<Option<bool>, _>(name)?.map(Value::Bool),
        ColumnKind::Text => row.try_get::<Option<String>, _>(name)?.map(Value::String),
        ColumnKind::Json => match row.try_get::<Option<&str>, _>(name)? {
            None => None,
            Some(text) => Some(readable(name, serde_json::from_str(text))?),
        },
    };
    Ok(value.unwrap_or(Value::Null))
}
