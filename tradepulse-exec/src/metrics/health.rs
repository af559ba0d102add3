use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

/// Whether all is well, part by part. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<Mutex<BTreeMap<String, Option<String>>>>);

/// How a process is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HealthReport {
    /// Whether nothing is wrong.
    pub healthy: bool,
    /// Each part that told how it is, and what is wrong with it; `null` if nothing is.
    pub parts: BTreeMap<String, Option<String>>,
}

impl Health {
    /// Nothing is wrong with this part, such as `feed` or `store`.
    pub fn well(&self, part: &str) {
        self.set(part, None);
    }

    /// Something is wrong with this part.
    pub fn unwell(&self, part: &str, reason: impl Into<String>) {
        self.set(part, Some(reason.into()));
    }

    fn set(&self, part: &str, reason: Option<String>) {
        let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        parts.insert(part.to_owned(), reason);
    }

    /// How all parts are. Parts that said nothing are not known.
    pub fn report(&self) -> HealthReport {
        let parts = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        HealthReport { healthy: parts.values().all(Option::is_none), parts }
    }
}
