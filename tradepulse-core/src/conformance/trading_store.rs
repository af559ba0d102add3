//! What every [`TradingStore`] must do, case by case.
//!
//! ```
//! use std::sync::{Arc, Mutex, PoisonError};
//! use tradepulse_core::conformance::trading_store::{TradingStoreFactory, run};
//! use tradepulse_core::store::{MemoryStore, StoreError, TradingStore};
//!
//! /// Keeps the store, since this kind forgets when it is dropped.
//! #[derive(Default)]
//! struct Factory(Mutex<Arc<MemoryStore>>);
//!
//! #[async_trait::async_trait]
//! impl TradingStoreFactory for Factory {
//!     async fn make(&self) -> Result<Arc<dyn TradingStore>, StoreError> {
//!         *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::default();
//!         self.reopen().await
//!     }
//!
//!     async fn reopen(&self) -> Result<Arc<dyn TradingStore>, StoreError> {
//!         let store = self.0.lock().unwrap_or_else(PoisonError::into_inner);
//!         Ok(Arc::clone(&*store) as Arc<dyn TradingStore>)
//!     }
//! }
//!
//! let report = pollster::block_on(run(&Factory::default()));
//! assert!(report.is_clean(), "{report}");
//! ```

mod concurrency;
mod filter;
mod journal;
mod record;
mod sample;

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use super::store::{case_table, ensure_err};
use super::{Boxed, ensure, ensure_eq};
pub use super::{Failure, Report};
use crate::store::{StoreError, TradingStore};

/// Makes the stores that a suite works on.
#[async_trait]
pub trait TradingStoreFactory: Send + Sync {
    /// A new store, empty.
    async fn make(&self) -> Result<Arc<dyn TradingStore>, StoreError>;

    /// The store made last, opened once more. It may still be open.
    async fn reopen(&self) -> Result<Arc<dyn TradingStore>, StoreError>;
}

/// One thing that a store must do.
#[derive(Clone, Copy)]
pub struct Case {
    /// Its name: kept, so that reports can be compared.
    pub id: &'static str,
    run: for<'a> fn(&'a dyn TradingStoreFactory) -> Boxed<'a, Result<(), Failure>>,
}

impl Case {
    /// Whether the stores of `factory` do it.
    ///
    /// # Errors
    /// What they do instead.
    pub async fn run(&self, factory: &dyn TradingStoreFactory) -> Result<(), Failure> {
        (self.run)(factory).await
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Case").field(&self.id).finish()
    }
}

/// Every case.
pub fn cases() -> Vec<Case> {
    [journal::CASES, record::CASES, filter::CASES, concurrency::CASES].concat()
}

/// Runs every case on the stores of `factory`.
pub async fn run(factory: &dyn TradingStoreFactory) -> Report {
    let mut results = Vec::new();
    for case in cases() {
        results.push((case.id, case.run(factory).await));
    }
    Report { results }
}

#[cfg(test)]
mod tests;
