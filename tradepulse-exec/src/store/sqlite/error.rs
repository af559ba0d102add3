use std::{io, path::Path};

use tradepulse_core::store::StoreError;

/// Primary result codes of SQLite (<https://sqlite.org/rescode.html>).
mod code {
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const CORRUPT: i32 = 11;
    pub(super) const FULL: i32 = 13;
    pub(super) const PROTOCOL: i32 = 15;
    pub(super) const NOT_A_DATABASE: i32 = 26;
}

/// What a failure of SQLite means to the caller.
pub(super) fn failed(path: &Path, error: sqlx::Error) -> StoreError {
    let place = path.display().to_string();
    let found = match &error {
        sqlx::Error::Database(e) => e.code().and_then(|c| c.parse::<i32>().ok()).map(|c| c & 0xff),
        sqlx::Error::PoolTimedOut => Some(code::BUSY),
        _ => None,
    };
    match found {
        Some(code::BUSY | code::LOCKED | code::PROTOCOL) => {
            StoreError::Busy { place, reason: error.to_string() }
        }
        Some(code::FULL) => StoreError::Full { place },
        Some(code::CORRUPT | code::NOT_A_DATABASE) => {
            StoreError::Corrupt { place, reason: error.to_string() }
        }
        _ => match error {
            sqlx::Error::Io(error) => io_failed(path, error),
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
                StoreError::Corrupt { place, reason: error.to_string() }
            }
            error => StoreError::Io { place, source: Box::new(error) },
        },
    }
}

/// What a refusal of the system means to the caller.
pub(in crate::store) fn io_failed(path: &Path, error: io::Error) -> StoreError {
    let place = path.display().to_string();
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full { place },
        _ => StoreError::Io { place, source: Box::new(error) },
    }
}

/// Why a step within a transaction failed: SQLite, or what is stored.
#[derive(Debug)]
pub(super) enum Failure {
    /// SQLite failed.
    Sql(sqlx::Error),
    /// The store refuses.
    Store(StoreError),
    /// A stored value that cannot be.
    Unreadable(String),
}

impl Failure {
    /// The error for the caller.
    pub(super) fn at(self, path: &Path) -> StoreError {
        match self {
            Self::Sql(error) => failed(path, error),
            Self::Store(error) => error,
            Self::Unreadable(reason) => {
                StoreError::Corrupt { place: path.display().to_string(), reason }
            }
        }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Puts a stored value into its type; what cannot be is damage.
pub(super) fn readable<T, E: std::fmt::Display>(
    column: &str,
    value: Result<T, E>,
) -> Result<T, Failure> {
    value.map_err(|e| Failure::Unreadable(format!("{column}: {e}")))
}
