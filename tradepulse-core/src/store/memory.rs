use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde_json::json;

use super::{
    ChangeKind, ConfigurationChange, ConfigurationEvent, ConfigurationFilter, Json, Ledger,
    LedgerEntry, LedgerScope, Page, RecordId, SearchState, Stage, StoreError, StudyFilter,
    StudyRecord, StudyStatus, TrainedConfiguration, TrainingStore, TrialBatch, TrialOutcome,
    TrialRecord, WindowSearch, trading,
};
use crate::time::Timestamp;

/// Keeps records as long as it lives: for tests, and for who has no use for them later.
#[derive(Debug, Default)]
pub struct MemoryStore {
    records: Mutex<Records>,
    trading: Mutex<trading::memory::Records>,
}

#[derive(Debug, Default)]
struct Records {
    studies: BTreeMap<RecordId, Study>,
    configurations: BTreeMap<RecordId, Configuration>,
}

#[derive(Debug)]
struct Study {
    record: StudyRecord,
    trials: BTreeMap<u64, TrialRecord>,
    state: Option<SearchState>,
    windows: BTreeMap<u32, WindowSearch>,
    deleted: bool,
}

#[derive(Debug)]
struct Configuration {
    record: TrainedConfiguration,
    events: Vec<ConfigurationEvent>,
}

impl MemoryStore {
    fn records(&self) -> MutexGuard<'_, Records> {
        // Every change is made after everything that can fail: what a panic left is whole.
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn trading(&self) -> MutexGuard<'_, trading::memory::Records> {
        self.trading.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Records {
    fn study(&mut self, id: &RecordId) -> Result<&mut Study, StoreError> {
        let found = self.studies.get_mut(id).filter(|s| !s.deleted);
        found.ok_or_else(|| StoreError::not_found("study", id))
    }

    fn configuration(&mut self, id: &RecordId) -> Result<&mut Configuration, StoreError> {
        let found = self.configurations.get_mut(id);
        found.ok_or_else(|| StoreError::not_found("configuration", id))
    }

    fn entries(&self, scope: &LedgerScope) -> impl Iterator<Item = LedgerEntry> {
        let studies = self.studies.values().filter(|s| scope.matches(&s.record));
        studies.flat_map(|study| study.trials.values().map(|trial| study.entry(trial)))
    }
}

impl Study {
    fn entry(&self, trial: &TrialRecord) -> LedgerEntry {
        LedgerEntry {
            study_id: self.record.id.clone(),
            regime: self.record.cell.regime,
            strategy_version: self.record.strategy_version,
            number: trial.number,
            feasible: matches!(trial.outcome, TrialOutcome::Feasible(_)),
            pruned: trial.pruned,
            sharpe: trial.sharpe,
        }
    }
}

impl Configuration {
    /// Notes a change of a record that has been changed.
    fn note(
        &mut self,
        kind: ChangeKind,
        from_stage: Option<Stage>,
        at: Timestamp,
        causes: &Json,
        note: &Option<String>,
    ) -> ConfigurationEvent {
        let event = ConfigurationEvent {
            configuration_id: self.record.id.clone(),
            sequence: self.events.len() as u64 + 1,
            at,
            kind,
            from_stage,
            to_stage: self.record.status,
            causes: causes.clone(),
            note: note.clone(),
        };
        self.events.push(event.clone());
        event
    }

    fn set_active(
        &mut self,
        active: bool,
        at: Timestamp,
        causes: &Json,
        note: &Option<String>,
    ) -> ConfigurationEvent {
        self.record.is_active = active;
        self.record.updated_at = at;
        let kind = if active {
            self.record.activation_date = Some(at);
            ChangeKind::Activated
        } else {
            self.record.deactivated_at = Some(at);
            ChangeKind::Deactivated
        };
        self.note(kind, Some(self.record.status), at, causes, note)
    }
}

#[async_trait]
impl TrainingStore for MemoryStore {
    async fn put_study(&self, study: &StudyRecord) -> Result<(), StoreError> {
        study.check()?;
        let mut records = self.records();
        if let Some(stored) = records.studies.get_mut(&study.id) {
            if stored.deleted {
                return Err(StoreError::deleted_study(&study.id));
            }
            stored.record.accept(study)?;
            stored.record = study.clone();
            return Ok(());
        }
        let (record, trials) = (study.clone(), BTreeMap::new());
        let windows = BTreeMap::new();
        let new = Study { record, trials, state: None, windows, deleted: false };
        records.studies.insert(study.id.clone(), new);
        Ok(())
    }

    async fn study(&self, id: &RecordId) -> Result<StudyRecord, StoreError> {
        Ok(self.records().study(id)?.record.clone())
    }

    async fn studies(
        &self,
        filter: &StudyFilter,
        page: Page,
    ) -> Result<Vec<StudyRecord>, StoreError> {
        let records = self.records();
        let live = records.studies.values().filter(|s| !s.deleted).map(|s| &s.record);
        let mut found: Vec<_> = live.filter(|s| filter.matches(s)).collect();
        found.sort_by_key(|s| std::cmp::Reverse(s.created_at));
        Ok(page.of(found.into_iter().cloned()))
    }

    async fn delete_study(&self, id: &RecordId) -> Result<(), StoreError> {
        let mut records = self.records();
        let study = records.study(id)?;
        if study.record.status == StudyStatus::Running {
            return Err(StoreError::running_study(id));
        }
        study.deleted = true;
        study.state = None;
        study.windows.values_mut().for_each(|w| w.json.clear());
        for trial in study.trials.values_mut() {
            trial.parameters = Json::Null;
            trial.metrics = None;
        }
        Ok(())
    }

    async fn put_batch(&self, batch: &TrialBatch) -> Result<(), StoreError> {
        batch.check()?;
        let mut records = self.records();
        let study = records.study(&batch.study_id)?;
        batch.follows(study.state.as_ref().map_or(0, |s| s.batch))?;
        study.record.updated_at = batch.at;
        study.trials.extend(batch.trials.iter().map(|t| (t.number, t.clone())));
        if batch.state.is_some() {
            study.state.clone_from(&batch.state);
        }
        Ok(())
    }

    async fn trials(
        &self,
        study_id: &RecordId,
        page: Page,
    ) -> Result<Vec<TrialRecord>, StoreError> {
        Ok(page.of(self.records().study(study_id)?.trials.values().cloned()))
    }

    async fn search_state(&self, study_id: &RecordId) -> Result<Option<SearchState>, StoreError> {
        Ok(self.records().study(study_id)?.state.clone())
    }

    async fn put_window(&self, search: &WindowSearch) -> Result<(), StoreError> {
        search.check()?;
        let mut records = self.records();
        let windows = &mut records.study(&search.study_id)?.windows;
        if windows.get(&search.window).is_none_or(|stored| stored.trials <= search.trials) {
            windows.insert(search.window, search.clone());
        }
        Ok(())
    }

    async fn windows(&self, study_id: &RecordId) -> Result<Vec<WindowSearch>, StoreError> {
        Ok(self.records().study(study_id)?.windows.values().cloned().collect())
    }

    async fn ledger(&self, scope: &LedgerScope) -> Result<Ledger, StoreError> {
        let records = self.records();
        let entries: Vec<_> = records.entries(scope).collect();
        let mut ledger = Ledger::of(entries.iter());
        let studies = records.studies.values().filter(|s| scope.matches(&s.record));
        ledger.window_trials = studies.flat_map(|s| s.windows.values()).map(|w| w.trials).sum();
        ledger.trials += ledger.window_trials;
        Ok(ledger)
    }

    async fn ledger_entries(
        &self,
        scope: &LedgerScope,
        page: Page,
    ) -> Result<Vec<LedgerEntry>, StoreError> {
        Ok(page.of(self.records().entries(scope)))
    }

    async fn put_configuration(
        &self,
        configuration: &TrainedConfiguration,
        causes: &Json,
    ) -> Result<(), StoreError> {
        configuration.check()?;
        let mut records = self.records();
        if let Some(stored) = records.configurations.get_mut(&configuration.id) {
            stored.record = stored.record.accept(configuration)?;
            return Ok(());
        }
        let record = configuration.clone().inactive();
        let mut new = Configuration { record, events: Vec::new() };
        new.note(ChangeKind::Created, None, configuration.created_at, causes, &None);
        records.configurations.insert(configuration.id.clone(), new);
        Ok(())
    }

    async fn configuration(&self, id: &RecordId) -> Result<TrainedConfiguration, StoreError> {
        Ok(self.records().configuration(id)?.record.clone())
    }

    async fn configurations(
        &self,
        filter: &ConfigurationFilter,
        page: Page,
    ) -> Result<Vec<TrainedConfiguration>, StoreError> {
        let records = self.records();
        let all = records.configurations.values().map(|c| &c.record);
        let mut found: Vec<_> = all.filter(|c| filter.matches(c)).collect();
        found.sort_by_key(|c| std::cmp::Reverse(c.created_at));
        Ok(page.of(found.into_iter().cloned()))
    }

    async fn change(
        &self,
        change: &ConfigurationChange,
    ) -> Result<Vec<ConfigurationEvent>, StoreError> {
        let mut records = self.records();
        let subject = records.configuration(change.id())?;
        match change {
            ConfigurationChange::Activate { id, at, causes, note } => {
                if subject.record.is_active {
                    return Ok(Vec::new());
                }
                let cell = subject.record.cell.clone();
                let rivals = records.configurations.values_mut();
                let replaced = json!({"replaced_by": id});
                let mut events: Vec<_> = rivals
                    .filter(|c| c.record.is_active && c.record.cell == cell)
                    .map(|c| c.set_active(false, *at, &replaced, &None))
                    .collect();
                events.push(records.configuration(id)?.set_active(true, *at, causes, note));
                Ok(events)
            }
            ConfigurationChange::Deactivate { at, causes, note, .. } => {
                if !subject.record.is_active {
                    return Ok(Vec::new());
                }
                Ok(vec![subject.set_active(false, *at, causes, note)])
            }
            ConfigurationChange::Stage { id, at, from, to, causes, note } => {
                let stored = subject.record.status;
                if stored == *to {
                    return Ok(Vec::new());
                }
                if stored != *from {
                    return Err(StoreError::other_stage(id, stored, *from));
                }
                subject.record.status = *to;
                subject.record.updated_at = *at;
                Ok(vec![subject.note(ChangeKind::Stage, Some(*from), *at, causes, note)])
            }
        }
    }

    async fn events(
        &self,
        id: &RecordId,
        page: Page,
    ) -> Result<Vec<ConfigurationEvent>, StoreError> {
        Ok(page.of(self.records().configuration(id)?.events.iter().cloned()))
    }

    async fn delete_configuration(&self, id: &RecordId) -> Result<(), StoreError> {
        let mut records = self.records();
        if records.configuration(id)?.record.is_active {
            return Err(StoreError::active_configuration(id));
        }
        records.configurations.remove(id);
        Ok(())
    }
}
