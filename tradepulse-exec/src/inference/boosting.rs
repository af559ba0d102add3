//! Training of gradient boosted trees: the learner that is always there.
//!
//! Histograms of at most 255 bins a feature, trees that grow leaf by leaf (best gain first), and a
//! text that LightGBM reads and predicts the same with. Categorical features are not split on as
//! such: encode them as numbers.
//!
//! ```
//! use tradepulse_exec::inference::boosting::{BoostingSettings, Objective, Table, boost};
//!
//! let names = ["size".to_owned()];
//! let columns = [(0..100).map(f64::from).collect::<Vec<f64>>()];
//! let labels: Vec<f64> = (0..100).map(|i| f64::from(u8::from(i > 60))).collect();
//! let rows = Table { names: &names, columns: &columns, labels: &labels };
//! let boosted = boost(&BoostingSettings::new(Objective::Binary), &rows, None)?;
//! assert!(boosted.training_loss.last().is_some_and(|loss| *loss < 0.1));
//! assert!(boosted.text.starts_with("tree\nversion=v4\n"));
//! # Ok::<(), tradepulse_exec::inference::boosting::BoostingError>(())
//! ```
//!
//! G. Ke et al., "LightGBM: A Highly Efficient Gradient Boosting Decision Tree", NIPS 2017;
//! T. Chen and C. Guestrin, "XGBoost: A Scalable Tree Boosting System", KDD 2016 (gain and leaf
//! values).
//!
//! Nothing depends on threads, hash order or the clock: the same rows and settings give the same
//! text.

mod bins;
mod error;
mod grower;
mod loss;
mod settings;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod tree;

pub use error::BoostingError;
pub use loss::Objective;
pub use settings::BoostingSettings;
pub use table::Table;

use bins::Bins;
use grower::Grower;
use loss::Loss;
use text::Model;
use tree::Tree;

/// What a training made.
#[derive(Clone, Debug, PartialEq)]
pub struct Boosted {
    /// The model, as LightGBM writes it (version 4).
    pub text: String,
    /// Rounds that are in it: the best of those that were made, where there was a validation.
    pub rounds: usize,
    /// Loss on the training rows after each round that was made.
    pub training_loss: Vec<f64>,
    /// Loss on the validation rows after each round; empty without a validation.
    pub validation_loss: Vec<f64>,
    /// How often each feature was split on, and the gain of these splits together.
    pub importance: Vec<(u32, f64)>,
}

/// Trains on `rows`. With `validation` rows it stops when their loss has not become less for
/// [`early_stopping`](BoostingSettings::early_stopping) rounds, and keeps the best.
///
/// # Errors
/// [`BoostingError`]: tables that do not fit each other, labels that the objective does not know,
/// settings out of their range.
pub fn boost(
    settings: &BoostingSettings,
    rows: &Table<'_>,
    validation: Option<&Table<'_>>,
) -> Result<Boosted, BoostingError> {
    settings.check()?;
    rows.check(settings.objective)?;
    if rows.labels.iter().all(|label| *label == rows.labels[0]) {
        return Err(BoostingError::OneLabel(rows.labels[0]));
    }
    if let Some(validation) = validation {
        validation.check(settings.objective)?;
        if validation.names != rows.names {
            return Err(BoostingError::OtherFeatures);
        }
    }
    let bins: Vec<Bins> =
        rows.columns.iter().map(|column| Bins::of(column, settings.max_bins)).collect();
    let mut loss = Loss::new(settings.objective, rows.labels);
    let mut held_out = validation.map(|table| Loss::like(&loss, table.labels));
    let mut grower = Grower::new(settings, rows, &bins);
    let per_round = settings.objective.trees_per_round();
    let mut trees: Vec<Tree> = Vec::new();
    let (mut training_loss, mut validation_loss) = (Vec::new(), Vec::new());
    let mut best = (f64::INFINITY, 0);
    for round in 0..settings.rounds as usize {
        loss.gradients();
        grower.begin_round();
        let mut grew = false;
        for class in 0..per_round {
            let (gradients, hessians) = loss.gradients_of(class);
            let mut tree = grower.grow(gradients, hessians, &bins);
            grew |= tree.leaves() > 1;
            tree.shrink(settings.learning_rate);
            grower.for_each_leaf(&tree, |row, value| loss.add(class, row, value));
            if let (Some(held_out), Some(table)) = (&mut held_out, validation) {
                for row in 0..table.rows() {
                    held_out.add(class, row, tree.predict(|feature| table.columns[feature][row]));
                }
            }
            if round == 0 {
                tree.add(loss.beginning(class));
            }
            trees.push(tree);
        }
        training_loss.push(loss.mean());
        let judged = held_out.as_ref().map(Loss::mean);
        validation_loss.extend(judged);
        let judged = judged.unwrap_or(-(round as f64));
        if judged < best.0 {
            best = (judged, round + 1);
        }
        let waited = round + 1 - best.1;
        if !grew || settings.early_stopping.is_some_and(|patience| waited >= patience as usize) {
            break;
        }
    }
    trees.truncate(best.1.max(1) * per_round);
    let mut importance = vec![(0, 0.0); rows.columns.len()];
    for (feature, gain) in trees.iter().flat_map(Tree::splits) {
        importance[feature].0 += 1;
        importance[feature].1 += gain;
    }
    let model = Model { settings, names: rows.names, bins: &bins, trees: &trees };
    let text = model.text(&importance);
    let rounds = trees.len() / per_round;
    Ok(Boosted { text, rounds, training_loss, validation_loss, importance })
}
