use serde::{Deserialize, Serialize, de::IgnoredAny};

use crate::store::StoreError;
use crate::time::Timestamp;

/// Something a run was told, as it was told: replayed in order, the entries lead to the same
/// actions. Its key is the run and the sequence number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// The run.
    pub run: String,
    /// Place in the run's journal, counted from 1 without gaps.
    pub sequence: u64,
    /// When, ms.
    pub at: Timestamp,
    /// What kind of event it is, such as `candle`.
    pub kind: String,
    /// The event as JSON, kept byte by byte.
    pub body: String,
}

impl JournalEntry {
    /// Whether these entries can be appended to the journal of `run` that ends with the entry of
    /// number `end` (0: it is empty). Those up to `end` are there already: the store still has to
    /// compare them ([`same`](Self::same)).
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if one cannot be stored, [`StoreError::Conflict`] if they leave a
    /// hole.
    pub fn follow(run: &str, entries: &[Self], end: u64) -> Result<(), StoreError> {
        let mut last = end;
        for (i, entry) in entries.iter().enumerate() {
            let hole = if i == 0 {
                entry.sequence > end.saturating_add(1)
            } else {
                last.checked_add(1) != Some(entry.sequence)
            };
            entry.check(run)?;
            if hole {
                return Err(StoreError::Conflict(format!(
                    "the journal of run {run} ends at {last}, entry {} cannot follow: load the \
                     journal and go on from its end",
                    entry.sequence
                )));
            }
            last = entry.sequence;
        }
        Ok(())
    }

    fn check(&self, run: &str) -> Result<(), StoreError> {
        let refused = |reason: String| {
            let record = format!("entry {} of the journal of run {run}", self.sequence);
            Err(StoreError::invalid(record, reason))
        };
        if self.run != run {
            return refused(format!("it is of run {}", self.run));
        }
        if self.sequence == 0 || i64::try_from(self.sequence).is_err() {
            return refused("numbers go from 1 to 2^63 - 1".to_owned());
        }
        match serde_json::from_str::<IgnoredAny>(&self.body) {
            Ok(_) => Ok(()),
            Err(error) => refused(format!("its body is not JSON: {error}")),
        }
    }

    /// Whether `new`, of the same number, is this entry, the stored one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if it is not.
    pub fn same(&self, new: &Self) -> Result<(), StoreError> {
        if self == new {
            return Ok(());
        }
        Err(StoreError::Conflict(format!(
            "the journal of run {} has another entry {}: another process writes this run; load the \
             journal and go on from its end",
            self.run, self.sequence
        )))
    }
}
