//! What makes models out of rows: the port behind which learners stand.

use std::fmt::Debug;

use tradepulse_core::random::Seed;

use super::boosting::{BoostingError, BoostingSettings, Objective, Table, boost};

/// Makes models out of rows with labels.
///
/// The contract:
///
/// - **A function of the rows.** The same rows and settings give the same bytes.
/// - **Rows are in order of time**, and `validation` comes after `rows`; it may decide when to stop,
///   and is not learnt from.
/// - **A file.** What comes out is read by [`bundle::load`](super::bundle::load) under the extension
///   that is told, and answers probabilities of the classes of the objective.
pub trait Learner: Debug + Send + Sync {
    /// What it is called.
    fn name(&self) -> &'static str;

    /// Learns.
    ///
    /// # Errors
    /// [`LearnerError`]: nothing was learnt.
    fn learn(
        &self,
        objective: Objective,
        rows: &Table<'_>,
        validation: Option<&Table<'_>>,
    ) -> Result<Learnt, LearnerError>;
}

/// What a learner made.
#[derive(Clone, Debug, PartialEq)]
pub struct Learnt {
    /// The model's file.
    pub model: String,
    /// The extension of that file, which says how it is read.
    pub extension: &'static str,
    /// Rounds that are in it, for learners that have rounds.
    pub rounds: usize,
    /// Log loss on the validation rows, nats, if there were any.
    pub validation_loss: Option<f64>,
    /// How much each feature counts, in the learner's own measure; empty if it has none.
    pub importance: Vec<f64>,
}

/// Why nothing was learnt.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LearnerError {
    /// The rows cannot be learnt from.
    #[error(transparent)]
    Rows(#[from] BoostingError),
    /// The learner failed.
    #[error("{learner} failed: {reason}")]
    Failed {
        /// Its name.
        learner: &'static str,
        /// What it says.
        reason: String,
    },
}

/// How trees grow on rows of a market, whoever grows them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TreeGrowth {
    /// Most rounds.
    pub rounds: u32,
    /// How much of each tree counts.
    pub learning_rate: f64,
    /// Most leaves of a tree.
    pub max_leaves: u32,
    /// Decides which rows and features a round leaves out.
    pub seed: Seed,
}

impl Default for TreeGrowth {
    /// Small trees, which learn slowly: markets are mostly noise.
    fn default() -> Self {
        Self { rounds: 300, learning_rate: 0.05, max_leaves: 15, seed: Seed(42) }
    }
}

impl TreeGrowth {
    /// All that is set, for so many rows.
    pub fn settings(&self, objective: Objective, rows: usize) -> BoostingSettings {
        BoostingSettings {
            rounds: self.rounds,
            learning_rate: self.learning_rate,
            max_leaves: self.max_leaves,
            min_rows_in_leaf: (rows / 200).clamp(20, 1_000) as u32,
            feature_fraction: 0.8,
            row_fraction: 0.8,
            early_stopping: Some(30),
            seed: self.seed,
            ..BoostingSettings::new(objective)
        }
    }
}

/// Boosted trees of our own ([`boost`]), which need no library.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BuiltInTrees(pub TreeGrowth);

impl Learner for BuiltInTrees {
    fn name(&self) -> &'static str {
        "built-in"
    }

    fn learn(
        &self,
        objective: Objective,
        rows: &Table<'_>,
        validation: Option<&Table<'_>>,
    ) -> Result<Learnt, LearnerError> {
        let boosted = boost(&self.0.settings(objective, rows.rows()), rows, validation)?;
        let last = boosted.rounds.saturating_sub(1);
        Ok(Learnt {
            validation_loss: boosted.validation_loss.get(last).copied(),
            rounds: boosted.rounds,
            importance: boosted.importance.iter().map(|(_, gain)| *gain).collect(),
            model: boosted.text,
            extension: "txt",
        })
    }
}
