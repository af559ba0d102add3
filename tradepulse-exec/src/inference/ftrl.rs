//! A learner that takes one trade after the other: logistic regression by FTRL-Proximal, on features
//! that are standardised by what was seen so far.
//!
//! H. B. McMahan et al., "Ad Click Prediction: a View from the Trenches", KDD 2013, algorithm 1; mean
//! and deviation by B. P. Welford, Technometrics 4 (1962).
//!
//! ```
//! use tradepulse_exec::inference::ftrl::{Ftrl, FtrlSettings};
//! let mut model = Ftrl::new(FtrlSettings::default(), vec!["momentum".to_owned()])?;
//! for i in 0..1_000 {
//!     let up = i % 2 == 0;
//!     model.update(&[if up { 1.0 } else { -1.0 }], up)?;
//! }
//! assert!(model.probability(&[1.0])? > 0.8 && model.probability(&[-1.0])? < 0.2);
//! # Ok::<(), tradepulse_exec::inference::ftrl::FtrlError>(())
//! ```

mod file;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tradepulse_core::inference::{Predictor, PredictorError, Rows, Signature};

use super::boosting::{Objective, Table};
use super::learner::{Learner, LearnerError, Learnt};
pub use file::FtrlFile;

/// The format that this program writes and reads.
const FORMAT: u32 = 1;

/// Larger values count as this one, so that no square of them overflows.
const LARGEST: f64 = 1e100;

/// Features further from their mean count as this many deviations.
const FURTHEST: f64 = 8.0;

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

/// A model of the probability that the label is true.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ftrl {
    format: u32,
    settings: FtrlSettings,
    names: Vec<String>,
    /// Rows that were learnt from.
    rows: u64,
    /// Of each feature.
    mean: Vec<f64>,
    /// Sum of squared distances from the mean, of each feature.
    squares: Vec<f64>,
    /// `z` of the paper, of each feature, then of the bias.
    z: Vec<f64>,
    /// `n` of the paper: sums of squared gradients.
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
    /// A text that is no model.
    #[error("this is no FTRL model: {0}")]
    Format(String),
    /// A file that cannot be read or written.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong.
        source: std::io::Error,
    },
}

impl Ftrl {
    /// A model of features with these names that has seen nothing: it says one half.
    ///
    /// # Errors
    /// [`FtrlError::Setting`].
    pub fn new(settings: FtrlSettings, names: Vec<String>) -> Result<Self, FtrlError> {
        let width = names.len();
        let (mean, squares) = (vec![0.0; width], vec![0.0; width]);
        let (z, n) = (vec![0.0; width + 1], vec![0.0; width + 1]);
        Self { format: FORMAT, settings, names, rows: 0, mean, squares, z, n }.checked()
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

    fn checked(self) -> Result<Self, FtrlError> {
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
        let long = |values: &[f64], length: usize| {
            values.len() == length && values.iter().all(|value| value.is_finite())
        };
        let whole = self.format == FORMAT
            && long(&self.mean, width)
            && long(&self.squares, width)
            && long(&self.z, width + 1)
            && long(&self.n, width + 1)
            && self.squares.iter().chain(&self.n).all(|sum| *sum >= 0.0);
        if whole {
            Ok(self)
        } else {
            Err(FtrlError::Format("its parts do not fit each other".to_owned()))
        }
    }

    /// What its features are called.
    pub fn feature_names(&self) -> &[String] {
        &self.names
    }

    /// Rows that it learnt from.
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// The probability that the label of `row` is true.
    ///
    /// # Errors
    /// If the row has another width, or a value that is not finite.
    pub fn probability(&self, row: &[f64]) -> Result<f64, FtrlError> {
        self.check(row)?;
        Ok(self.say(row))
    }

    /// Learns from one row.
    ///
    /// # Errors
    /// As [`probability`](Self::probability); nothing is learnt then.
    pub fn update(&mut self, row: &[f64], label: bool) -> Result<(), FtrlError> {
        self.check(row)?;
        self.rows = self.rows.saturating_add(1);
        let rows = self.rows as f64;
        for (i, value) in row.iter().enumerate() {
            let value = value.clamp(-LARGEST, LARGEST);
            let before = value - self.mean[i];
            self.mean[i] += before / rows;
            // Rounding may make the product negative.
            self.squares[i] += (before * (value - self.mean[i])).max(0.0);
        }
        let missed = self.say(row) - f64::from(u8::from(label));
        let alpha = self.settings.alpha;
        for i in 0..=row.len() {
            let gradient = missed * row.get(i).map_or(1.0, |value| self.standard(i, *value));
            let grown = self.n[i] + gradient * gradient;
            let sigma = (grown.sqrt() - self.n[i].sqrt()) / alpha;
            self.z[i] += gradient - sigma * self.weight(i);
            self.n[i] = grown;
        }
        Ok(())
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

    fn say(&self, row: &[f64]) -> f64 {
        let parts = row.iter().enumerate().map(|(i, x)| self.weight(i) * self.standard(i, *x));
        let score = parts.fold(self.weight(row.len()), |sum, part| sum + part);
        1.0 / (1.0 + (-score.clamp(-35.0, 35.0)).exp())
    }

    /// Distance from the mean in deviations; 0 while a feature has never differed.
    fn standard(&self, i: usize, value: f64) -> f64 {
        let deviation = (self.squares[i] / self.rows.max(1) as f64).sqrt();
        let distance = value.clamp(-LARGEST, LARGEST) - self.mean[i];
        if deviation > 0.0 { (distance / deviation).clamp(-FURTHEST, FURTHEST) } else { 0.0 }
    }

    fn weight(&self, i: usize) -> f64 {
        let FtrlSettings { alpha, beta, l1, l2 } = self.settings;
        let (z, n) = (self.z[i], self.n[i]);
        if z.abs() <= l1 {
            return 0.0;
        }
        -(z - z.signum() * l1) / ((beta + n.sqrt()) / alpha + l2)
    }
}

#[async_trait]
impl Predictor for Ftrl {
    fn signature(&self) -> Signature {
        Signature { inputs: self.names.len(), outputs: 1 }
    }

    async fn predict(&self, rows: Rows<'_>) -> Result<Vec<f64>, PredictorError> {
        PredictorError::check_width(&rows, self.signature())?;
        let say = |(i, row): (usize, &[f64])| {
            self.probability(row).map_err(|_| PredictorError::NotFinite { row: i, output: 0 })
        };
        rows.iter().enumerate().map(say).collect()
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
        if objective != Objective::Binary {
            return Err(failed("it tells two classes apart, not more".to_owned()));
        }
        rows.check(objective)?;
        let wrong = |error: FtrlError| failed(error.to_string());
        let mut model = Ftrl::new(*self, rows.names.to_vec()).map_err(wrong)?;
        let row = |table: &Table<'_>, i: usize| -> Vec<f64> {
            table.columns.iter().map(|column| column[i]).collect()
        };
        for (i, label) in rows.labels.iter().enumerate() {
            model.update(&row(rows, i), *label == 1.0).map_err(wrong)?;
        }
        let mut validation_loss = None;
        if let Some(table) = validation {
            table.check(objective)?;
            let mut sum = 0.0;
            for (i, label) in table.labels.iter().enumerate() {
                let p = model.probability(&row(table, i)).map_err(wrong)?;
                sum -= if *label == 1.0 { p.ln() } else { (1.0 - p).ln() };
            }
            validation_loss = Some(sum / table.rows() as f64);
        }
        Ok(Learnt {
            validation_loss,
            rounds: 1,
            importance: (0..rows.names.len()).map(|i| model.weight(i).abs()).collect(),
            model: model.text().map_err(wrong)?,
            extension: "ftrl",
        })
    }
}
