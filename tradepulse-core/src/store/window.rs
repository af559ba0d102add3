use serde::{Deserialize, Serialize};

use super::{RecordId, StoreError};

/// A search in the training part of a walk-forward window. Its key is the study and the window.
///
/// Such a search is a function of its study, so of two the one with more trials goes on from the
/// other. Its trials count in the [`Ledger`](super::Ledger) as those of the study do; their content
/// is in the state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowSearch {
    /// The study.
    pub study_id: RecordId,
    /// Number of the window, the oldest is 0.
    pub window: u32,
    /// Trials told so far.
    pub trials: u64,
    /// The state of the optimiser, as JSON; not looked at, kept byte by byte.
    pub json: String,
}

impl WindowSearch {
    /// Whether it can be stored.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if there are more trials than a database can count.
    pub fn check(&self) -> Result<(), StoreError> {
        if i64::try_from(self.trials).is_err() {
            let record = format!("window {} of study {}", self.window, self.study_id);
            return Err(StoreError::invalid(record, format!("{} trials", self.trials)));
        }
        Ok(())
    }
}
