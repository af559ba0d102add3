use serde::{Deserialize, Serialize};

use crate::inference::Action;

/// How often a model was right: its settled predictions by what it said and what would have been
/// right, and its answers that could not be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackRecord {
    settled: [[u32; 3]; 3],
    invalid: u32,
}

impl TrackRecord {
    /// Counts a prediction whose outcome is known: the model `said` one thing, and `truth` would
    /// have been right.
    pub fn settle(&mut self, said: Action, truth: Action) {
        let count = &mut self.settled[said.index()][truth.index()];
        *count = count.saturating_add(1);
    }

    /// Counts an answer that could not be used as one that was wrong.
    pub fn refuse(&mut self) {
        self.invalid = self.invalid.saturating_add(1);
    }

    /// How many times the model `said` one thing and `truth` would have been right.
    pub fn count(&self, said: Action, truth: Action) -> u32 {
        self.settled[said.index()][truth.index()]
    }

    /// Predictions that were right.
    pub fn right(&self) -> u64 {
        Action::ALL.iter().map(|&action| u64::from(self.count(action, action))).sum()
    }

    /// Predictions whose outcome is known, and answers that could not be used.
    pub fn total(&self) -> u64 {
        self.settled.iter().flatten().map(|&count| u64::from(count)).sum::<u64>()
            + u64::from(self.invalid)
    }

    /// The expected share of right predictions, 0..1: `(right + 1) / (total + 2)`, which is the
    /// mean under a uniform prior. 0.5 for a model that nothing is known of.
    pub fn performance(&self) -> f64 {
        (self.right() as f64 + 1.0) / (self.total() as f64 + 2.0)
    }

    /// How likely the model says `said` with this confidence where `truth` would be right: what was
    /// counted, on top of a prior that believes the confidence and weighs as much as ten settled
    /// predictions. Above 0.
    pub fn likelihood(&self, said: Action, confidence: f64, truth: Action) -> f64 {
        const PRIOR: f64 = 10.0;
        // A model is never certain: one that is wrong once would outvote all others for ever.
        let sure = confidence.clamp(0.0, 0.99);
        let believed = if said == truth { (1.0 + 2.0 * sure) / 3.0 } else { (1.0 - sure) / 3.0 };
        let of_truth: u64 = Action::ALL.iter().map(|&any| u64::from(self.count(any, truth))).sum();
        (f64::from(self.count(said, truth)) + PRIOR * believed) / (of_truth as f64 + PRIOR)
    }
}
