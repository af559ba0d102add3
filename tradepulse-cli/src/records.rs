//! Where training's records are kept.

use anyhow::Result;
use tradepulse_core::store::MemoryStore;

use crate::arguments::DataDir;

/// The store of this data directory.
pub(crate) async fn open(_: &DataDir) -> Result<MemoryStore> {
    Ok(MemoryStore::default())
}
