//! One cell's training: search, walk-forward, validation, records.

use std::ops::ControlFlow;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use tradepulse_core::optimise::{Method, Optimiser};
use tradepulse_core::store::{
    LedgerScope, RecordId, SearchState, StoreError, StudyRecord, StudyStatus, TrainedConfiguration,
    TrainingStore, TrialBatch,
};
use tradepulse_core::training::{
    Progress, SearchEnd, Study, StudyPlan, TrainingError, TrialLedger, Validation,
};
use tradepulse_exec::threads::Threads;

use super::cell::Cell;
use super::front::{self, TradeOff};
use super::record;
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

/// Trains one cell. `step` is told of every trial and says whether to go on.
pub(crate) fn train_cell(
    cell: &Cell<'_>,
    plan: StudyPlan,
    records: &Records<'_>,
    pool: Threads,
    step: &(dyn Fn(usize, Option<f64>) -> ControlFlow<()> + Sync),
) -> Result<Ended> {
    let started = Instant::now();
    let plan = cell.plan(&plan);
    let stop = || step(0, None).is_break();
    let backtest = cell.backtest.clone().stop_when(&stop);
    let study = Study::new(cell.strategy, backtest, plan)?.over(cell.space.clone());
    let mut record = record::study(cell, &study, now());
    match records.wait(records.store.study(&record.id)) {
        Ok(known) => record.created_at = known.created_at,
        Err(error) if is_not_found(&error) => {}
        Err(error) => return Err(error),
    }
    record.status = StudyStatus::Running;
    records.wait(records.store.put_study(&record))?;

    let searched = search(&study, &record, records, pool, step);
    let Found { best, returns, front } = match searched {
        Ok(Some(found)) => found,
        Ok(None) => return cancelled(record, records),
        Err(error) => {
            record.status = StudyStatus::Failed;
            record.note = Some(format!("{error:#}"));
            records.wait(records.store.put_study(&StudyRecord { updated_at: now(), ..record }))?;
            return match error.downcast_ref::<TrainingError>() {
                Some(TrainingError::Never { .. }) => Ok(Ended::Skipped(error.to_string())),
                _ => Err(error),
            };
        }
    };
    let walked = study.walk_forward(&pool, |_, progress| step(progress.batch.len(), None));
    let walk_forward = match walked {
        Ok(found) => found,
        Err(TrainingError::Stopped) => return cancelled(record, records),
        Err(error) => return Err(error.into()),
    };
    let ledger = ledger(&record, records)?;
    let validated = study.validate(&best, &returns, Some(walk_forward), ledger, &pool);
    let validation = match validated {
        Ok(validation) => validation,
        Err(TrainingError::Stopped) => return cancelled(record, records),
        Err(error) => return Err(error.into()),
    };
    let configuration = record::configuration(cell, &record, &plan, &validation, now());
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
        seconds: started.elapsed().as_secs_f64(),
        validation,
        configuration,
        front,
    })))
}

/// Keeps a study that was broken off.
fn cancelled(record: StudyRecord, records: &Records<'_>) -> Result<Ended> {
    let id = record.id.clone();
    let status = StudyStatus::Cancelled;
    records.wait(records.store.put_study(&StudyRecord { status, updated_at: now(), ..record }))?;
    Ok(Ended::Stopped(id))
}

fn is_not_found(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<StoreError>(), Some(StoreError::NotFound { .. }))
}

/// What a search found.
pub(crate) struct Found {
    pub(crate) best: tradepulse_core::optimise::Trial,
    /// Daily returns of all trials, also of those that were pruned.
    pub(crate) returns: Vec<Vec<f64>>,
    /// The trade-offs, of a search for several objectives.
    pub(crate) front: Vec<TradeOff>,
}

/// The search, resumed where it was left; every batch is stored before the next is asked for.
/// `None` if it was broken off.
fn search(
    study: &Study<'_>,
    record: &StudyRecord,
    records: &Records<'_>,
    pool: Threads,
    step: &(dyn Fn(usize, Option<f64>) -> ControlFlow<()> + Sync),
) -> Result<Option<Found>> {
    let state = records.wait(records.store.search_state(&record.id))?;
    let (mut optimiser, mut batch) = match state {
        None => (study.optimiser(), 0),
        Some(SearchState { batch, json }) => {
            let state = serde_json::from_str(&json).context("the stored search is unreadable")?;
            (Method::resume(study.space().clone(), state)?, batch)
        }
    };
    let resumed = optimiser.trials().len();
    if resumed > 0 && step(resumed, None).is_break() {
        return Ok(None);
    }
    let mut failed = None;
    let observe = |progress: Progress<'_>| {
        batch += 1;
        let stored = store_batch(record, records, batch, &progress);
        if let Err(error) = stored {
            failed = Some(error);
            return ControlFlow::Break(());
        }
        let best = progress.optimiser.best().and_then(|t| t.outcome.as_ref()?.objective());
        step(progress.batch.len(), best)
    };
    let end = study.search(&mut *optimiser, &pool, observe);
    if let Some(error) = failed {
        return Err(error);
    }
    if end? == SearchEnd::Stopped {
        return Ok(None);
    }
    let found = found(study, &*optimiser, pool)?;
    // Computed by halves once stopped.
    Ok(if study.backtest().is_stopped() { None } else { Some(found) })
}

/// The best trial, and the daily returns of all. These are not stored: they are computed again,
/// from resumed trials too.
pub(super) fn found(study: &Study<'_>, optimiser: &dyn Optimiser, pool: Threads) -> Result<Found> {
    let Some(best) = optimiser.best().cloned() else { bail!("no trial was feasible") };
    let trials = optimiser.trials();
    let returns = tradepulse_core::training::Pool::map(&pool, trials.len(), &|i| {
        let parameters = study.space().parameters(&trials[i].point);
        study.evaluate(study.backtest(), &parameters).daily_returns
    });
    let front = front::front(study, optimiser);
    Ok(Found { best, returns, front })
}

fn store_batch(
    record: &StudyRecord,
    records: &Records<'_>,
    batch: u64,
    progress: &Progress<'_>,
) -> Result<()> {
    let json = serde_json::to_string(&progress.optimiser.state())?;
    let trials =
        progress.batch.iter().map(|(suggestion, evaluated)| record::trial(suggestion, evaluated));
    records.wait(records.store.put_batch(&TrialBatch {
        study_id: record.id.clone(),
        at: now(),
        trials: trials.collect::<Result<_>>()?,
        state: Some(SearchState { batch, json }),
    }))
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
