use std::ops::Range;

use sha2::{Digest, Sha256};
use tradepulse_core::time::Timestamp;

use super::{LabelledSample, RetrainingError, RetrainingPlan};
use crate::inference::boosting::Table;

/// Part of the rows before a fold that decides when to stop.
const VALIDATION: f64 = 0.2;

/// Fewest rows to learn from before a fold.
const FEWEST_ROWS: usize = 20;

/// Samples in order of time, each with its class; the newest are held out in folds.
pub(super) struct Folds<'a> {
    samples: Vec<(&'a LabelledSample, usize)>,
    first: usize,
    folds: usize,
}

/// Rows of samples as columns.
pub(super) struct Columns {
    columns: Vec<Vec<f64>>,
    labels: Vec<f64>,
}

/// What is learnt from before a fold.
pub(super) struct Training {
    pub(super) rows: Columns,
    /// Decides when to stop.
    pub(super) validation: Columns,
    /// Samples that were left out.
    pub(super) purged: usize,
    /// When all of this was known.
    pub(super) known: Timestamp,
}

impl<'a> Folds<'a> {
    pub(super) fn new(
        mut samples: Vec<(&'a LabelledSample, usize)>,
        learnt_to: Option<Timestamp>,
        plan: &RetrainingPlan,
    ) -> Result<Self, RetrainingError> {
        samples.sort_by_key(|(sample, _)| (sample.at, sample.known));
        let count = samples.len();
        if count < plan.fewest.max(1) {
            return Err(RetrainingError::TooFewSamples { samples: count, wanted: plan.fewest });
        }
        let part = (count as f64 * plan.held_out.clamp(0.0, 1.0)).round() as usize;
        let new = samples.partition_point(|(sample, _)| Some(sample.at) <= learnt_to);
        let first = new.max(count - part);
        let wanted = plan.fewest_held_out.max(1);
        if count - first < wanted {
            return Err(RetrainingError::TooFewNew { samples: count - first, wanted });
        }
        Ok(Self { samples, first, folds: plan.folds.clamp(1, count - first) })
    }

    pub(super) fn len(&self) -> usize {
        self.samples.len()
    }

    pub(super) fn held_out(&self) -> Range<usize> {
        self.first..self.samples.len()
    }

    /// The folds, oldest first.
    pub(super) fn each(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let (first, held_out, folds) = (self.first, self.held_out().len(), self.folds);
        let bound = move |fold: usize| first + held_out * fold / folds;
        (0..folds).map(move |fold| bound(fold)..bound(fold + 1))
    }

    /// All before a fold whose outcome was known when it began.
    pub(super) fn before(
        &self,
        fold: &Range<usize>,
        classes: usize,
    ) -> Result<Training, RetrainingError> {
        let began = self.samples[fold.start].0.at;
        let known: Vec<usize> = self.known_before(0..fold.start, began);
        let stop = known.len() - (known.len() as f64 * VALIDATION).round() as usize;
        let (older, validation) = known.split_at(stop);
        let rows = match validation.first() {
            Some(&first) => self.known_before(older.iter().copied(), self.samples[first].0.at),
            None => Vec::new(),
        };
        if rows.len() < FEWEST_ROWS || validation.len() < 2 {
            let samples = rows.len() + validation.len();
            return Err(RetrainingError::TooFewSamples { samples, wanted: 2 * FEWEST_ROWS });
        }
        let class = |class: usize| rows.iter().any(|row| self.samples[*row].1 == class);
        if (0..classes).filter(|c| class(*c)).count() < 2 {
            return Err(RetrainingError::OneClass { samples: rows.len() });
        }
        let learnt = rows.iter().chain(validation).map(|row| self.samples[*row].0.known);
        Ok(Training {
            known: learnt.max().unwrap_or(began),
            purged: fold.start - rows.len() - validation.len(),
            rows: self.columns(&rows),
            validation: self.columns(validation),
        })
    }

    fn known_before(&self, rows: impl IntoIterator<Item = usize>, at: Timestamp) -> Vec<usize> {
        rows.into_iter().filter(|row| self.samples[*row].0.known <= at).collect()
    }

    fn columns(&self, rows: &[usize]) -> Columns {
        let width = self.samples.first().map_or(0, |(sample, _)| sample.row.len());
        let column = |i: usize| rows.iter().map(|row| self.samples[*row].0.row[i]).collect();
        Columns {
            columns: (0..width).map(column).collect(),
            labels: rows.iter().map(|row| self.samples[*row].1 as f64).collect(),
        }
    }

    /// The features of a fold, row after row.
    pub(super) fn rows(&self, fold: &Range<usize>) -> Vec<f64> {
        self.samples[fold.clone()].iter().flat_map(|(sample, _)| sample.row.clone()).collect()
    }

    pub(super) fn labels(&self, fold: &Range<usize>) -> Vec<usize> {
        self.samples[fold.clone()].iter().map(|(_, class)| *class).collect()
    }

    /// How many samples hang together.
    pub(super) fn overlap(&self) -> usize {
        overlap(self.samples.iter().map(|(sample, _)| (sample.at, sample.known)).collect())
    }

    /// SHA-256 over all rows and labels, hex.
    pub(super) fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        for (sample, class) in &self.samples {
            hash.update(sample.at.as_ms().to_le_bytes());
            hash.update((*class as u64).to_le_bytes());
            sample.row.iter().for_each(|value| hash.update(value.to_le_bytes()));
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// How many samples hang together, by when each began and was known: on average, those that begin
/// before one of them is known.
pub(in crate::inference) fn overlap(mut spans: Vec<(Timestamp, Timestamp)>) -> usize {
    spans.sort_unstable();
    let during = |(i, (_, known)): (usize, &(Timestamp, Timestamp))| {
        spans.partition_point(|(at, _)| at < known).saturating_sub(i + 1)
    };
    let total: usize = spans.iter().enumerate().map(during).sum();
    1 + total / spans.len().max(1)
}

impl Columns {
    pub(super) fn len(&self) -> usize {
        self.labels.len()
    }

    pub(super) fn table<'a>(&'a self, names: &'a [String]) -> Table<'a> {
        Table { names, columns: &self.columns, labels: &self.labels }
    }
}

impl Training {
    /// How often each class was right.
    pub(super) fn shares(&self, classes: usize) -> Vec<f64> {
        let rows = self.rows.labels.len() as f64;
        let count = |class: usize| {
            self.rows.labels.iter().filter(|label| **label == class as f64).count() as f64
        };
        (0..classes).map(|class| count(class) / rows).collect()
    }
}
