use std::sync::Arc;

use tradepulse_core::desk::DeskEvent;
use tradepulse_core::store::StoreError;
use tradepulse_core::store::trading::{JournalEntry, TradingStore};

/// Entries that may wait before they are written, as long as nothing comes of them and nothing rests
/// at the venue.
const WAITING: usize = 512;

/// The journal of one run, as its writer sees it.
pub(super) struct Journal {
    store: Arc<dyn TradingStore>,
    run: String,
    last: u64,
    waiting: Vec<JournalEntry>,
}

impl Journal {
    pub(super) fn new(store: Arc<dyn TradingStore>, run: String) -> Self {
        Self { store, run, last: 0, waiting: Vec::new() }
    }

    /// What was written after the entry read last, in order, as much as is good to have at once;
    /// nothing once the end is reached.
    pub(super) async fn next_page(&mut self) -> Result<Vec<DeskEvent>, JournalError> {
        const PAGE: u64 = 10_000;
        let entries = self.store.journal(&self.run, self.last + 1, PAGE).await?;
        let mut events = Vec::with_capacity(entries.len());
        for entry in entries {
            events.push(serde_json::from_str(&entry.body).map_err(|error| {
                let (run, sequence) = (self.run.clone(), entry.sequence);
                JournalError::Unreadable { run, sequence, reason: error.to_string() }
            })?);
            self.last = entry.sequence;
        }
        Ok(events)
    }

    /// Number of the last entry.
    pub(super) fn end(&self) -> u64 {
        self.last
    }

    pub(super) fn push(&mut self, event: &DeskEvent) -> Result<(), JournalError> {
        let body = serde_json::to_string(event).map_err(|e| JournalError::Unreadable {
            run: self.run.clone(),
            sequence: self.last + 1,
            reason: e.to_string(),
        })?;
        self.last += 1;
        self.waiting.push(JournalEntry {
            run: self.run.clone(),
            sequence: self.last,
            at: event.at,
            kind: event.kind.name().to_owned(),
            body,
        });
        Ok(())
    }

    /// Whether enough waits to be worth writing.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= WAITING
    }

    /// Writes what waits. `durable`: it is on the disk when this returns.
    pub(super) async fn flush(&mut self, durable: bool) -> Result<(), JournalError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.store.append_journal(&self.run, &self.waiting, durable).await?;
        self.waiting.clear();
        Ok(())
    }
}

/// A journal that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The store failed.
    #[error("the journal: {0}")]
    Store(#[from] StoreError),
    /// An entry makes no sense.
    #[error("entry {sequence} of the journal of run {run} cannot be read: {reason}")]
    Unreadable {
        /// The run.
        run: String,
        /// Number of the entry.
        sequence: u64,
        /// Why.
        reason: String,
    },
}
