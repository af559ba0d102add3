//! One cell's training: search, walk-forward, validation, records.

use std::ops::ControlFlow;
use std::time::Instant;

use anyhow::Result;
use tradepulse_core::optimise::Trial;
use tradepulse_core::store::{
    LedgerScope, RecordId, StoreError, StudyRecord, StudyStatus, TrainedConfiguration,
    TrainingStore,
};
use tradepulse_core::training::{
    Study, StudyPlan, TrainingError, TrialLedger, Validation, WalkForward,
};
use tradepulse_exec::threads::Threads;

use super::cell::Cell;
use super::{record, search};
use crate::clock::now;

/// What a cell came to.
pub(crate) struct Trained {
    pub(crate) study: StudyRecord,
    pub(crate) trials: usize,
    pub(crate) seconds: f64,
    pub(crate) validation: Validation,
    pub(crate) configuration: TrainedConfiguration,
}

/// How a cell ended.
pub(crate) enum Ended {
    /// With a configuration.
    Trained(Box<Trained>),
    /// Without, for this reason.
    Skipped(String),
    /// Broken off by the user; the study can be resumed.
    Stopped(RecordId),
}

/// Where training keeps its records, called from threads that are not the runtime's.
pub(crate) struct Records<'a> {
    pub(crate) store: &'a dyn TrainingStore,
    pub(crate) runtime: &'a tokio::runtime::Runtime,
}

impl Records<'_> {
    pub(crate) fn wait<T>(&self, future: impl Future<Output = Result<T, StoreError>>) -> Result<T> {
        Ok(self.runtime.block_on(future)?)
    }
}

/// Told of every batch: its trials, and the best objective so far where it is that of a whole study.
/// Says whether to go on.
pub(crate) type Step<'a> = dyn Fn(usize, Option<f64>) -> ControlFlow<()> + Sync + 'a;

/// A cell's search and walk-forward, not judged yet.
struct Searched<'a> {
    study: Study<'a>,
    record: StudyRecord,
    best: Trial,
    returns: Vec<Vec<f64>>,
    walk_forward: WalkForward,
    seconds: f64,
}

/// Trains the cells of one strategy on one market, which differ in their regimes. All are searched
/// before the first is judged: each is held against the trials of all, and none depends on which
/// came first.
pub(crate) fn train_together(
    cells: &[Cell<'_>],
    plan: &StudyPlan,
    records: &Records<'_>,
    pool: Threads,
    step: &Step<'_>,
) -> Vec<Result<Ended>> {
    let mut stopped = false;
    let mut searched = Vec::with_capacity(cells.len());
    for cell in cells {
        let found = if stopped {
            Ok(Err(Ended::Skipped("not begun".to_owned())))
        } else {
            search_cell(cell, plan, records, pool, step)
        };
        stopped |= matches!(found, Ok(Err(Ended::Stopped(_))));
        searched.push(found);
    }
    let judged = cells.iter().zip(searched).map(|(cell, found)| match found? {
        Err(ended) => Ok(ended),
        Ok(found) if stopped => cancelled(found.record, records),
        Ok(found) => judge(cell, found, records, pool),
    });
    judged.collect()
}

/// Searches one cell and walks it forward; the other end if there is nothing to judge.
fn search_cell<'a>(
    cell: &Cell<'a>,
    plan: &StudyPlan,
    records: &Records<'_>,
    pool: Threads,
    step: &Step<'_>,
) -> Result<Result<Searched<'a>, Ended>> {
    let started = Instant::now();
    if let Some(reason) = cell.unfit(plan)? {
        return Ok(Err(Ended::Skipped(reason)));
    }
    let study = Study::new(cell.strategy, cell.backtest.clone(), *plan)?;
    let mut record = record::study(cell, &study, now());
    match records.wait(records.store.study(&record.id)) {
        Ok(known) => record.created_at = known.created_at,
        Err(error) if is_not_found(&error) => {}
        Err(error) => return Err(error),
    }
    record.status = StudyStatus::Running;
    records.wait(records.store.put_study(&record))?;
    let searched = search::search(&study, &record, records, pool, step).and_then(|found| {
        let Some((best, returns)) = found else { return Ok(None) };
        let walked = search::walk_forward(&study, &record, records, pool, step)?;
        Ok(walked.map(|walk_forward| (best, returns, walk_forward)))
    });
    match searched {
        Ok(Some((best, returns, walk_forward))) => {
            let seconds = started.elapsed().as_secs_f64();
            Ok(Ok(Searched { study, record, best, returns, walk_forward, seconds }))
        }
        Ok(None) => cancelled(record, records).map(Err),
        Err(error) => {
            record.status = StudyStatus::Failed;
            record.note = Some(format!("{error:#}"));
            records.wait(records.store.put_study(&StudyRecord { updated_at: now(), ..record }))?;
            match error.downcast_ref::<TrainingError>() {
                Some(TrainingError::Never { .. }) => Ok(Err(Ended::Skipped(error.to_string()))),
                _ => Err(error),
            }
        }
    }
}

fn cancelled(record: StudyRecord, records: &Records<'_>) -> Result<Ended> {
    let id = record.id.clone();
    let status = StudyStatus::Cancelled;
    records.wait(records.store.put_study(&StudyRecord { status, updated_at: now(), ..record }))?;
    Ok(Ended::Stopped(id))
}

/// Puts what was found to every test, and stores the configuration.
fn judge(
    cell: &Cell<'_>,
    found: Searched<'_>,
    records: &Records<'_>,
    pool: Threads,
) -> Result<Ended> {
    let started = Instant::now();
    let Searched { study, mut record, best, returns, walk_forward, seconds } = found;
    let ledger = ledger(&record, records)?;
    let validation = study.validate(&best, &returns, Some(walk_forward), ledger, &pool)?;
    let configuration = record::configuration(cell, &record, study.plan(), &validation, now());
    let causes = serde_json::json!({
        "judgement": validation.judgement,
        "evidence": validation.evidence,
    });
    records.wait(records.store.put_configuration(&configuration, &causes))?;
    let configuration = records.wait(records.store.configuration(&configuration.id))?;
    record.status = StudyStatus::Done;
    record.updated_at = now();
    records.wait(records.store.put_study(&record))?;
    Ok(Ended::Trained(Box::new(Trained {
        study: record,
        trials: returns.len(),
        seconds: seconds + started.elapsed().as_secs_f64(),
        validation,
        configuration,
    })))
}

fn is_not_found(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<StoreError>(), Some(StoreError::NotFound { .. }))
}

/// All trials ever run with this strategy on this market.
fn ledger(record: &StudyRecord, records: &Records<'_>) -> Result<TrialLedger> {
    const DAYS_PER_YEAR: f64 = tradepulse_core::performance::DAYS_PER_YEAR;
    let ledger = records.wait(records.store.ledger(&LedgerScope::market(&record.cell)))?;
    Ok(TrialLedger {
        trials: ledger.trials,
        variance: ledger.sharpe_variance.map(|v| v / DAYS_PER_YEAR),
    })
}
