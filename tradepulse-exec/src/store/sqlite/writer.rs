//! The one connection that writes.

use std::path::{Path, PathBuf};

use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::sync::{Mutex, MutexGuard};
use tradepulse_core::store::StoreError;

use super::{
    error::{Failure, failed},
    schema::execute,
};

/// Writes one after another, each in a transaction that takes the right to write at once.
#[derive(Debug)]
pub(super) struct Writer {
    path: PathBuf,
    options: SqliteConnectOptions,
    /// Not there while a transaction is open: what ends it otherwise than by its end (an error, a
    /// caller that stops waiting) drops the connection, which undoes the transaction.
    connection: Mutex<Option<SqliteConnection>>,
}

impl Writer {
    pub(super) fn new(
        path: PathBuf,
        options: SqliteConnectOptions,
        connection: SqliteConnection,
    ) -> Self {
        Self { path, options, connection: Mutex::new(Some(connection)) }
    }

    /// Closes the connection in good order.
    pub(super) async fn close(self) {
        if let Some(connection) = self.connection.into_inner() {
            // Nothing is lost if this fails: everything is on the disk.
            let _ = connection.close().await;
        }
    }

    /// Begins a transaction, once all that began before have ended.
    pub(super) async fn begin(&self) -> Result<Writing<'_>, StoreError> {
        let mut slot = self.connection.lock().await;
        let mut connection = match slot.take() {
            Some(connection) => connection,
            None => self.options.connect().await.map_err(|e| failed(&self.path, e))?,
        };
        match execute(&mut connection, "BEGIN IMMEDIATE").await {
            Ok(()) => Ok(Writing { path: &self.path, slot, connection }),
            Err(error) => {
                *slot = Some(connection);
                Err(failed(&self.path, error))
            }
        }
    }
}

/// A transaction.
pub(super) struct Writing<'a> {
    path: &'a Path,
    slot: MutexGuard<'a, Option<SqliteConnection>>,
    connection: SqliteConnection,
}

impl Writing<'_> {
    /// The connection it runs on.
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }

    /// Ends it: with what was written if that went well, else without. What is returned as `Ok` is
    /// on the disk.
    pub(super) async fn end<T>(mut self, written: Result<T, Failure>) -> Result<T, StoreError> {
        let ended = match written {
            Ok(value) => {
                execute(&mut self.connection, "COMMIT").await.map(|()| value).map_err(Into::into)
            }
            Err(failure) => Err(failure),
        };
        // Where SQLite has undone it already there is nothing to roll back, and a new connection
        // is the sure way to a clean state.
        if ended.is_ok() || execute(&mut self.connection, "ROLLBACK").await.is_ok() {
            *self.slot = Some(self.connection);
        }
        ended.map_err(|failure| failure.at(self.path))
    }
}
