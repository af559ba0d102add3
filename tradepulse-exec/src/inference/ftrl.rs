//! A learner that takes one trade after the other: logistic regression of two classes or more by
//! FTRL-Proximal, on features that are standardised by what was seen so far.
//!
//! H. B. McMahan et al., "Ad Click Prediction: a View from the Trenches", KDD 2013, algorithm 1; mean
//! and deviation by B. P. Welford, Technometrics 4 (1962).
//!
//! ```
//! use tradepulse_exec::inference::ftrl::{Ftrl, FtrlSettings};
//! let mut model = Ftrl::new(FtrlSettings::default(), vec!["momentum".to_owned()], 2)?;
//! for i in 0..1_000 {
//!     let class = i % 2;
//!     model.update(&[class as f64 - 0.5], class)?;
//! }
//! assert!(model.probabilities(&[0.5])?[1] > 0.8 && model.probabilities(&[-0.5])?[0] > 0.8);
//! # Ok::<(), tradepulse_exec::inference::ftrl::FtrlError>(())
//! ```

#[cfg(test)]
mod tests;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tradepulse_core::inference::{Predictor, PredictorError, Rows, Signature};

use super::boosting::{Objective, Table};
use super::learner::{Learner, LearnerError, Learnt};

/// The format that this program writes and reads.
const FORMAT: u32 = 1;

/// Larger values count as this one, so that no square of them overflows.
const LARGEST: f64 = 1e100;

/// Features further from their mean count as this many deviations.
const FURTHEST: f64 = 8.0;

/// Scores further from 0 count as this one, so that no probability is 0.
const FURTHEST_SCORE: f64 = 35.0;

/// Most classes.
const MOST_CLASSES: usize = 16;

/// How it learns; the names of the paper.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FtrlSettings {
    /// How fast it learns, above 0.
    pub alpha: f64,
    /// Slows the first steps, 0 or more.
    pub beta: f64,
    /// Weights of features that tell less than this are 0, 0 or more.
    pub l1: f64,
    /// Pulls weights towards 0, 0 or more.
    pub l2: f64,
}

impl Default for FtrlSettings {
    fn default() -> Self {
        Self { alpha: 0.1, beta: 1.0, l1: 0.1, l2: 1.0 }
    }
}

/// A model of the probabilities of classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ftrl {
    format: u32,
    settings: FtrlSettings,
    names: Vec<String>,
    classes: usize,
    /// Rows that were learnt from.
    rows: u64,
    /// Of each feature.
    mean: Vec<f64>,
    /// Sum of squared distances from the mean, of each feature.
    squares: Vec<f64>,
    /// Of each class that has a score of its own: the last of two, all of more.
    scored: Vec<Coordinates>,
}

/// What is learnt of the score of a class, for each feature, then for the bias; the names of the
/// paper.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Coordinates {
    z: Vec<f64>,
    /// Sums of squared gradients.
    n: Vec<f64>,
}

/// Why a model does not learn or answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FtrlError {
    /// A setting out of its range, or features without names.
    #[error("{0}")]
    Setting(&'static str),
    /// A row of another width.
    #[error("{found} values are no row of {expected} features")]
    Width {
        /// Its values.
        found: usize,
        /// The model's features.
        expected: usize,
    },
    /// A value that is missing or infinite.
    #[error("feature {feature} is {value}: only finite values are learnt from")]
    NotFinite {
        /// Its name.
        feature: String,
        /// The value.
        value: f64,
    },
    /// A class that is none of the model's.
    #[error("class {found} is none of {classes}")]
    Class {
        /// The class.
        found: usize,
        /// How many there are.
        classes: usize,
    },
    /// A text that is no model.
    #[error("this is no FTRL model: {0}")]
    Format(String),
}

impl FtrlError {
    pub(super) fn parts() -> Self {
        Self::Format("its parts do not fit each other".to_owned())
    }
}

impl Ftrl {
    /// A model of features with these names, and of so many classes, that has seen nothing: all are
    /// equally probable.
    ///
    /// # Errors
    /// [`FtrlError::Setting`].
    pub fn new(
        settings: FtrlSettings,
        names: Vec<String>,
        classes: usize,
    ) -> Result<Self, FtrlError> {
        let width = names.len();
        let (mean, squares) = (vec![0.0; width], vec![0.0; width]);
        let nothing = Coordinates { z: vec![0.0; width + 1], n: vec![0.0; width + 1] };
        let scored = vec![nothing; scores(classes)];
        let format = FORMAT;
        Self { format, settings, names, classes, rows: 0, mean, squares, scored }.checked()
    }

    /// Reads what [`text`](Self::text) wrote.
    ///
    /// # Errors
    /// [`FtrlError::Format`] if it is not that, [`FtrlError::Setting`] if it cannot be.
    pub fn parse(text: &str) -> Result<Self, FtrlError> {
        let model: Self =
            serde_json::from_str(text).map_err(|error| FtrlError::Format(error.to_string()))?;
        model.checked()
    }

    /// All that there is to it, as JSON; the same rows in the same order give the same bytes.
    ///
    /// # Errors
    /// [`FtrlError::Format`].
    pub fn text(&self) -> Result<String, FtrlError> {
        serde_json::to_string(self).map_err(|error| FtrlError::Format(error.to_string()))
    }

    /// Whether it can be a model.
    pub(super) fn checked(self) -> Result<Self, FtrlError> {
        let FtrlSettings { alpha, beta, l1, l2 } = self.settings;
        let or_more = |x: f64| x >= 0.0 && x.is_finite();
        if !(alpha > 0.0 && alpha.is_finite() && or_more(beta) && or_more(l1) && or_more(l2)) {
            return Err(FtrlError::Setting("alpha is not above 0, or beta, l1 or l2 are below 0"));
        }
        if beta + l2 <= 0.0 {
            return Err(FtrlError::Setting("one of beta and l2 has to be above 0"));
        }
        let width = self.names.len();
        if width == 0 {
            return Err(FtrlError::Setting("there is no feature"));
        }
        if !(2..=MOST_CLASSES).contains(&self.classes) {
            return Err(FtrlError::Setting("it tells two classes apart, or up to 16"));
        }
        let long = |values: &[f64], length: usize| {
            values.len() == length && values.iter().all(|value| value.is_finite())
        };
        let whole = self.format == FORMAT
            && long(&self.mean, width)
            && long(&self.squares, width)
            && self.scored.len() == scores(self.classes)
            && self.scored.iter().all(|of| long(&of.z, width + 1) && long(&of.n, width + 1))
            && self.scored.iter().all(|of| of.n.iter().all(|sum| *sum >= 0.0))
            && self.squares.iter().all(|sum| *sum >= 0.0);
        if whole { Ok(self) } else { Err(FtrlError::parts()) }
    }

    /// What its features are called.
    pub fn feature_names(&self) -> &[String] {
        &self.names
    }

    /// How it learns.
    pub const fn settings(&self) -> &FtrlSettings {
        &self.settings
    }

    /// Rows that it learnt from.
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// Classes that it tells apart.
    pub const fn classes(&self) -> usize {
        self.classes
    }

    /// The probability of each class for `row`.
    ///
    /// # Errors
    /// If the row has another width, or a value that is not finite.
    pub fn probabilities(&self, row: &[f64]) -> Result<Vec<f64>, FtrlError> {
        self.check(row)?;
        Ok(match *self.say(row) {
            [p] => vec![1.0 - p, p],
            ref all => all.to_vec(),
        })
    }

    /// Learns from one row that `class` was right.
    ///
    /// # Errors
    /// As [`probabilities`](Self::probabilities), or if there is no such class; nothing is learnt
    /// then.
    pub fn update(&mut self, row: &[f64], class: usize) -> Result<(), FtrlError> {
        self.check(row)?;
        let classes = self.classes;
        if class >= classes {
            return Err(FtrlError::Class { found: class, classes });
        }
        self.rows = self.rows.saturating_add(1);
        let rows = self.rows as f64;
        for (i, value) in row.iter().enumerate() {
            let value = value.clamp(-LARGEST, LARGEST);
            let before = value - self.mean[i];
            self.mean[i] += before / rows;
            // Rounding may make the product negative.
            self.squares[i] += (before * (value - self.mean[i])).max(0.0);
        }
        let standard: Vec<f64> = (0..row.len()).map(|i| self.standard(i, row[i])).collect();
        let said = self.say(row);
        let first = classes - said.len();
        let settings = self.settings;
        for (score, (of, said)) in self.scored.iter_mut().zip(said).enumerate() {
            let missed = said - f64::from(u8::from(class == first + score));
            for i in 0..=row.len() {
                let gradient = missed * standard.get(i).unwrap_or(&1.0);
                let grown = of.n[i] + gradient * gradient;
                let sigma = (grown.sqrt() - of.n[i].sqrt()) / settings.alpha;
                of.z[i] += gradient - sigma * of.weight(&settings, i);
                of.n[i] = grown;
            }
        }
        Ok(())
    }

    /// How much a feature counts: its weights, whatever their signs.
    fn importance(&self, i: usize) -> f64 {
        self.scored.iter().map(|of| of.weight(&self.settings, i).abs()).sum()
    }

    fn check(&self, row: &[f64]) -> Result<(), FtrlError> {
        let (found, expected) = (row.len(), self.names.len());
        if found != expected {
            return Err(FtrlError::Width { found, expected });
        }
        match self.names.iter().zip(row).find(|(_, value)| !value.is_finite()) {
            None => Ok(()),
            Some((name, value)) => {
                Err(FtrlError::NotFinite { feature: name.clone(), value: *value })
            }
        }
    }

    /// The probability of each class that has a score.
    fn say(&self, row: &[f64]) -> Vec<f64> {
        let score = |of: &Coordinates| {
            let weight = |i| of.weight(&self.settings, i);
            let parts = row.iter().enumerate().map(|(i, x)| weight(i) * self.standard(i, *x));
            parts
                .fold(weight(row.len()), |sum, part| sum + part)
                .clamp(-FURTHEST_SCORE, FURTHEST_SCORE)
        };
        let scores: Vec<f64> = self.scored.iter().map(score).collect();
        if let [score] = *scores {
            return vec![1.0 / (1.0 + (-score).exp())];
        }
        let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let odds: Vec<f64> = scores.iter().map(|score| (score - most).exp()).collect();
        let total: f64 = odds.iter().sum();
        odds.into_iter().map(|odds| odds / total).collect()
    }

    /// Distance from the mean in deviations; 0 while a feature has never differed.
    fn standard(&self, i: usize, value: f64) -> f64 {
        let deviation = (self.squares[i] / self.rows.max(1) as f64).sqrt();
        let distance = value.clamp(-LARGEST, LARGEST) - self.mean[i];
        if deviation > 0.0 { (distance / deviation).clamp(-FURTHEST, FURTHEST) } else { 0.0 }
    }
}

impl Coordinates {
    fn weight(&self, settings: &FtrlSettings, i: usize) -> f64 {
        let FtrlSettings { alpha, beta, l1, l2 } = *settings;
        let (z, n) = (self.z[i], self.n[i]);
        if z.abs() <= l1 {
            return 0.0;
        }
        -(z - z.signum() * l1) / ((beta + n.sqrt()) / alpha + l2)
    }
}

/// How many of so many classes have a score: of two, one says it all.
const fn scores(classes: usize) -> usize {
    if classes == 2 { 1 } else { classes }
}

#[async_trait]
impl Predictor for Ftrl {
    fn signature(&self) -> Signature {
        Signature { inputs: self.names.len(), outputs: scores(self.classes) }
    }

    async fn predict(&self, rows: Rows<'_>) -> Result<Vec<f64>, PredictorError> {
        PredictorError::check_width(&rows, self.signature())?;
        let mut outputs = Vec::with_capacity(rows.len() * self.signature().outputs);
        for (i, row) in rows.iter().enumerate() {
            self.check(row).map_err(|_| PredictorError::NotFinite { row: i, output: 0 })?;
            outputs.extend(self.say(row));
        }
        Ok(outputs)
    }
}

/// Learns from the rows in their order, one after the other, as if each were a trade that closed.
impl Learner for FtrlSettings {
    fn name(&self) -> &'static str {
        "online"
    }

    fn learn(
        &self,
        objective: Objective,
        rows: &Table<'_>,
        validation: Option<&Table<'_>>,
    ) -> Result<Learnt, LearnerError> {
        let failed = |reason: String| LearnerError::Failed { learner: "online", reason };
        let classes = match objective {
            Objective::Binary => 2,
            Objective::Multiclass { classes } => classes as usize,
            Objective::Regression => {
                return Err(failed("it tells classes apart, and forecasts no value".to_owned()));
            }
        };
        rows.check(objective)?;
        let wrong = |error: FtrlError| failed(error.to_string());
        let mut model = Ftrl::new(*self, rows.names.to_vec(), classes).map_err(wrong)?;
        let row = |table: &Table<'_>, i: usize| -> Vec<f64> {
            table.columns.iter().map(|column| column[i]).collect()
        };
        for (i, label) in rows.labels.iter().enumerate() {
            model.update(&row(rows, i), *label as usize).map_err(wrong)?;
        }
        let mut validation_loss = None;
        if let Some(table) = validation {
            table.check(objective)?;
            let mut sum = 0.0;
            for (i, label) in table.labels.iter().enumerate() {
                sum -= model.probabilities(&row(table, i)).map_err(wrong)?[*label as usize].ln();
            }
            validation_loss = Some(sum / table.rows() as f64);
        }
        Ok(Learnt {
            validation_loss,
            rounds: 1,
            importance: (0..rows.names.len()).map(|i| model.importance(i)).collect(),
            model: model.text().map_err(wrong)?,
            extension: "ftrl",
        })
    }
}
