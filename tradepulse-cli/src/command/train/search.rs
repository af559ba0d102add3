//! The searches of a study, stored as they go and resumed where they were left.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tradepulse_core::optimise::{Method, Optimiser, State, Trial};
use tradepulse_core::store::{SearchState, StudyRecord, TrialBatch, WindowSearch};
use tradepulse_core::training::{Pool, Progress, SearchEnd, Study, TrainingError, WalkForward};
use tradepulse_exec::threads::Threads;

use super::front::{self, TradeOff};
use super::record;
use super::work::{Records, Step};
use crate::clock::now;

/// What a search found.
pub(crate) struct Found {
    pub(crate) best: Trial,
    /// Daily returns of all trials, also of those that were pruned.
    pub(crate) returns: Vec<Vec<f64>>,
    /// The trade-offs, of a search for several objectives.
    pub(crate) front: Vec<TradeOff>,
}

impl Found {
    fn new(study: &Study<'_>, optimiser: &dyn Optimiser, returns: Vec<Vec<f64>>) -> Result<Self> {
        let Some(best) = optimiser.best().cloned() else { bail!("no trial was feasible") };
        Ok(Self { best, returns, front: front::front(study, optimiser) })
    }
}

/// The stored search as it stands.
///
/// # Errors
/// If there is none, or no trial of it was feasible.
pub(super) fn stored(
    study: &Study<'_>,
    record: &StudyRecord,
    records: &Records<'_>,
    pool: Threads,
) -> Result<Found> {
    let Some(state) = records.wait(records.store.search_state(&record.id))? else {
        bail!("study {} has no trial yet: tradepulse train --resume {}", record.id, record.id);
    };
    let optimiser = Method::resume(study.space().clone(), readable(&state.json)?)?;
    let returns = daily_returns(study, &optimiser.trials().iter().collect::<Vec<_>>(), pool);
    Found::new(study, &*optimiser, returns)
}

/// The daily returns of trials. They are not stored, but computed again.
fn daily_returns(study: &Study<'_>, trials: &[&Trial], pool: Threads) -> Vec<Vec<f64>> {
    pool.map(trials.len(), &|i| {
        let parameters = study.space().parameters(&trials[i].point);
        study.evaluate(study.backtest(), &parameters).daily_returns
    })
}

/// The search on all candles, resumed where it was left; every batch is stored before the next is
/// asked for. `None` if it was broken off.
pub(super) fn search(
    study: &Study<'_>,
    record: &StudyRecord,
    records: &Records<'_>,
    pool: Threads,
    step: &Step<'_>,
) -> Result<Option<Found>> {
    let state = records.wait(records.store.search_state(&record.id))?;
    let (mut optimiser, mut batch) = match state {
        None => (study.optimiser(), 0),
        Some(SearchState { batch, json }) => {
            (Method::resume(study.space().clone(), readable(&json)?)?, batch)
        }
    };
    let resumed = optimiser.trials();
    if !resumed.is_empty() && step(resumed.len(), None).is_break() {
        return Ok(None);
    }
    let mut returns = daily_returns(study, &resumed.iter().collect::<Vec<_>>(), pool);
    let (mut failed, mut pruned) = (None, Vec::new());
    let observe = |progress: Progress<'_>| {
        batch += 1;
        for (_, trial) in progress.batch {
            if trial.pruned {
                pruned.push(returns.len());
            }
            returns.push(trial.daily_returns.clone());
        }
        if let Err(error) = store_batch(record, records, batch, &progress) {
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
    let trials: Vec<_> = pruned.iter().map(|i| &optimiser.trials()[*i]).collect();
    for (i, whole) in pruned.iter().zip(daily_returns(study, &trials, pool)) {
        returns[*i] = whole;
    }
    // Computed by halves once stopped.
    if study.backtest().is_stopped() {
        return Ok(None);
    }
    Found::new(study, &*optimiser, returns).map(Some)
}

fn readable(json: &str) -> Result<State> {
    serde_json::from_str(json).context("the stored search is unreadable")
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

/// The stored searches of windows, by their numbers.
pub(super) fn stored_windows(
    record: &StudyRecord,
    records: &Records<'_>,
) -> Result<BTreeMap<usize, State>> {
    let searches = records.wait(records.store.windows(&record.id))?;
    searches.iter().map(|s| Ok((s.window as usize, readable(&s.json)?))).collect()
}

/// The walk-forward, resumed where it was left; `None` if it was broken off.
pub(super) fn walk_forward(
    study: &Study<'_>,
    record: &StudyRecord,
    records: &Records<'_>,
    pool: Threads,
    step: &Step<'_>,
) -> Result<Option<WalkForward>> {
    let saved = stored_windows(record, records)?;
    for state in saved.values() {
        if step(state.trials.len(), None).is_break() {
            return Ok(None);
        }
    }
    let mut windows = Windows { record, records, open: None, stored: Instant::now() };
    let mut failed = None;
    let observe = |window: usize, progress: Progress<'_>| match windows.note(window, &progress) {
        Ok(()) => step(progress.batch.len(), None),
        Err(error) => {
            failed = Some(error);
            ControlFlow::Break(())
        }
    };
    let walked = study.resume_walk_forward(saved, &pool, observe);
    if let Some(error) = failed {
        return Err(error);
    }
    match walked {
        Ok(found) => {
            windows.store()?;
            Ok(Some(found))
        }
        Err(TrainingError::Stopped) => {
            windows.store()?;
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Stores the searches of windows: each when it has ended, and a long one once in a while. To store
/// every batch would take longer than to make it again.
struct Windows<'a> {
    record: &'a StudyRecord,
    records: &'a Records<'a>,
    /// The window being searched and its state, as far as it is not stored.
    open: Option<(u32, State)>,
    stored: Instant,
}

impl Windows<'_> {
    /// How much work may be lost.
    const PATIENCE: Duration = Duration::from_secs(1);

    fn note(&mut self, window: usize, progress: &Progress<'_>) -> Result<()> {
        let window = u32::try_from(window)?;
        if self.open.as_ref().is_some_and(|(open, _)| *open != window) {
            self.store()?;
        }
        self.open = Some((window, progress.optimiser.state()));
        if progress.done >= progress.wanted || self.stored.elapsed() > Self::PATIENCE {
            self.store()?;
        }
        Ok(())
    }

    fn store(&mut self) -> Result<()> {
        let Some((window, state)) = self.open.take() else { return Ok(()) };
        self.stored = Instant::now();
        self.records.wait(self.records.store.put_window(&WindowSearch {
            study_id: self.record.id.clone(),
            window,
            trials: state.trials.len() as u64,
            json: serde_json::to_string(&state)?,
        }))
    }
}
