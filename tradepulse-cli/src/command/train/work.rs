//! One cell's training: search, walk-forward, validation, records.

use std::ops::ControlFlow;
use std::time::Instant;

use anyhow::Result;
use tradepulse_core::store::{
    LedgerScope, RecordId, StoreError, StudyRecord, StudyStatus, TrainedConfiguration,
    TrainingStore,
};
use tradepulse_core::training::{
    Study, StudyPlan, TrainingError, TrialLedger, Validation, WalkForward,
};
use tradepulse_exec::threads::Threads;

use super::cell::Cell;
use super::front::TradeOff;
use super::record;
use super::search::{self, Found};
use crate::clock::now;

/// What a cell came to.
pub(crate) struct Trained {
    pub(crate) study: StudyRecord,
    pub(crate) trials: usize,
    pub(crate) seconds: f64,
    pub(crate) validation: Validation,
    pub(crate) configuration: TrainedConfiguration,
    /// The trade-offs found, of a search for several objectives.
    pub(crate) front: Vec<TradeOff>,
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
    found: Found,
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
    let stop = || step(0, None).is_break();
    let mut searched = Vec::with_capacity(cells.len());
    for cell in cells {
        let found = if stop() {
            Ok(Err(Ended::Skipped("not begun".to_owned())))
        } else {
            search_cell(cell, plan, &stop, records, pool, step)
        };
        searched.push(found);
    }
    let judged = cells.iter().zip(searched).map(|(cell, found)| match found? {
        Err(ended) => Ok(ended),
        Ok(found) => judge(cell, found, records, pool),
    });
    judged.collect()
}

/// Searches one cell and walks it forward; the other end if there is nothing to judge.
fn search_cell<'a>(
    cell: &Cell<'a>,
    plan: &StudyPlan,
    stop: &'a (dyn Fn() -> bool + Sync),
    records: &Records<'_>,
    pool: Threads,
    step: &Step<'_>,
) -> Result<Result<Searched<'a>, Ended>> {
    let started = Instant::now();
    if let Some(reason) = &cell.obstacle {
        return Ok(Err(Ended::Skipped(reason.clone())));
    }
    let backtest = cell.backtest.clone().stop_when(stop);
    let study = Study::new(cell.strategy, backtest, cell.plan(plan))?.over(cell.space.clone());
    let mut record = record::study(cell, &study, now())?;
    match records.wait(records.store.study(&record.id)) {
        Ok(known) => record.created_at = known.created_at,
        Err(error) if is_not_found(&error) => {}
        Err(error) => return Err(error),
    }
    record.status = StudyStatus::Running;
    records.wait(records.store.put_study(&record))?;
    let searched = search::search(&study, &record, records, pool, step).and_then(|found| {
        let Some(found) = found else { return Ok(None) };
        let walked = search::walk_forward(&study, &record, records, pool, step)?;
        Ok(walked.map(|walk_forward| (found, walk_forward)))
    });
    match searched {
        Ok(Some((found, walk_forward))) => {
            let seconds = started.elapsed().as_secs_f64();
            Ok(Ok(Searched { study, record, found, walk_forward, seconds }))
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

/// Keeps a study that was broken off.
fn cancelled(record: StudyRecord, records: &Records<'_>) -> Result<Ended> {
    let id = record.id.clone();
    let status = StudyStatus::Cancelled;
    records.wait(records.store.put_study(&StudyRecord { status, updated_at: now(), ..record }))?;
    Ok(Ended::Stopped(id))
}

/// Puts what was found to every test, and stores the configuration.
fn judge(
    cell: &Cell<'_>,
    searched: Searched<'_>,
    records: &Records<'_>,
    pool: Threads,
) -> Result<Ended> {
    let started = Instant::now();
    let Searched { study, mut record, found, walk_forward, seconds } = searched;
    let Found { best, returns, front } = found;
    let ledger = ledger(&record, records)?;
    let validated = study.validate(&best, &returns, Some(walk_forward), ledger, &pool);
    let validation = match validated {
        Ok(validation) => validation,
        Err(TrainingError::Stopped) => return cancelled(record, records),
        Err(error) => return Err(error.into()),
    };
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
        front,
    })))
}

fn is_not_found(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<StoreError>(), Some(StoreError::NotFound { .. }))
}

/// All trials ever run with this strategy on this market.
pub(super) fn ledger(record: &StudyRecord, records: &Records<'_>) -> Result<TrialLedger> {
    const DAYS_PER_YEAR: f64 = tradepulse_core::performance::DAYS_PER_YEAR;
    let ledger = records.wait(records.store.ledger(&LedgerScope::market(&record.cell)))?;
    Ok(TrialLedger {
        trials: ledger.trials,
        variance: ledger.sharpe_variance.map(|v| v / DAYS_PER_YEAR),
    })
}
