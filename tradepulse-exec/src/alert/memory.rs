use std::sync::{Mutex, PoisonError};

use super::{Alert, Alerter};

/// Keeps what it is told: for tests, and for programs that show alerts themselves.
#[derive(Debug, Default)]
pub struct MemoryAlerter(Mutex<Vec<Alert>>);

impl MemoryAlerter {
    /// What it was told since the last call.
    pub fn take(&self) -> Vec<Alert> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Alerter for MemoryAlerter {
    fn alert(&self, alert: Alert) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(alert);
    }
}
