//! Giving up on trials that the first third of the candles shows to be hopeless.
//!
//! Two rules, after Golovin et al., *Google Vizier*, KDD 2017 (its median rule):
//!
//! - **Few trades**: fewer than half of what an even pace to the minimum would have made.
//! - **Median**: the objective of the first third is below the median of the first thirds of all
//!   trials of earlier batches, those that were pruned included; from [`ENOUGH`] of them on. Not
//!   with several objectives, where a trial may be poor in one for the sake of another.
//!
//! Only batches that were told count, so that the verdict does not depend on threads.

use crate::optimise::Outcome;
use crate::performance::Metrics;

use super::{Evaluated, StudyPlan};

/// Trials whose median means something.
const ENOUGH: usize = 10;

/// What trials are measured by, the same for all trials of a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bar {
    min_trades: u64,
    median: Option<f64>,
}

impl Bar {
    /// What to tell of a trial with these figures after a third; `None` if it may go on.
    pub(super) fn verdict(&self, metrics: &Metrics, early: Option<f64>) -> Option<Outcome> {
        let Self { min_trades, median } = *self;
        if metrics.trades * 6 < min_trades {
            return Some(Outcome::Infeasible {
                reason: format!(
                    "pruned: {} trades in the first third, too few for {min_trades}",
                    metrics.trades
                ),
                violation: Some((min_trades - metrics.trades * 3) as f64),
            });
        }
        let (early, median) = (early?, median?);
        // Nearer to feasible than any trial that lacks a trade.
        let gap = median - early;
        (gap > 0.0).then(|| Outcome::Infeasible {
            reason: format!("pruned: {early:.4} in the first third, below the median {median:.4}"),
            violation: Some(gap / (1.0 + gap)),
        })
    }
}

/// The first thirds of the trials so far.
#[derive(Clone, Debug)]
pub(super) struct Pruning {
    min_trades: u64,
    by_median: bool,
    /// Ascending.
    early: Vec<f64>,
}

impl Pruning {
    pub(super) fn new(plan: &StudyPlan) -> Self {
        let by_median = plan.objectives().count() == 1;
        Self { min_trades: plan.min_trades, by_median, early: Vec::new() }
    }

    pub(super) fn learn<'a>(&mut self, batch: impl Iterator<Item = &'a Evaluated>) {
        self.add(batch.filter_map(|evaluated| evaluated.early));
    }

    pub(super) fn add(&mut self, early: impl Iterator<Item = f64>) {
        self.early.extend(early.filter(|value| value.is_finite()));
        self.early.sort_by(f64::total_cmp);
    }

    pub(super) fn bar(&self) -> Bar {
        let n = self.early.len();
        let median = (self.by_median && n >= ENOUGH)
            .then(|| (self.early[(n - 1) / 2] + self.early[n / 2]) / 2.0);
        Bar { min_trades: self.min_trades, median }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimise::Method;
    use crate::random::Seed;
    use crate::training::Objective;

    fn metrics(trades: u64) -> Metrics {
        Metrics { trades, ..Metrics::default() }
    }

    #[test]
    fn few_trades_and_below_the_median() {
        let plan = StudyPlan::new(Method::Tpe, Seed(1));
        let mut pruning = Pruning::new(&plan);
        // 10 trades are wanted: an even pace makes 3 in a third, and 2 are still enough.
        assert_eq!(pruning.bar().verdict(&metrics(2), Some(-5.0)), None);
        let few = pruning.bar().verdict(&metrics(1), Some(5.0));
        assert!(matches!(few, Some(Outcome::Infeasible { violation: Some(7.0), .. })), "{few:?}");
        pruning.add((0..9).map(f64::from));
        assert_eq!(pruning.bar().verdict(&metrics(2), Some(-5.0)), None, "nine are not enough");
        pruning.add([9.0, f64::NAN].into_iter());
        let bar = pruning.bar();
        assert_eq!(bar.verdict(&metrics(2), Some(4.5)), None);
        assert_eq!(bar.verdict(&metrics(2), None), None);
        let poor = bar.verdict(&metrics(2), Some(4.0)).unwrap();
        let Outcome::Infeasible { violation: Some(violation), reason } = &poor else { panic!() };
        assert!(*violation > 0.0 && *violation < 1.0 && reason.contains("median 4.5"), "{poor:?}");
        let further = [Some(Objective::WinRate), None, None];
        let mut several = Pruning::new(&StudyPlan { further, ..plan });
        several.add((0..20).map(f64::from));
        assert_eq!(several.bar().verdict(&metrics(2), Some(-5.0)), None);
    }
}
