//! The report of a stored study. What is not stored is computed again, where the candles are.

use std::path::{Path, PathBuf};

use anyhow::Result;
use tradepulse_core::lifecycle::{Evidence, Judgement};
use tradepulse_core::store::{Page, StudyRecord, StudyStatus};
use tradepulse_core::training::Validation;
use tradepulse_exec::store::columnar;
use tradepulse_exec::threads::Threads;
use tradepulse_strategies::registry_with_models;

use crate::arguments::DataDir;
use crate::command::backtest::write;
use crate::command::train::stored::{self, Judged};
use crate::command::train::{Records, TrainingMarket, report::file_name};
use crate::report::{self, Found, StudyReport};

/// Writes the report of the study to `file`, or to one named after it.
pub(super) fn write_report(
    record: &StudyRecord,
    records: &Records<'_>,
    data: Option<&Path>,
    file: Option<PathBuf>,
    place: &DataDir,
) -> Result<PathBuf> {
    let registry = registry_with_models();
    let settings = stored::settings(record)?;
    let trials = records.wait(records.store.trials(&record.id, Page::ALL))?;
    let judged = records.runtime.block_on(stored::judged(records.store, record))?;
    let mut notes: Vec<String> = stored::note_of_models(record).into_iter().collect();
    let market = match stored::market(record, data, place) {
        Ok(market) => Some(market),
        // Candles that were asked for by name must be there; those of the store may be gone.
        Err(error) if data.is_none() && is_missing(&error) => {
            notes.push(
                "The candles are not in the store: the windows and what rests on them are left \
                 out. Name their file with --data."
                    .to_owned(),
            );
            None
        }
        Err(error) => return Err(error),
    };
    let validation = match &market {
        Some(market) if record.status == StudyStatus::Done => {
            Some(again(record, market, records, place)?)
        }
        Some(_) => {
            notes.push("The study has not come to its end: nothing was validated.".to_owned());
            None
        }
        None => None,
    };
    let recomputed = validation.as_ref().map(|v| (&v.judgement, &v.evidence));
    let html = report::render_study(&StudyReport {
        study: record,
        summary: registry.get(&record.cell.strategy).map_or("", |s| s.about().summary),
        settings: &settings,
        trials: &trials,
        configuration: judged.as_ref().map(|j| &j.configuration),
        judged: judged.as_ref().and_then(verdict).or(recomputed),
        found: market
            .as_ref()
            .zip(validation.as_ref())
            .map(|(market, validation)| Found { series: &market.series, validation }),
        notes,
    })?;
    let file = file.unwrap_or_else(|| file_name(record).into());
    write(&file, |out| out.write_all(html.as_bytes()))?;
    Ok(file)
}

/// Candles that nobody took in.
fn is_missing(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref::<columnar::StoreError>(),
        Some(columnar::StoreError::NotFound { .. })
    )
}

fn verdict(judged: &Judged) -> Option<(&Judgement, &Evidence)> {
    judged.judgement.as_ref().map(|(judgement, evidence)| (judgement, evidence))
}

/// The walk-forward and the validation, as they were when the study was trained.
fn again(
    record: &StudyRecord,
    market: &TrainingMarket,
    records: &Records<'_>,
    place: &DataDir,
) -> Result<Validation> {
    let registry = registry_with_models();
    let advising = stored::advising(record, place)?;
    let cell = stored::cell(&registry, record, market, advising.as_ref())?;
    let study = cell.study(stored::plan(record)?)?;
    let pool = Threads::all();
    let found = stored::found(&study, record, records, pool)?;
    let walked = stored::walk_forward(&study, record, records, pool)?;
    let ledger = stored::ledger(record, records)?;
    Ok(study.validate(&found.best, &found.returns, Some(walked), ledger, &pool)?)
}
