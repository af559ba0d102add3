use tradepulse_core::random::Seed;

use super::{BoostingError, Objective};

/// How trees are grown. The names in brackets are LightGBM's.
#[derive(Clone, Debug, PartialEq)]
pub struct BoostingSettings {
    /// What is predicted.
    pub objective: Objective,
    /// Most rounds, at least 1 (`num_iterations`).
    pub rounds: u32,
    /// How much of each tree counts, above 0 to 1 (`learning_rate`).
    pub learning_rate: f64,
    /// Most leaves of a tree, 2 to 4096 (`num_leaves`).
    pub max_leaves: u32,
    /// Fewest rows in a leaf, at least 1 (`min_data_in_leaf`).
    pub min_rows_in_leaf: u32,
    /// Least sum of second derivatives in a leaf (`min_sum_hessian_in_leaf`).
    pub min_hessian_in_leaf: f64,
    /// Weight of the squares of leaf values in the loss (`lambda_l2`).
    pub l2: f64,
    /// Most bins of a feature's values, 2 to 255 (`max_bin`).
    pub max_bins: u32,
    /// Part of the features that each tree may split on, above 0 to 1 (`feature_fraction`).
    pub feature_fraction: f64,
    /// Part of the rows that each round learns from, above 0 to 1 (`bagging_fraction`).
    pub row_fraction: f64,
    /// Rounds without a better validation loss after which it stops; `None`: all rounds.
    pub early_stopping: Option<u32>,
    /// Decides which features and rows are left out.
    pub seed: Seed,
}

impl BoostingSettings {
    /// LightGBM's defaults, and to stop after 20 rounds without progress.
    pub const fn new(objective: Objective) -> Self {
        Self {
            objective,
            rounds: 100,
            learning_rate: 0.1,
            max_leaves: 31,
            min_rows_in_leaf: 20,
            min_hessian_in_leaf: 1e-3,
            l2: 0.0,
            max_bins: 255,
            feature_fraction: 1.0,
            row_fraction: 1.0,
            early_stopping: Some(20),
            seed: Seed(0),
        }
    }

    pub(super) fn check(&self) -> Result<(), BoostingError> {
        let part = |x: f64| x > 0.0 && x <= 1.0;
        let least = |x: f64| x >= 0.0 && x.is_finite();
        let checks = [
            ("rounds", f64::from(self.rounds), self.rounds >= 1, "1 or more"),
            ("learning_rate", self.learning_rate, part(self.learning_rate), "above 0 to 1"),
            (
                "max_leaves",
                f64::from(self.max_leaves),
                (2..=4096).contains(&self.max_leaves),
                "2 to 4096",
            ),
            (
                "min_rows_in_leaf",
                f64::from(self.min_rows_in_leaf),
                self.min_rows_in_leaf >= 1,
                "1 or more",
            ),
            (
                "min_hessian_in_leaf",
                self.min_hessian_in_leaf,
                least(self.min_hessian_in_leaf),
                "0 or more",
            ),
            ("l2", self.l2, least(self.l2), "0 or more"),
            ("max_bins", f64::from(self.max_bins), (2..=255).contains(&self.max_bins), "2 to 255"),
            (
                "feature_fraction",
                self.feature_fraction,
                part(self.feature_fraction),
                "above 0 to 1",
            ),
            ("row_fraction", self.row_fraction, part(self.row_fraction), "above 0 to 1"),
        ];
        for (name, value, holds, range) in checks {
            if !holds {
                return Err(BoostingError::Setting { name, value, range });
            }
        }
        Ok(())
    }
}
