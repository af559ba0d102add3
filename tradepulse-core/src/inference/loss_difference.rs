use serde::Serialize;

use super::scores::{interval, loss};
use crate::random::Seed;

/// By how much one model's log loss is less than another's on the same rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LossDifference {
    /// Rows that were judged.
    pub rows: usize,
    /// Mean over the rows, nats; above zero: the second one is better.
    pub mean: f64,
    /// 95 % interval of that, by a stationary bootstrap of the rows' differences.
    pub interval: (f64, f64),
}

impl LossDifference {
    /// Compares class probabilities, a row for each of `labels`. `block` rows hang together. `None`
    /// if there is nothing to compare, or the rows do not fit.
    ///
    /// ```
    /// use tradepulse_core::inference::LossDifference;
    /// use tradepulse_core::random::Seed;
    /// let (unsure, sure) = ([0.5, 0.5].repeat(4), [0.1, 0.9].repeat(4));
    /// let difference = LossDifference::new(&unsure, &sure, &[1; 4], 2, 1, Seed(1)).unwrap();
    /// assert!((difference.mean - (0.9_f64 / 0.5).ln()).abs() < 1e-12);
    /// ```
    pub fn new(
        first: &[f64],
        second: &[f64],
        labels: &[usize],
        classes: usize,
        block: usize,
        seed: Seed,
    ) -> Option<Self> {
        let rows = labels.len();
        let fits = rows > 0 && first.len() == rows * classes && second.len() == rows * classes;
        if !fits || labels.iter().any(|label| *label >= classes) {
            return None;
        }
        let losses = first.chunks_exact(classes).zip(second.chunks_exact(classes)).zip(labels);
        let differences: Vec<f64> = losses
            .map(|((first, second), &label)| loss(first[label]) - loss(second[label]))
            .collect();
        let mean = differences.iter().sum::<f64>() / rows as f64;
        Some(Self { rows, mean, interval: interval(&differences, block, seed) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_do_not_fit_are_not_compared() {
        let compare = |first: &[f64], labels: &[usize]| {
            LossDifference::new(first, &[0.5, 0.5], labels, 2, 1, Seed(1))
        };
        assert_eq!(compare(&[0.5, 0.5], &[2]), None);
        assert_eq!(compare(&[0.5], &[0]), None);
        assert_eq!(compare(&[], &[]), None);
        let same = compare(&[0.5, 0.5], &[1]).unwrap();
        assert_eq!((same.mean, same.interval), (0.0, (0.0, 0.0)));
    }
}
