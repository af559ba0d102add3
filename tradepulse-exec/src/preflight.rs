//! What must be in order before orders leave: each check with its evidence.
//!
//! The checks, in order: `mode`, `keys`, `plan`, `clock`, `signed call`, `trading rules`, `orders`,
//! `positions`, `models`, `disk`, `database`, `backup`, `dry run`, `performance`. What needs a venue
//! goes through the ports [`MarketData`] and [`Exchange`], and is skipped without them. What only
//! money needs (keys, dry-run evidence, performance) is skipped in a dry run. The thresholds are the
//! section `preflight` of `config.yaml`.

mod evidence;
mod models;
mod setup;
mod storage;
mod venue;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use tradepulse_core::exchange::{Exchange, MarketData};
use tradepulse_core::strategy::Registry;
use tradepulse_core::time::Timestamp;

use crate::check::{Check, Standing};
use crate::config::Config;
use crate::coordinator::advisor::Member;
use crate::store::sqlite::SqliteStore;

/// What a preflight looks at.
pub struct Preflight<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The strategies.
    pub registry: &'a Registry,
    /// The data directory.
    pub data_dir: &'a Path,
    /// The value of a variable of the environment: for keys.
    pub environment: &'a (dyn Fn(&str) -> Option<String> + Sync),
    /// Market data of the venue, or why there are none to be looked at.
    pub market_data: Result<Arc<dyn MarketData>, String>,
    /// The accounts at the venue by the names of their wallets, or why there are none to be looked
    /// at.
    pub accounts: Result<BTreeMap<String, Arc<dyn Exchange>>, String>,
    /// The models that are asked.
    pub models: Vec<Member>,
    /// Now.
    pub now: Timestamp,
}

impl Preflight<'_> {
    /// Makes every check. Nothing is made, migrated or ordered; a backup is restored into a folder
    /// of its own beside it, which goes again.
    pub async fn run(&self) -> Vec<Check> {
        let database = self.database().await;
        let store = match database.standing {
            Standing::Pass => SqliteStore::open(self.folder()).await.ok(),
            _ => None,
        };
        let store = store.as_ref();
        let mut checks = vec![self.mode(), self.keys(), self.plan(store).await];
        checks.extend(self.venue(store).await);
        checks.push(self.models().await);
        checks.extend([self.disk(), database, self.backup().await]);
        checks.extend(self.evidence(store).await);
        checks
    }

    /// The folder of the database.
    fn folder(&self) -> &Path {
        self.config.database.folder.as_deref().unwrap_or(self.data_dir)
    }
}

/// Whether none of them failed.
pub fn is_passed(checks: &[Check]) -> bool {
    checks.iter().all(|check| check.standing != Standing::Fail)
}
