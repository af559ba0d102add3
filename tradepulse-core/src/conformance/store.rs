//! What every [`TrainingStore`] must do, case by case.
//!
//! ```
//! use std::sync::{Arc, Mutex, PoisonError};
//! use tradepulse_core::conformance::store::{StoreFactory, run};
//! use tradepulse_core::store::{MemoryStore, StoreError, TrainingStore};
//!
//! /// Keeps the store, since this kind forgets when it is dropped.
//! #[derive(Default)]
//! struct Factory(Mutex<Arc<MemoryStore>>);
//!
//! #[async_trait::async_trait]
//! impl StoreFactory for Factory {
//!     async fn make(&self) -> Result<Arc<dyn TrainingStore>, StoreError> {
//!         *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::default();
//!         self.reopen().await
//!     }
//!
//!     async fn reopen(&self) -> Result<Arc<dyn TrainingStore>, StoreError> {
//!         let store = self.0.lock().unwrap_or_else(PoisonError::into_inner);
//!         Ok(Arc::clone(&*store) as Arc<dyn TrainingStore>)
//!     }
//! }
//!
//! let report = pollster::block_on(run(&Factory::default()));
//! assert!(report.is_clean(), "{report}");
//! ```

mod change;
pub(super) mod concurrency;
mod configuration;
mod ledger;
pub(super) mod sample;
mod study;
mod trial;
mod window;

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use super::{Boxed, ensure, ensure_eq};
pub use super::{Failure, Report};

use crate::store::{StoreError, TrainingStore};

/// Makes the stores that a suite works on.
#[async_trait]
pub trait StoreFactory: Send + Sync {
    /// A new store, empty.
    async fn make(&self) -> Result<Arc<dyn TrainingStore>, StoreError>;

    /// The store made last, opened once more. It may still be open.
    async fn reopen(&self) -> Result<Arc<dyn TrainingStore>, StoreError>;
}

/// One thing that a store must do.
#[derive(Clone, Copy)]
pub struct Case {
    /// Its name: kept, so that reports can be compared.
    pub id: &'static str,
    run: for<'a> fn(&'a dyn StoreFactory) -> Boxed<'a, Result<(), Failure>>,
}

impl Case {
    /// Whether the stores of `factory` do it.
    ///
    /// # Errors
    /// What they do instead.
    pub async fn run(&self, factory: &dyn StoreFactory) -> Result<(), Failure> {
        (self.run)(factory).await
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Case").field(&self.id).finish()
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self(format!("unexpected error: {error} ({error:?})"))
    }
}

/// Every case.
pub fn cases() -> Vec<Case> {
    let groups = [
        study::CASES,
        trial::CASES,
        window::CASES,
        ledger::CASES,
        configuration::CASES,
        change::CASES,
        concurrency::CASES,
    ];
    groups.concat()
}

/// Runs every case on the stores of `factory`.
pub async fn run(factory: &dyn StoreFactory) -> Report {
    let mut results = Vec::new();
    for case in cases() {
        results.push((case.id, case.run(factory).await));
    }
    Report { results }
}

/// A table of cases: `"id" => async fn(&dyn StoreFactory)`.
macro_rules! case_table {
    ($($id:literal => $case:path,)*) => {
        pub(super) const CASES: &[super::Case] =
            &[$(super::Case { id: $id, run: |factory| Box::pin($case(factory)) },)*];
    };
}

/// Fails the case unless the result is this error.
macro_rules! ensure_err {
    ($result:expr, $kind:ident, $what:literal) => {
        match $result {
            Err(crate::store::StoreError::$kind { .. }) => {}
            other => {
                return Err(super::Failure(format!(
                    "{}: found {other:?}, expected the error {}",
                    $what,
                    stringify!($kind)
                )));
            }
        }
    };
}

pub(super) use {case_table, ensure_err};

#[cfg(test)]
mod tests;
