use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{First, JournalEntry, KeyPart, RecordFilter, RecordKind, TradingRecord, TradingStore};
use crate::store::{MemoryStore, Page, StoreError};

type Key = (RecordKind, Vec<KeyPart>);

/// What a [`MemoryStore`] knows of trading.
#[derive(Debug, Default)]
pub(in crate::store) struct Records {
    journals: BTreeMap<String, Vec<JournalEntry>>,
    records: BTreeMap<Key, TradingRecord>,
}

fn index(sequence: u64) -> usize {
    usize::try_from(sequence.saturating_sub(1)).unwrap_or(usize::MAX)
}

#[async_trait]
impl TradingStore for MemoryStore {
    async fn append_journal(
        &self,
        run: &str,
        entries: &[JournalEntry],
        _durable: bool,
    ) -> Result<(), StoreError> {
        let mut trading = self.trading();
        let stored = trading.journals.get(run).map_or(&[][..], Vec::as_slice);
        JournalEntry::follow(run, entries, stored.len() as u64)?;
        let mut known = 0;
        for new in entries {
            let Some(entry) = stored.get(index(new.sequence)) else { break };
            entry.same(new)?;
            known += 1;
        }
        if known < entries.len() {
            let journal = trading.journals.entry(run.to_owned()).or_default();
            journal.extend_from_slice(&entries[known..]);
        }
        Ok(())
    }

    async fn journal(
        &self,
        run: &str,
        from_sequence: u64,
        limit: u64,
    ) -> Result<Vec<JournalEntry>, StoreError> {
        let page = Page { offset: from_sequence.saturating_sub(1), limit };
        Ok(page.of(self.trading().journals.get(run).into_iter().flatten().cloned()))
    }

    async fn journal_end(&self, run: &str) -> Result<u64, StoreError> {
        Ok(self.trading().journals.get(run).map_or(0, |journal| journal.len() as u64))
    }

    async fn put(&self, records: &[TradingRecord]) -> Result<(), StoreError> {
        let mut trading = self.trading();
        let mut accepted = BTreeMap::new();
        for new in records {
            let key = (new.kind(), TradingRecord::key(new.table(), &new.flat()?));
            if let Some(stored) = accepted.get(&key).or_else(|| trading.records.get(&key)) {
                stored.accept(new)?;
            }
            accepted.insert(key, new.clone());
        }
        trading.records.extend(accepted);
        Ok(())
    }

    async fn list(
        &self,
        kind: RecordKind,
        filter: &RecordFilter,
        page: Page,
    ) -> Result<Vec<TradingRecord>, StoreError> {
        let table = kind.table();
        filter.conditions(table)?;
        let trading = self.trading();
        let mut found = Vec::new();
        for ((_, key), record) in trading.records.range((kind, Vec::new())..) {
            if record.kind() != kind {
                break;
            }
            let flat = record.flat()?;
            if filter.matches(table, &flat)? {
                let at = flat.get(table.time).and_then(serde_json::Value::as_i64);
                found.push((at, key, record));
            }
        }
        found.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
        if filter.first == First::Newest {
            found.reverse();
        }
        Ok(page.of(found.into_iter().map(|(_, _, record)| record.clone())))
    }
}
