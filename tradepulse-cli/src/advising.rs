//! The models that advise backtests, kept in the data directory so that a study they advised can be
//! opened again.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use tradepulse_core::backtest::{Backtest, Settings};
use tradepulse_core::ensemble::{self, Advice, DecisionMode, Ensemble, Panel, Question};
use tradepulse_core::inference::{Labelling, Manifest};
use tradepulse_core::market::Series;
use tradepulse_core::time::Timestamp;
use tradepulse_exec::atomic;
use tradepulse_exec::inference::LocalModel;
use tradepulse_exec::inference::bundle::manifest_path;

use crate::arguments::AdviceTerms;
use crate::output;

/// What is kept of a model, and what its vote weighs.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Asked {
    name: String,
    version: u64,
    /// The model's file, in a folder of its own.
    file: String,
    /// SHA-256 of its manifest, which has that of the model: the folder is named after it.
    id: String,
    weight: f64,
}

/// Models, and on what terms they are asked.
pub(crate) struct Advising {
    models: Vec<(Asked, PathBuf, LocalModel)>,
    terms: AdviceTerms,
}

/// An [`Advising`] as studies have it.
#[derive(Deserialize, Serialize)]
struct Record<'a> {
    asked: Vec<Asked>,
    #[serde(flatten)]
    terms: std::borrow::Cow<'a, AdviceTerms>,
}

/// Folder in the data directory.
const FOLDER: &str = "models";

impl Advising {
    /// The models of these files, each with what its vote weighs.
    pub(crate) fn open<'a>(
        files: impl IntoIterator<Item = (&'a Path, f64)>,
        terms: &AdviceTerms,
    ) -> Result<Self> {
        let runtime = crate::records::runtime()?;
        let mut models = Vec::new();
        for (file, weight) in files {
            let model = runtime.block_on(crate::models::local(file));
            let model = model.with_context(|| format!("model {}", file.display()))?;
            let manifest = model.bundle().manifest();
            let asked = Asked {
                name: manifest.name.clone(),
                version: manifest.version,
                file: file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                id: manifest.fingerprint()?,
                weight,
            };
            models.push((asked, file.to_owned(), model));
        }
        Ok(Self { models, terms: terms.clone() })
    }

    /// The models that a study has in its record, as they were kept in the data directory.
    pub(crate) fn kept(record: &serde_json::Value, data_dir: &Path) -> Result<Self> {
        let Record { asked, terms } = Record::deserialize(record)
            .context("the models that advised it cannot be read: make a new study")?;
        let files: Vec<PathBuf> =
            asked.iter().map(|one| folder(data_dir, &one.id).join(&one.file)).collect();
        let weights = asked.iter().map(|one| one.weight);
        let opened = Self::open(files.iter().map(PathBuf::as_path).zip(weights), &terms)
            .context("a model that advised it is not there as it was")?;
        for ((found, file, _), wanted) in opened.models.iter().zip(&asked) {
            if found.id != wanted.id {
                bail!(
                    "{} is not the model that advised it: its manifest is another",
                    file.display()
                );
            }
        }
        Ok(opened)
    }

    /// Copies the models to the data directory, where they are not there yet.
    pub(crate) fn keep(&self, data_dir: &Path) -> Result<()> {
        for (asked, file, model) in &self.models {
            let folder = folder(data_dir, &asked.id);
            let copy = folder.join(&asked.file);
            let said = || format!("cannot keep the model {} in {}", asked.name, folder.display());
            std::fs::create_dir_all(&folder).with_context(said)?;
            let manifest = model.bundle().manifest().to_json()?;
            let bytes = std::fs::read(file).with_context(said)?;
            for (path, bytes) in [(&copy, &*bytes), (&manifest_path(&copy), manifest.as_bytes())] {
                atomic::write(path, |file| std::io::Write::write_all(file, bytes))
                    .and_then(|()| atomic::sync_folder(&folder))
                    .with_context(said)?;
            }
        }
        Ok(())
    }

    /// As a study has it in its record.
    pub(crate) fn record(&self) -> Result<serde_json::Value> {
        let asked = self.models.iter().map(|(asked, ..)| asked.clone()).collect();
        let terms = std::borrow::Cow::Borrowed(&self.terms);
        Ok(serde_json::to_value(Record { asked, terms })?)
    }

    /// A backtest whose entries need the word of the models.
    pub(crate) fn backtest<'a>(
        &self,
        series: &'a Series,
        mut settings: Settings,
    ) -> Result<Backtest<'a>> {
        settings.rules.decision = DecisionMode::Confirm {
            allow_abstain: self.terms.allow_abstain,
            by_confidence: self.terms.size_by_confidence,
        };
        let advice = self.advice(series, &settings)?;
        Ok(Backtest::new(series, settings)?.with_advice(advice)?)
    }

    /// What the models advise at each close of `series`.
    fn advice(&self, series: &Series, settings: &Settings) -> Result<Arc<[Option<Advice>]>> {
        let terms = &self.terms;
        let ensemble = Ensemble::new(ensemble::Settings {
            method: terms.ensemble.into(),
            threshold: terms.threshold,
            min_responding_models: terms.quorum,
            uncertainty_threshold: terms.max_disagreement,
            expected_value_threshold: terms.expected_value,
            ..ensemble::Settings::default()
        })?;
        let runtime = crate::records::runtime()?;
        let (mut columns, mut names) = (Vec::new(), Vec::<(String, f64)>::new());
        for (Asked { name, weight, .. }, file, model) in &self.models {
            let column = runtime.block_on(model.column(series));
            columns.push(column.with_context(|| format!("model {}", file.display()))?);
            tell_hindsight(model.bundle().manifest(), series);
            let twins = self.models[..names.len()].iter().filter(|(one, ..)| one.name == *name);
            let name = match twins.count() {
                0 => name.clone(),
                twins => format!("{name}-{}", twins + 1),
            };
            names.push((name, *weight));
        }
        let labelling =
            Labelling { horizon: terms.horizon, long_above: 0.001, short_below: -0.001 };
        let panel = Panel::new(ensemble, labelling, series.timeframe(), names);
        let question = Question {
            cost: settings.rules.costs.round_trip(),
            ..Question::new(Timestamp::EARLIEST, 1.0)
        };
        let delay = i64::from(terms.model_latency) / series.timeframe().as_ms();
        let delay = usize::try_from(delay).unwrap_or_default();
        Ok(panel.advise(series, &columns, &question, delay)?.into())
    }
}

impl fmt::Display for Advising {
    /// Names and versions.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (asked, ..)) in self.models.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}{} {} ({})", asked.name, asked.version, &asked.id[..8])?;
        }
        Ok(())
    }
}

/// Says about which candles a model is not asked, because it learnt from later ones.
fn tell_hindsight(manifest: &Manifest, series: &Series) {
    let known =
        (0..series.len()).take_while(|&at| manifest.is_hindsight(series.close_time(at))).count();
    if let (Some(learnt_to), 1..) = (manifest.learnt_to, known) {
        output::note(format!(
            "model {} learnt from candles up to {learnt_to}: it is not asked about {known} of the {} \
             candles, which would be hindsight",
            manifest.name,
            series.len()
        ));
    }
}

fn folder(data_dir: &Path, id: &str) -> PathBuf {
    data_dir.join(FOLDER).join(id)
}
