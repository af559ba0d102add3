//! The searches of a study, stored as they go and resumed where they were left.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tradepulse_core::optimise::{Method, State, Trial};
use tradepulse_core::store::{SearchState, StudyRecord, TrialBatch, WindowSearch};
use tradepulse_core::training::{Pool, Progress, SearchEnd, Study, TrainingError, WalkForward};
use tradepulse_exec::threads::Threads;

use super::record;
use super::work::{Records, Step};
use crate::clock::now;

/// The search on all candles, resumed where it was left; every batch is stored before the next is
/// asked for. Gives the best trial and the daily returns of all, or `None` if it was broken off.
pub(super) fn search(
    study: &Study<'_>,
    record: &StudyRecord,
    records: &Records<'_>,
    pool: Threads,
    step: &Step<'_>,
) -> Result<Option<(Trial, Vec<Vec<f64>>)>> {
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
    // Daily returns are not stored: those of resumed trials are computed again.
    let mut returns = pool.map(resumed.len(), &|i| {
        let parameters = study.space().parameters(&resumed[i].point);
        study.evaluate(study.backtest(), &parameters).daily_returns
    });
    let mut failed = None;
    let observe = |progress: Progress<'_>| {
        batch += 1;
        returns.extend(progress.batch.iter().map(|(_, trial)| trial.daily_returns.clone()));
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
    let Some(best) = optimiser.best().cloned() else { bail!("no trial was feasible") };
    Ok(Some((best, returns)))
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

/// The walk-forward, resumed where it was left; `None` if it was broken off.
pub(super) fn walk_forward(
    study: &Study<'_>,
    record: &StudyRecord,
    records: &Records<'_>,
    pool: Threads,
    step: &Step<'_>,
) -> Result<Option<WalkForward>> {
    let mut saved = BTreeMap::new();
    for search in records.wait(records.store.windows(&record.id))? {
        let state = readable(&search.json)?;
        if step(state.trials.len(), None).is_break() {
            return Ok(None);
        }
        saved.insert(search.window as usize, state);
    }
    let mut windows = Windows { record, records, open: None, stored: Instant::now() };
    let mut failed = None;
    let observe = |window: usize, progress: Progress<'_>| {
        let stored = windows.note(window, &progress);
        let go_on = step(progress.batch.len(), None);
        match stored.and_then(|()| if go_on.is_break() { windows.store() } else { Ok(()) }) {
            Ok(()) => go_on,
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
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
        Err(TrainingError::Stopped) => Ok(None),
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
