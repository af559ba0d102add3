//! Records of training and of trading in a SQLite file in the data directory, `tradepulse.db`: made and brought to
//! the present schema at first use.
//!
//! ```
//! use serde_json::json;
//! use tradepulse_core::store::{
//!     Cell, ConfigurationChange, ConfigurationFilter, Page, RecordId, RegimeScope,
//!     TrainedConfiguration, TrainingStore,
//! };
//! use tradepulse_core::time::{Timeframe, Timestamp};
//! use tradepulse_exec::store::sqlite::SqliteStore;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let store = SqliteStore::open(folder.path()).await?;
//! let cell = Cell {
//!     strategy: "ema_cross".into(),
//!     exchange: "binance".parse()?,
//!     pair: "BTC/USDT".parse()?,
//!     timeframe: Timeframe::M5,
//!     regime: RegimeScope::Any,
//! };
//! let (id, now) = (RecordId::derive(&["ema_cross", "1"]), Timestamp::from_ms(1_704_067_200_000));
//! let configuration = TrainedConfiguration::new(id.clone(), cell, 1, json!({"fast": 20}), now);
//! store.put_configuration(&configuration, &json!(["trained"])).await?;
//! let (causes, note) = (json!(null), Some("looks good".to_owned()));
//! store.change(&ConfigurationChange::Activate { id, at: now, causes, note }).await?;
//! let active = ConfigurationFilter { is_active: Some(true), ..Default::default() };
//! assert_eq!(store.configurations(&active, Page::ALL).await?.len(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! # What holds
//! - Write-ahead log, `synchronous = FULL`: what a method returned `Ok` for is on the disk; neither
//!   `kill -9` nor a power failure undoes it, and what was under way is undone as a whole. Only
//!   journal entries that are appended without `durable` wait (`synchronous = NORMAL`): they are
//!   safe from `kill -9` at once, from a power failure with the next durable write.
//! - One connection writes, in transactions that take the right to write at once
//!   (`BEGIN IMMEDIATE`), so that none fails half-way because of another; others read meanwhile.
//!   Several processes may share the file: a writer waits for another
//!   ([`Options::patience`]), then says [`StoreError::Busy`].
//! - Where there is no room left the write is undone and is [`StoreError::Full`]: what was stored
//!   stays, and the same write succeeds once there is room.
//! - A file that is not ours is left untouched ([`StoreError::Foreign`]), as is one of a later
//!   schema ([`StoreError::Newer`]).
//!
//! How long the journal takes is measured by the bench `coordinator`.
//!
//! Copying, checking and repairing the file: [`maintenance`].

mod configuration;
pub(super) mod error;
mod file;
mod journal;
pub mod maintenance;
mod row;
mod schema;
mod study;
mod trading;
mod trial;
mod window;
mod writer;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use async_trait::async_trait;
use sqlx::{
    ConnectOptions, Sqlite, SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous},
};
use tradepulse_core::store::{
    ConfigurationChange, ConfigurationEvent, ConfigurationFilter, Json, Ledger, LedgerEntry,
    LedgerScope, Page, RecordId, SearchState, StoreError, StudyFilter, StudyRecord,
    TrainedConfiguration, TrainingStore, TrialBatch, TrialRecord, WindowSearch,
};

use self::{
    error::{failed, io_failed},
    file::{Found, Lock},
    writer::{Synchronous, Writer},
};
pub use self::{file::FILE_NAME, schema::SCHEMA_VERSION};

/// How a database is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How long a write waits for a writer in another process.
    pub patience: Duration,
    /// How many may read at once.
    pub readers: u32,
    /// Largest size of the file, pages of 4 KiB; what would exceed it is [`StoreError::Full`].
    pub max_pages: Option<u32>,
}

impl Default for Options {
    /// Five seconds, four readers, no limit of size.
    fn default() -> Self {
        Self { patience: Duration::from_secs(5), readers: 4, max_pages: None }
    }
}

impl Options {
    fn connect(&self, path: &Path) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(self.patience)
            .foreign_keys(true)
            .synchronous(SqliteSynchronous::Full)
            .disable_statement_logging()
    }
}

/// Records of training and of trading in a SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    writer: Writer,
    readers: SqlitePool,
    _lock: Lock,
}

impl SqliteStore {
    /// The database in `data_dir`, made if there is none.
    ///
    /// # Errors
    /// [`StoreError::Foreign`] or [`StoreError::Newer`] if the file is not for this program,
    /// [`StoreError::Busy`] if it stays in use, [`StoreError::Corrupt`] if it is damaged.
    pub async fn open(data_dir: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(data_dir, Options::default()).await
    }

    /// The same, used otherwise.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_with(
        data_dir: impl AsRef<Path>,
        options: Options,
    ) -> Result<Self, StoreError> {
        let (path, lock, _) = prepare(data_dir.as_ref(), options).await?;
        let mut write = options.connect(&path);
        if let Some(pages) = options.max_pages {
            write = write.pragma("max_page_count", pages.to_string());
        }
        let connection = write.connect().await.map_err(|e| failed(&path, e))?;
        let readers = SqlitePoolOptions::new()
            .max_connections(options.readers.max(1))
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_lazy_with(options.connect(&path).pragma("query_only", "ON"));
        let writer = Writer::new(path.clone(), write, connection);
        Ok(Self { path, writer, readers, _lock: lock })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Closes the file in good order. Dropping the store is as safe, but returns before the last
    /// connection is gone.
    pub async fn close(self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    async fn reading(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.readers.begin().await.map_err(|e| failed(&self.path, e))
    }
}

/// Makes the file if there is none, brings it to the present schema and turns write-ahead logging
/// on. Returns the file, the right to use it, and the version it had.
async fn prepare(data_dir: &Path, options: Options) -> Result<(PathBuf, Lock, u32), StoreError> {
    let path = data_dir.join(FILE_NAME);
    if file::inspect(&path)? == Found::Nothing {
        fs::create_dir_all(data_dir).map_err(|e| io_failed(data_dir, e))?;
    }
    let lock = Lock::shared(&path)?;
    let connect = options.connect(&path).create_if_missing(true);
    let mut connection = connect.connect().await.map_err(|e| failed(&path, e))?;
    let version = schema::migrate(&mut connection, &path).await?;
    schema::write_ahead(&mut connection, &path, options.patience).await?;
    schema::close(connection, &path).await?;
    Ok((path, lock, version))
}

/// Runs a step within a transaction of the writer.
macro_rules! writing {
    ($store:expr, $step:path, $($argument:expr),*) => {{
        let mut writing = $store.writer.begin(Synchronous::Full).await?;
        let written = $step(writing.connection(), $($argument),*).await;
        writing.end(written).await
    }};
}

/// Runs a step within a transaction of a reader.
macro_rules! reading {
    ($store:expr, $step:path, $($argument:expr),*) => {{
        let mut reading = $store.reading().await?;
        $step(&mut reading, $($argument),*).await.map_err(|failure| failure.at(&$store.path))
    }};
}

#[async_trait]
impl TrainingStore for SqliteStore {
    async fn put_study(&self, study: &StudyRecord) -> Result<(), StoreError> {
        study.check()?;
        writing!(self, study::put, study)
    }

    async fn study(&self, id: &RecordId) -> Result<StudyRecord, StoreError> {
        reading!(self, study::get, id)
    }

    async fn studies(
        &self,
        filter: &StudyFilter,
        page: Page,
    ) -> Result<Vec<StudyRecord>, StoreError> {
        reading!(self, study::list, filter, page)
    }

    async fn delete_study(&self, id: &RecordId) -> Result<(), StoreError> {
        writing!(self, study::delete, id)
    }

    async fn put_batch(&self, batch: &TrialBatch) -> Result<(), StoreError> {
        batch.check()?;
        writing!(self, trial::put_batch, batch)
    }

    async fn trials(
        &self,
        study_id: &RecordId,
        page: Page,
    ) -> Result<Vec<TrialRecord>, StoreError> {
        reading!(self, trial::list, study_id, page)
    }

    async fn search_state(&self, study_id: &RecordId) -> Result<Option<SearchState>, StoreError> {
        reading!(self, trial::state, study_id)
    }

    async fn put_window(&self, search: &WindowSearch) -> Result<(), StoreError> {
        search.check()?;
        writing!(self, window::put, search)
    }

    async fn windows(&self, study_id: &RecordId) -> Result<Vec<WindowSearch>, StoreError> {
        reading!(self, window::list, study_id)
    }

    async fn ledger(&self, scope: &LedgerScope) -> Result<Ledger, StoreError> {
        reading!(self, trial::ledger, scope)
    }

    async fn ledger_entries(
        &self,
        scope: &LedgerScope,
        page: Page,
    ) -> Result<Vec<LedgerEntry>, StoreError> {
        reading!(self, trial::ledger_entries, scope, page)
    }

    async fn put_configuration(
        &self,
        configuration: &TrainedConfiguration,
        causes: &Json,
    ) -> Result<(), StoreError> {
        configuration.check()?;
        writing!(self, configuration::put, configuration, causes)
    }

    async fn configuration(&self, id: &RecordId) -> Result<TrainedConfiguration, StoreError> {
        reading!(self, configuration::get, id)
    }

    async fn configurations(
        &self,
        filter: &ConfigurationFilter,
        page: Page,
    ) -> Result<Vec<TrainedConfiguration>, StoreError> {
        reading!(self, configuration::list, filter, page)
    }

    async fn change(
        &self,
        change: &ConfigurationChange,
    ) -> Result<Vec<ConfigurationEvent>, StoreError> {
        writing!(self, configuration::change, change)
    }

    async fn events(
        &self,
        id: &RecordId,
        page: Page,
    ) -> Result<Vec<ConfigurationEvent>, StoreError> {
        reading!(self, configuration::events, id, page)
    }

    async fn delete_configuration(&self, id: &RecordId) -> Result<(), StoreError> {
        writing!(self, configuration::delete, id)
    }
}
