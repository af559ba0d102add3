//! The one connection that writes.

use std::path::{Path, PathBuf};

use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::sync::{Mutex, MutexGuard};
use tradepulse_core::store::StoreError;

use super::{
    error::{Failure, failed},
    schema::execute,
};

/// When what a transaction wrote is on the disk: SQLite's `synchronous`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Synchronous {
    /// Before its end returns.
    Full,
    /// With a later one that is.
    Normal,
}

/// A connection, and the level it is at.
#[derive(Debug)]
struct Connected {
    connection: SqliteConnection,
    level: Synchronous,
}

impl Connected {
    async fn set(&mut self, level: Synchronous) -> Result<(), sqlx::Error> {
        if self.level != level {
            let pragma = match level {
                Synchronous::Full => "PRAGMA synchronous = FULL",
                Synchronous::Normal => "PRAGMA synchronous = NORMAL",
            };
            execute(&mut self.connection, pragma).await?;
            self.level = level;
        }
        Ok(())
    }
}

/// Writes one after another, each in a transaction that takes the right to write at once.
#[derive(Debug)]
pub(super) struct Writer {
    path: PathBuf,
    options: SqliteConnectOptions,
    /// Not there while a transaction is open: what ends it otherwise than by its end (an error, a
    /// caller that stops waiting) drops the connection, which undoes the transaction.
    connection: Mutex<Option<Connected>>,
}

impl Writer {
    pub(super) fn new(
        path: PathBuf,
        options: SqliteConnectOptions,
        connection: SqliteConnection,
    ) -> Self {
        let connected = Connected { connection, level: Synchronous::Full };
        Self { path, options, connection: Mutex::new(Some(connected)) }
    }

    /// Closes the connection in good order.
    pub(super) async fn close(self) {
        if let Some(connected) = self.connection.into_inner() {
            // Nothing is lost if this fails: everything is in the file or its log.
            let _ = connected.connection.close().await;
        }
    }

    /// Begins a transaction, once all that began before have ended.
    pub(super) async fn begin(&self, level: Synchronous) -> Result<Writing<'_>, StoreError> {
        let mut slot = self.connection.lock().await;
        let mut connected = match slot.take() {
            Some(connected) => connected,
            None => {
                let connection = self.options.connect().await.map_err(|e| failed(&self.path, e))?;
                Connected { connection, level: Synchronous::Full }
            }
        };
        connected.set(level).await.map_err(|e| failed(&self.path, e))?;
        match execute(&mut connected.connection, "BEGIN IMMEDIATE").await {
            Ok(()) => Ok(Writing { path: &self.path, slot, connected }),
            Err(error) => {
                *slot = Some(connected);
                Err(failed(&self.path, error))
            }
        }
    }
}

/// A transaction.
pub(super) struct Writing<'a> {
    path: &'a Path,
    slot: MutexGuard<'a, Option<Connected>>,
    connected: Connected,
}

impl Writing<'_> {
    /// The connection it runs on.
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.connected.connection
    }

    /// Ends it: with what was written if that went well, else without. What is returned as `Ok` is
    /// in the file, and on the disk as its level says.
    pub(super) async fn end<T>(mut self, written: Result<T, Failure>) -> Result<T, StoreError> {
        let ended = match written {
            Ok(value) => {
                execute(self.connection(), "COMMIT").await.map(|()| value).map_err(Into::into)
            }
            Err(failure) => Err(failure),
        };
        // Where SQLite has undone it already there is nothing to roll back, and a new connection
        // is the sure way to a clean state.
        if ended.is_ok() || execute(self.connection(), "ROLLBACK").await.is_ok() {
            *self.slot = Some(self.connected);
        }
        ended.map_err(|failure| failure.at(self.path))
    }
}
