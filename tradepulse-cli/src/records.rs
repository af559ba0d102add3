//! Where training's records are kept: a SQLite file in the data directory.

use anyhow::{Context, Result};
use tradepulse_exec::store::sqlite::SqliteStore;

use crate::arguments::DataDir;

/// The store of this data directory, made at first use.
pub(crate) async fn open(place: &DataDir) -> Result<SqliteStore> {
    Ok(SqliteStore::open(place.path()?).await?)
}

/// A runtime for the store.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("cannot start the runtime of the store")
}
