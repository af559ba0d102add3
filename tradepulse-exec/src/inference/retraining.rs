//! A challenger out of samples, and whether it is better than the champion that serves.
//!
//! Samples are put in order of time. The newest part is held out, in folds: each is predicted by a
//! model that learnt from all before it, without the samples whose outcome was not known yet when
//! the fold began. The champion is asked about the same samples, and only about such that are newer
//! than what it learnt from itself. The challenger is the model of the last fold; it is better if
//! its log loss is less by at least the [`margin`](RetrainingPlan::margin), and the whole 95 %
//! interval of the difference is above zero.

mod folds;
#[cfg(test)]
mod tests;

use serde::Serialize;
use tradepulse_core::inference::{
    Action, GoldenSample, LossDifference, MANIFEST_VERSION, Manifest, OutputError, OutputKind,
    Predictor, PredictorError, Rows, Scores,
};
use tradepulse_core::random::Seed;
use tradepulse_core::time::Timestamp;

use super::boosting::Objective;
use super::bundle::{self, Bundle, BundleError};
use super::ftrl::FtrlError;
use super::learner::{Learner, LearnerError, Learnt};
use super::model_directory::Publication;
use folds::Folds;
pub(super) use folds::overlap;

/// A row, what would have been right, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelledSample {
    /// The features.
    pub row: Vec<f64>,
    /// What would have been right.
    pub label: Action,
    /// When the decision was made.
    pub at: Timestamp,
    /// When it was known what would have been right.
    pub known: Timestamp,
}

/// How a challenger is made and judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetrainingPlan {
    /// Part of the samples that judges: the newest.
    pub held_out: f64,
    /// In how many folds it is predicted, at least 1.
    pub folds: usize,
    /// Fewest samples with a label.
    pub fewest: usize,
    /// Fewest samples that judge.
    pub fewest_held_out: usize,
    /// By how much the challenger's log loss has to be less, nats a sample.
    pub margin: f64,
    /// Candles that the labels look ahead, where they are forward returns.
    pub horizon: Option<u32>,
    /// Decides the intervals.
    pub seed: Seed,
}

impl Default for RetrainingPlan {
    /// Three tenths in three folds, of at least 200 samples; better by 0.005 nats.
    fn default() -> Self {
        Self {
            held_out: 0.3,
            folds: 3,
            fewest: 200,
            fewest_held_out: 50,
            margin: 0.005,
            horizon: None,
            seed: Seed(42),
        }
    }
}

/// How a retraining went.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RetrainingReport {
    /// What learnt.
    pub learner: &'static str,
    /// Samples with a label.
    pub samples: usize,
    /// Samples that the challenger learnt from, those that decided when to stop included.
    pub learnt_from: usize,
    /// Samples that judged.
    pub held_out: usize,
    /// Samples left out because their outcome was not known when a fold began, over all folds.
    pub purged: usize,
    /// How often each class was right in the samples that the first fold learnt from: long, short,
    /// hold; or not long, long.
    pub shares: Vec<f64>,
    /// The champion on the held-out samples.
    pub champion: Scores,
    /// The challenger on the same.
    pub challenger: Scores,
    /// By how much the challenger's log loss is less.
    pub difference: LossDifference,
    /// By how much it had to be.
    pub margin: f64,
    /// Whether it is better.
    pub better: bool,
}

/// A challenger.
#[derive(Clone, Debug)]
pub struct Retrained {
    /// How it did.
    pub report: RetrainingReport,
    /// The version to publish, if it is better than the champion.
    pub better: Option<Publication>,
}

/// Makes a challenger of `champion` out of `samples`. Those up to which the champion learnt itself
/// judge neither.
///
/// # Errors
/// [`RetrainingError`]: there is no challenger.
pub async fn retrain(
    samples: &[LabelledSample],
    champion: &Bundle,
    learner: &dyn Learner,
    plan: &RetrainingPlan,
) -> Result<Retrained, RetrainingError> {
    let about = champion.manifest();
    let kind = about.output;
    let (classes, made) = classes_of(kind)?;
    let objective = match classes {
        2 => Objective::Binary,
        _ => Objective::Multiclass { classes: 3 },
    };
    let width = about.feature_names.len();
    let usable = samples.iter().filter(|sample| sample.row.len() == width);
    let usable = usable.filter_map(|sample| Some((sample, kind.class_of(sample.label)?)));
    let folds = Folds::new(usable.collect(), about.learnt_to, plan)?;

    let (mut probabilities, mut shares) = (Vec::new(), Vec::new());
    let (mut purged, mut last) = (0, None);
    for fold in folds.each() {
        let training = folds.before(&fold, classes)?;
        purged += training.purged;
        if shares.is_empty() {
            shares = training.shares(classes);
        }
        let names = &about.feature_names;
        let (rows, validation) = (training.rows.table(names), training.validation.table(names));
        let learnt = learner.learn(objective, &rows, Some(&validation))?;
        let model = bundle::predictor(learnt.extension, learnt.model.as_bytes())?;
        probabilities.extend(ask(&*model, made, &folds.rows(&fold), width).await?);
        last = Some((learnt, model, training));
    }
    let Some((learnt, model, training)) = last else {
        return Err(RetrainingError::TooFewSamples { samples: 0, wanted: plan.fewest });
    };
    let held_out = folds.held_out();
    let (labels, rows) = (folds.labels(&held_out), folds.rows(&held_out));
    let champions = ask(champion.model(), kind, &rows, width).await?;
    let block = folds.overlap();
    let score = |probabilities: &[f64]| {
        Scores::new(probabilities, &labels, &shares, block, plan.seed)
            .ok_or(RetrainingError::Answers)
    };
    let difference =
        LossDifference::new(&champions, &probabilities, &labels, classes, block, plan.seed)
            .ok_or(RetrainingError::Answers)?;
    let better = difference.mean >= plan.margin && difference.interval.0 > 0.0;
    let report = RetrainingReport {
        learner: learner.name(),
        samples: folds.len(),
        learnt_from: training.rows.len() + training.validation.len(),
        held_out: held_out.len(),
        purged,
        champion: score(&champions)?,
        challenger: score(&probabilities)?,
        shares,
        difference,
        margin: plan.margin,
        better,
    };
    if !better {
        return Ok(Retrained { report, better: None });
    }
    let input = rows[rows.len() - width..].to_vec();
    let data = folds.fingerprint();
    let challenger = Challenger { learnt, made, input, data, learnt_to: training.known };
    let better = challenger.publication(champion, &*model, &report, plan).await?;
    Ok(Retrained { report, better: Some(better) })
}

/// How many classes a model's outputs tell apart, and what a challenger answers.
pub(super) fn classes_of(kind: OutputKind) -> Result<(usize, OutputKind), RetrainingError> {
    match kind.classes() {
        Some(2) => Ok((2, OutputKind::Binary)),
        Some(3) => Ok((3, OutputKind::Probs3 { classes: Action::ALL })),
        _ => Err(RetrainingError::NoProbabilities { output: kind.name() }),
    }
}

/// What is to be published.
pub(super) struct Challenger {
    pub(super) learnt: Learnt,
    pub(super) made: OutputKind,
    /// The row of the golden sample.
    pub(super) input: Vec<f64>,
    /// Fingerprint of what it learnt from.
    pub(super) data: String,
    pub(super) learnt_to: Timestamp,
}

impl Challenger {
    pub(super) async fn publication(
        self,
        champion: &Bundle,
        model: &dyn Predictor,
        report: &RetrainingReport,
        plan: &RetrainingPlan,
    ) -> Result<Publication, RetrainingError> {
        let Self { learnt, made, input, data, learnt_to } = self;
        let output = model.predict(Rows::new(&input, input.len())?).await?;
        let manifest = Manifest {
            manifest_version: MANIFEST_VERSION,
            sha256: bundle::sha256(learnt.model.as_bytes()),
            output: made,
            horizon: plan.horizon,
            data: Some(data),
            learnt_to: Some(learnt_to),
            golden_sample: GoldenSample { input, output, tolerance: 1e-9 },
            ..champion.manifest().clone()
        };
        let training = serde_json::to_string_pretty(report).map_err(RetrainingError::Report)?;
        Ok(Publication {
            model: learnt.model.into_bytes(),
            extension: learnt.extension.to_owned(),
            manifest,
            training: Some(training),
        })
    }
}

/// Class probabilities of all rows.
pub(super) async fn ask(
    model: &dyn Predictor,
    kind: OutputKind,
    rows: &[f64],
    width: usize,
) -> Result<Vec<f64>, RetrainingError> {
    let outputs = model.predict(Rows::new(rows, width)?).await?;
    let mut probabilities = Vec::with_capacity(outputs.len());
    for outputs in outputs.chunks(kind.outputs()) {
        probabilities.extend(kind.class_probabilities(outputs)?);
    }
    Ok(probabilities)
}

/// Why there is no challenger.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RetrainingError {
    /// Too little to learn from.
    #[error("too few samples: {samples} have a label and a known outcome, {wanted} are needed")]
    TooFewSamples {
        /// Samples there are.
        samples: usize,
        /// Samples that are needed.
        wanted: usize,
    },
    /// Too little that the champion has not learnt from.
    #[error(
        "too few new samples: {samples} are newer than what the champion learnt from, {wanted} are \
         needed to judge"
    )]
    TooFewNew {
        /// Samples there are.
        samples: usize,
        /// Samples that are needed.
        wanted: usize,
    },
    /// Nothing to tell apart.
    #[error("one class: in all {samples} samples to learn from the same was right")]
    OneClass {
        /// Samples to learn from.
        samples: usize,
    },
    /// A champion whose outputs have no probabilities.
    #[error(
        "the champion answers a {output}: challengers are made for models of class probabilities \
         (probs3, logits, binary)"
    )]
    NoProbabilities {
        /// What its outputs are.
        output: &'static str,
    },
    /// The learner failed.
    #[error(transparent)]
    Learner(#[from] LearnerError),
    /// The online learner failed.
    #[error(transparent)]
    Ftrl(#[from] FtrlError),
    /// The online learner is of another model than the champion.
    #[error(
        "the online learner is of other features or classes than the model that serves ({features}): \
         remove its file to begin anew"
    )]
    OtherModel {
        /// The learner's features.
        features: String,
    },
    /// What the learner made cannot be read.
    #[error("the challenger cannot be read: {0}")]
    Challenger(#[from] BundleError),
    /// A model that cannot be asked.
    #[error("a model cannot be asked: {0}")]
    Predictor(#[from] PredictorError),
    /// Outputs that are not what they should be.
    #[error("a model's outputs: {0}")]
    Output(#[from] OutputError),
    /// Answers of another number than the samples.
    #[error("the models' answers do not fit the samples")]
    Answers,
    /// The report cannot be written.
    #[error("the report cannot be written: {0}")]
    Report(serde_json::Error),
}

impl RetrainingError {
    /// Whether the samples are the reason: more of them may help, and nothing is broken.
    pub const fn is_for_want_of_samples(&self) -> bool {
        matches!(
            self,
            Self::TooFewSamples { .. }
                | Self::TooFewNew { .. }
                | Self::OneClass { .. }
                | Self::NoProbabilities { .. }
        )
    }
}
