//! A stored study opened again: its cell, plan and candles, as its record has them.

use std::ops::ControlFlow;
use std::path::Path;

use anyhow::{Context, Result, bail};
use tradepulse_core::backtest::Settings;
use tradepulse_core::lifecycle::{Evidence, Judgement};
use tradepulse_core::market::Market;
use tradepulse_core::optimise::{Restriction, Space};
use tradepulse_core::store::{
    ConfigurationFilter, Page, StudyRecord, TrainedConfiguration, TrainingStore,
};
use tradepulse_core::strategy::{Registered, Registry};
use tradepulse_core::training::{Study, StudyPlan, TrialLedger, WalkForward};
use tradepulse_exec::import;
use tradepulse_exec::store::columnar::CandleStore;
use tradepulse_exec::threads::Threads;

use super::cell::{Cell, cells};
use super::market::{TrainingMarket, load};
use super::record;
use super::search::{self, Found};
use super::work::{self, Records};
use crate::advising::Advising;
use crate::arguments::DataDir;

/// The candles of a study, from `file` or else from the store.
///
/// # Errors
/// If they are not there, or are not those the study was made on.
pub(crate) fn market(
    record: &StudyRecord,
    file: Option<&Path>,
    place: &DataDir,
) -> Result<TrainingMarket> {
    let market = Market {
        exchange: record.cell.exchange.clone(),
        symbol: record.cell.pair.clone(),
        timeframe: record.cell.timeframe,
    };
    let all = match file {
        Some(file) => {
            let symbol = Some(market.symbol.clone());
            let options = import::Options { symbol, ..import::Options::default() };
            import::import(&[file], market.timeframe, &options)?.series
        }
        None => load(&CandleStore::open(place.path()?), &market).with_context(|| {
            format!("the candles of study {} are needed: name their file with --data", record.id)
        })?,
    };
    let found = TrainingMarket::new(market, all.between(record.data_from, record.data_to));
    if found.fingerprint != record.data_fingerprint {
        bail!(
            "study {} was made on other candles: the fingerprint of its own is {}, that of {} \
             from {} to {} is {}",
            record.id,
            record.data_fingerprint,
            file.map_or_else(|| format!("the stored {found}"), |f| f.display().to_string()),
            record.data_from,
            record.data_to,
            found.fingerprint
        );
    }
    Ok(found)
}

/// How the study searches and validates.
pub(crate) fn plan(record: &StudyRecord) -> Result<StudyPlan> {
    part(record, "plan")
}

/// Money, costs and sizing of the study's backtests.
pub(crate) fn settings(record: &StudyRecord) -> Result<Settings> {
    part(record, "settings")
}

/// The models that advised the study; `None` if none did.
///
/// # Errors
/// If they are not kept in the data directory as they were.
pub(crate) fn advising(record: &StudyRecord, place: &DataDir) -> Result<Option<Advising>> {
    let Some(models) = record.method.get("models") else { return Ok(None) };
    let opened = Advising::kept(models, &place.path()?);
    opened.map(Some).with_context(|| format!("study {} cannot be opened", record.id))
}

/// What a reader of the study must know of the models that advised it.
pub(crate) fn note_of_models(record: &StudyRecord) -> Option<String> {
    let asked = record.method.get("models")?["asked"].as_array()?;
    let names = asked.iter().filter_map(|model| {
        Some(format!("{} version {}", model["name"].as_str()?, model["version"].as_u64()?))
    });
    let names: Vec<String> = names.collect();
    Some(format!(
        "Every entry needed the word of models: {}. The figures hold only where they are asked.",
        names.join(", ")
    ))
}

fn part<T: serde::de::DeserializeOwned>(record: &StudyRecord, name: &str) -> Result<T> {
    serde_json::from_value(record.method[name].clone()).with_context(|| {
        format!("the {name} of study {} cannot be read: make a new study", record.id)
    })
}

/// What is searched of the strategy's variables. A restriction that the record does not hold, or
/// that its variable has no more, is left out: [`cell`] sees that the space is another.
fn space(record: &StudyRecord, strategy: &Registered) -> Result<Space> {
    let variables = strategy.about().variables;
    let mut space = Space::new(variables)?;
    for variable in variables {
        let stored = record.space.as_array().into_iter().flatten();
        let search =
            stored.filter(|v| v["name"] == variable.name).find_map(|v| v["search"].as_str());
        if let Some(part) = search.and_then(|text| Restriction::parse(&variable.domain, text)) {
            space = space.restrict(variable.name, &part)?;
        }
    }
    Ok(space)
}

/// The study's cell on its candles.
///
/// # Errors
/// If this program would make another study of it: strategies and engine change.
pub(crate) fn cell<'a>(
    registry: &'a Registry,
    record: &StudyRecord,
    market: &'a TrainingMarket,
    advising: Option<&'a Advising>,
) -> Result<Cell<'a>> {
    let strategy = registry.get(&record.cell.strategy)?;
    let chosen = [(strategy, space(record, strategy)?)];
    let regimes = [record.cell.regime.into()];
    let markets = std::slice::from_ref(market);
    let cells = cells(&chosen, markets, &regimes, (&settings(record)?, advising))?;
    let Some(cell) = cells.into_iter().next() else { bail!("study {} has no cell", record.id) };
    let study = cell.study(plan(record)?)?;
    let again =
        StudyRecord { id: record.id.clone(), ..record::study(&cell, &study, record.created_at)? };
    if let Some(field) = record.differs_in(&again) {
        bail!(
            "study {} cannot go on: this program would make it with another {field}; \
             make a new study",
            record.id
        );
    }
    Ok(cell)
}

/// The trials of the search as it stands: the best, and the daily returns of all.
pub(crate) fn found(
    study: &Study<'_>,
    record: &StudyRecord,
    records: &Records<'_>,
    pool: Threads,
) -> Result<Found> {
    search::stored(study, record, records, pool)
}

/// The walk-forward of the searches of windows as they stand; what of them is not stored is made
/// again.
pub(crate) fn walk_forward(
    study: &Study<'_>,
    record: &StudyRecord,
    records: &Records<'_>,
    pool: Threads,
) -> Result<WalkForward> {
    let saved = search::stored_windows(record, records)?;
    Ok(study.resume_walk_forward(saved, &pool, |_, _| ControlFlow::Continue(()))?)
}

/// All trials ever run with the study's strategy on its market.
pub(crate) fn ledger(record: &StudyRecord, records: &Records<'_>) -> Result<TrialLedger> {
    work::ledger(record, records)
}

/// What came of a study, and how it was judged when it was trained.
pub(crate) struct Judged {
    /// The configuration.
    pub(crate) configuration: TrainedConfiguration,
    /// The judgement and what it rests on; `None` if it was imported.
    pub(crate) judgement: Option<(Judgement, Evidence)>,
}

/// The configuration of a study, if it came to one.
pub(crate) async fn judged(
    store: &dyn TrainingStore,
    record: &StudyRecord,
) -> Result<Option<Judged>> {
    let filter =
        ConfigurationFilter { study_id: Some(record.id.clone()), ..ConfigurationFilter::default() };
    let Some(configuration) = store.configurations(&filter, Page::first(1)).await?.pop() else {
        return Ok(None);
    };
    let judgement = judgement(store, &configuration).await?;
    Ok(Some(Judged { configuration, judgement }))
}

/// How a configuration was last judged; `None` if it was imported.
pub(crate) async fn judgement(
    store: &dyn TrainingStore,
    configuration: &TrainedConfiguration,
) -> Result<Option<(Judgement, Evidence)>> {
    let events = store.events(&configuration.id, Page::ALL).await?;
    Ok(events.iter().rev().find_map(|event| {
        let part = |name| event.causes.get(name).cloned();
        let judgement = serde_json::from_value(part("judgement")?).ok()?;
        let evidence = serde_json::from_value(part("evidence")?).ok()?;
        Some((judgement, evidence))
    }))
}
