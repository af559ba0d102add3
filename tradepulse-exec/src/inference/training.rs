//! A model out of candles: features, labels from what came afterwards, a split in time with gaps
//! that no label looks across, boosted trees, and what they are worth on candles they never saw.
//!
//! ```
//! use tradepulse_core::inference::Basic10;
//! use tradepulse_core::market::SyntheticMarket;
//! use tradepulse_core::random::Seed;
//! use tradepulse_core::time::Timeframe;
//! use tradepulse_exec::inference::learner::{BuiltInTrees, TreeGrowth};
//! use tradepulse_exec::inference::training::{TrainingPlan, train};
//!
//! let market = SyntheticMarket { candles: 3_000, ..SyntheticMarket::new(Seed(1), Timeframe::M5) };
//! let trees = BuiltInTrees(TreeGrowth { rounds: 10, ..TreeGrowth::default() });
//! let trained = train(&market.generate()?, &Basic10, &TrainingPlan::default(), &trees)?;
//! println!("{} nats better than a coin", trained.report.test.edge);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::io::Write;
use std::ops::Range;
use std::path::Path;

use serde::Serialize;
use sha2::{Digest, Sha256};
use tradepulse_core::inference::{
    Action, FeatureError, FeatureSet, GoldenSample, Labelling, MANIFEST_VERSION, Manifest,
    ManifestError, OutputKind, PredictorError, PurgedSplit, Rows, Scores, batch, contract_hash,
};
use tradepulse_core::market::{Candle, Series};
use tradepulse_core::random::Seed;
use tradepulse_core::time::Timestamp;

use super::boosting::{Objective, Table};
use super::bundle::{BundleError, manifest_path};
use super::learner::{Learner, LearnerError};
use super::lightgbm::{LightGbm, LightGbmError};
use crate::atomic;

/// How a model is trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainingPlan {
    /// What would have been right.
    pub labelling: Labelling,
    /// Part of the rows that decides when to stop, and part that judges: the newest.
    pub validation: f64,
    /// Part of the rows that judges, once.
    pub test: f64,
    /// Decides the interval of the report.
    pub seed: Seed,
}

impl Default for TrainingPlan {
    /// Twelve candles ahead, half a percent up or down; a fifth to stop by, a fifth to judge by.
    fn default() -> Self {
        Self {
            labelling: Labelling { horizon: 12, long_above: 0.005, short_below: -0.005 },
            validation: 0.2,
            test: 0.2,
            seed: Seed(42),
        }
    }
}

/// A model, and what it is worth.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The model, as LightGBM writes it: probabilities of long, short and hold.
    pub text: String,
    /// How it did.
    pub report: TrainingReport,
    manifest: Manifest,
}

/// Where the rows of a part are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Rows.
    pub rows: usize,
    /// Open time of the first candle.
    pub from: Timestamp,
    /// Open time of the last candle.
    pub to: Timestamp,
}

/// How a training went.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrainingReport {
    /// What was learnt from.
    pub train: Part,
    /// What decided when to stop.
    pub validation: Part,
    /// What judged.
    pub judged: Part,
    /// How often long, short and hold were right in the rows that were learnt from.
    pub shares: [f64; 3],
    /// What learnt.
    pub learner: &'static str,
    /// Rounds that are in the model.
    pub rounds: usize,
    /// Log loss on the validation rows, in nats.
    pub validation_loss: Option<f64>,
    /// What the model is worth on rows that it never saw.
    pub test: Scores,
    /// Gain of the splits on each feature, largest first.
    pub importance: Vec<(String, f64)>,
}

/// Trains on the candles of `series`.
///
/// # Errors
/// [`TrainingError`].
pub fn train(
    series: &Series,
    features: &dyn FeatureSet,
    plan: &TrainingPlan,
    learner: &dyn Learner,
) -> Result<Trained, TrainingError> {
    let candles: Vec<Candle> = series.candles().collect();
    let rows = batch(features, &candles)?;
    let width = features.names().len();
    // The first row is that of the candle that completes the first window.
    let first = candles.len() - rows.len() / width;
    let labels = plan.labelling.labels(series.close());
    let labels: Vec<usize> =
        labels[first..].iter().map_while(|label| label.map(class_of)).collect();
    let (known, horizon) = (labels.len(), plan.labelling.horizon);
    let split = PurgedSplit::new(known, horizon, plan.validation, plan.test)
        .ok_or(TrainingError::TooFewRows { rows: known, horizon })?;
    let names: Vec<String> = features.names().iter().map(|&name| name.to_owned()).collect();
    let columns = |part: &Range<usize>| -> Vec<Vec<f64>> {
        (0..width).map(|i| part.clone().map(|row| rows[row * width + i]).collect()).collect()
    };
    let targets = |part: &Range<usize>| -> Vec<f64> {
        labels[part.clone()].iter().map(|label| *label as f64).collect()
    };
    let (learnt, stopped) = (columns(&split.train), columns(&split.validation));
    let (learnt_labels, stopped_labels) = (targets(&split.train), targets(&split.validation));
    let learnt = learner.learn(
        Objective::Multiclass { classes: 3 },
        &Table { names: &names, columns: &learnt, labels: &learnt_labels },
        Some(&Table { names: &names, columns: &stopped, labels: &stopped_labels }),
    )?;
    let model = LightGbm::parse(&learnt.model)?;
    let judged = &rows[split.test.start * width..split.test.end * width];
    let probabilities = model.predict_rows(Rows::new(judged, width)?)?;
    let share = |class| {
        let hits = labels[split.train.clone()].iter().filter(|label| **label == class).count();
        hits as f64 / split.train.len() as f64
    };
    let shares = [0, 1, 2].map(share);
    let test = &labels[split.test.clone()];
    let test = Scores::new(&probabilities, test, &shares, horizon, plan.seed)
        .ok_or(TrainingError::TooFewRows { rows: known, horizon })?;
    let part = |part: &Range<usize>| Part {
        rows: part.len(),
        from: candles[first + part.start].open_time,
        to: candles[first + part.end - 1].open_time,
    };
    let mut importance: Vec<(String, f64)> = names.iter().cloned().zip(learnt.importance).collect();
    importance.sort_by(|a, b| b.1.total_cmp(&a.1));
    let report = TrainingReport {
        train: part(&split.train),
        validation: part(&split.validation),
        judged: part(&split.test),
        shares,
        learner: learner.name(),
        rounds: learnt.rounds,
        validation_loss: learnt.validation_loss,
        test,
        importance,
    };
    let sample = judged[judged.len() - width..].to_vec();
    let golden = GoldenSample {
        output: model.predict_rows(Rows::new(&sample, width)?)?,
        input: sample,
        tolerance: 1e-9,
    };
    let manifest = Manifest {
        manifest_version: MANIFEST_VERSION,
        name: String::new(),
        version: 1,
        file: String::new(),
        sha256: hash(learnt.model.as_bytes()),
        features: features.name().to_owned(),
        feature_names: names,
        contract: Some(contract_hash(features)),
        output: OutputKind::Probs3 { classes: Action::ALL },
        horizon: u32::try_from(horizon).ok(),
        data: Some(series.sha256()),
        learnt_to: Some(series.close_time(first + split.validation.end - 1 + horizon)),
        golden_sample: golden,
    };
    Ok(Trained { text: learnt.model, report, manifest })
}

impl Trained {
    /// Writes the model to `file` and its manifest beside it. Each is there whole or not at all; a
    /// model whose manifest is another's is refused when it is loaded.
    ///
    /// # Errors
    /// [`BundleError::Write`], or a manifest that cannot be written as JSON.
    pub fn write(&self, file: &Path, name: &str, version: u64) -> Result<(), BundleError> {
        let word = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let named =
            Manifest { name: name.to_owned(), version, file: word, ..self.manifest.clone() };
        let json = named.to_json()?;
        for (path, text) in [(file, &self.text), (&*manifest_path(file), &json)] {
            atomic::write(path, |file| file.write_all(text.as_bytes()))
                .and_then(|()| atomic::sync_folder(path.parent().unwrap_or(Path::new(""))))
                .map_err(|source| BundleError::Write { path: path.to_owned(), source })?;
        }
        Ok(())
    }
}

/// The class of an action, as the outputs are ordered.
const fn class_of(action: Action) -> usize {
    match action {
        Action::Long => 0,
        Action::Short => 1,
        Action::Hold => 2,
    }
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A training that came to nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainingError {
    /// Not enough candles.
    #[error(
        "{rows} candles have features and a known future of {horizon}: too few for three parts"
    )]
    TooFewRows {
        /// Rows with features and labels.
        rows: usize,
        /// How far labels look ahead.
        horizon: usize,
    },
    /// Features that cannot be computed.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// Nothing was learnt.
    #[error(transparent)]
    Learner(#[from] LearnerError),
    /// The model that was made cannot be read.
    #[error("the model that was made cannot be read: {0}")]
    Model(#[from] LightGbmError),
    /// The model that was made cannot be asked.
    #[error("the model that was made cannot be asked: {0}")]
    Predictor(#[from] PredictorError),
    /// Its manifest cannot be made.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

#[cfg(test)]
mod tests {
    use tradepulse_core::inference::{Basic10, FeatureRegistry};
    use tradepulse_core::market::SyntheticMarket;
    use tradepulse_core::time::Timeframe;

    use super::*;
    use crate::inference::bundle;
    use crate::inference::learner::{BuiltInTrees, TreeGrowth};

    fn market(candles: usize) -> Series {
        let market = SyntheticMarket::new(Seed(5), Timeframe::M5);
        SyntheticMarket { candles, ..market }.generate().unwrap()
    }

    #[test]
    fn it_knows_how_far_the_market_moves() {
        let trees = BuiltInTrees(TreeGrowth { rounds: 60, ..TreeGrowth::default() });
        let trained = train(&market(12_000), &Basic10, &TrainingPlan::default(), &trees).unwrap();
        let report = &trained.report;
        // The market's volatility clusters: a coin does not know that.
        assert!(report.test.beats_the_coin(), "{report:?}");
        let (train, judged) = (report.train, report.judged);
        assert!(train.rows > 6_000 && judged.rows > 2_000, "{report:?}");
        assert!(train.to < report.validation.from && report.validation.to < judged.from);
        assert_eq!(report.importance.len(), 10);

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("trees.txt");
        trained.write(&file, "trees", 3).unwrap();
        let loaded = pollster::block_on(bundle::load(&file, None, &FeatureRegistry::default()));
        let loaded = loaded.unwrap();
        let manifest = loaded.manifest();
        assert_eq!((&*manifest.name, manifest.version, manifest.horizon), ("trees", 3, Some(12)));
        assert_eq!(manifest.data, Some(market(12_000).sha256()));
        let candle = Timeframe::M5.as_ms();
        let learnt_to = manifest.learnt_to.unwrap();
        assert_eq!(learnt_to.as_ms(), report.validation.to.as_ms() + 13 * candle);
        assert!(learnt_to <= judged.from && !manifest.is_hindsight(judged.from));
        assert!(manifest.is_hindsight(report.validation.to));
    }

    #[test]
    fn too_few_candles_are_said() {
        let (plan, trees) = (TrainingPlan::default(), BuiltInTrees::default());
        let error = train(&market(120), &Basic10, &plan, &trees).unwrap_err().to_string();
        assert!(error.contains("candles have features and a known future of 12"), "{error}");
        let error = train(&market(50), &Basic10, &plan, &trees).unwrap_err().to_string();
        assert!(error.contains("50 candles are too few"), "{error}");
    }
}
