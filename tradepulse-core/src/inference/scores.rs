use serde::Serialize;

use crate::performance::Resampling;
use crate::random::Seed;

/// How good class probabilities are, beside what is known without a model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scores {
    /// Rows that were judged.
    pub rows: usize,
    /// Mean log loss in nats.
    pub log_loss: f64,
    /// That of somebody who always says how often each class was in the training rows: the coin.
    pub coin_log_loss: f64,
    /// By how much the model's log loss is less than the coin's, a row.
    pub edge: f64,
    /// 95 % interval of that, by a stationary bootstrap.
    pub edge_interval: (f64, f64),
    /// Share of rows whose most probable class was right.
    pub accuracy: f64,
    /// That of somebody who always says the most frequent class of the training rows.
    pub coin_accuracy: f64,
}

/// Resamples behind an interval.
const RESAMPLES: usize = 1_000;

/// Probabilities are kept this far from 0 where their logarithm is taken.
const LEAST: f64 = 1e-15;

impl Scores {
    /// Judges `probabilities`, a row for each of `labels`, by the class that was right. `shares` are
    /// those of the classes in the training rows, and `block` rows hang together: as many as a label
    /// looks ahead. `None` if nothing can be judged: no rows, or rows of another width than
    /// `shares`.
    ///
    /// ```
    /// use tradepulse_core::inference::Scores;
    /// use tradepulse_core::random::Seed;
    /// let labels = [0, 1, 1, 0, 1, 0, 0, 1];
    /// let says = |right: usize| if right == 0 { [0.9, 0.1] } else { [0.1, 0.9] };
    /// let sure: Vec<f64> = labels.into_iter().flat_map(says).collect();
    /// let scores = Scores::new(&sure, &labels, &[0.5, 0.5], 1, Seed(1)).unwrap();
    /// assert!(scores.edge > 0.5 && scores.beats_the_coin());
    /// ```
    pub fn new(
        probabilities: &[f64],
        labels: &[usize],
        shares: &[f64],
        block: usize,
        seed: Seed,
    ) -> Option<Self> {
        let (rows, width) = (labels.len(), shares.len());
        if rows == 0 || probabilities.len() != rows * width {
            return None;
        }
        let (mut losses, mut edges, mut hits, mut coin_hits) = (0.0, Vec::new(), 0, 0);
        let usual = largest(shares)?;
        for (row, label) in probabilities.chunks_exact(width).zip(labels) {
            let (own, coin) = (loss(*row.get(*label)?), loss(shares[*label]));
            losses += own;
            edges.push(coin - own);
            hits += usize::from(largest(row)? == *label);
            coin_hits += usize::from(usual == *label);
        }
        let count = rows as f64;
        let edge = edges.iter().sum::<f64>() / count;
        Some(Self {
            rows,
            log_loss: losses / count,
            coin_log_loss: losses / count + edge,
            edge,
            edge_interval: interval(&edges, block, seed),
            accuracy: hits as f64 / count,
            coin_accuracy: coin_hits as f64 / count,
        })
    }

    /// Whether the whole interval of the edge is above zero.
    pub fn beats_the_coin(&self) -> bool {
        self.edge_interval.0 > 0.0
    }
}

/// The log loss of what came, which had probability `p`.
pub(super) fn loss(p: f64) -> f64 {
    -p.max(LEAST).ln()
}

/// The first of the largest.
fn largest(values: &[f64]) -> Option<usize> {
    let better = |best: Option<usize>, next: usize| match best {
        Some(best) if values[best] >= values[next] => Some(best),
        _ => Some(next),
    };
    (0..values.len()).fold(None, better)
}

/// The middle 95 % of the means of resamples.
pub(super) fn interval(values: &[f64], block: usize, seed: Seed) -> (f64, f64) {
    let (n, mut random) = (values.len(), seed.stream("scores"));
    let resampling = Resampling::Stationary { mean_block: block.max(1) as f64 };
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let mut sum = 0.0;
            resampling.blocks(n, &mut random, |start, length| {
                sum += (start..start + length).map(|i| values[i % n]).sum::<f64>();
            });
            sum / n as f64
        })
        .collect();
    means.sort_unstable_by(f64::total_cmp);
    (means[RESAMPLES / 40], means[RESAMPLES - 1 - RESAMPLES / 40])
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;

    #[test]
    fn a_coin_does_not_beat_itself() {
        let mut random = Seed(3).stream("labels");
        let labels: Vec<usize> = (0..2_000).map(|_| random.random_range(0..3)).collect();
        let shares = [1.0 / 3.0; 3];
        // Probabilities that have nothing to do with what came.
        let noise: Vec<f64> = (0..2_000)
            .flat_map(|_| {
                let a = 0.2 + 0.3 * random.random::<f64>();
                [a, 0.6 - a, 0.4]
            })
            .collect();
        let scores = Scores::new(&noise, &labels, &shares, 5, Seed(1)).unwrap();
        assert!(scores.edge < 0.0 && !scores.beats_the_coin(), "{scores:?}");
        let constant: Vec<f64> = labels.iter().flat_map(|_| shares).collect();
        let scores = Scores::new(&constant, &labels, &shares, 5, Seed(1)).unwrap();
        assert_eq!((scores.edge, scores.edge_interval), (0.0, (0.0, 0.0)));
        assert!((scores.log_loss - 3_f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn what_cannot_be_judged_is_not() {
        assert_eq!(Scores::new(&[], &[], &[0.5, 0.5], 1, Seed(1)), None);
        assert_eq!(Scores::new(&[0.5], &[0], &[0.5, 0.5], 1, Seed(1)), None);
        assert_eq!(Scores::new(&[0.5, 0.5], &[2], &[0.5, 0.5], 1, Seed(1)), None);
    }
}
