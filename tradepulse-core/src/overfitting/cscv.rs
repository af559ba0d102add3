use serde::{Deserialize, Serialize};

use super::{OverfittingError, checked};
use crate::performance::quantile;

/// Probability of backtest overfitting by combinatorially symmetric cross-validation.
///
/// The span is cut into an even number of blocks. For every choice of half the blocks, the trial
/// with the best Sharpe ratio there is looked up in the other half: `ω` is its relative rank among
/// all trials, `rank / (N + 1)`, and `logit = ln(ω / (1 − ω))`. The probability of overfitting is
/// the share of choices with a logit of zero or below: the best of one half is not above the median
/// of the other. Bailey, Borwein, López de Prado and Zhu, *The Probability of Backtest
/// Overfitting*, 2015.
///
/// Blocks have equal length; the returns left over at the end are not used. Equal figures share
/// their mean rank, so that copies of one trial rank at the median and prove nothing. A trial
/// without variation in a half has a Sharpe ratio of zero there.
///
/// ```
/// use tradepulse_core::overfitting::Cscv;
/// let trial = |edge: f64| -> Vec<f64> {
///     (0..160).map(|day| edge + 0.01 * f64::from(day).sin()).collect()
/// };
/// let cscv = Cscv::new(&[trial(0.0), trial(0.002), trial(-0.001)], 16)?;
/// assert_eq!((cscv.combinations, cscv.probability), (12_870, 0.0));
/// # Ok::<(), tradepulse_core::overfitting::OverfittingError>(())
/// ```
#[doc(alias = "PBO")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cscv {
    /// Number of trials.
    pub trials: usize,
    /// Number of blocks.
    pub blocks: usize,
    /// Returns in a block.
    pub block_length: usize,
    /// Number of choices of half the blocks.
    pub combinations: usize,
    /// Probability of backtest overfitting: share of logits at or below zero.
    pub probability: f64,
    /// Mean of the logits.
    pub logit_mean: f64,
    /// Median of the logits.
    pub logit_median: f64,
    /// Share of choices in which the best of one half has a Sharpe ratio below zero in the other.
    pub probability_of_loss: f64,
    /// Slope of the least-squares line of the chosen trial's Sharpe ratio in the other half on that
    /// in its own; below zero the better looks the worse it does. `None` if all chosen ones look
    /// equally good.
    pub degradation_slope: Option<f64>,
    /// The logit of every choice. Not stored.
    #[serde(skip)]
    pub logits: Vec<f64>,
    /// For every choice the Sharpe ratio of the chosen trial in its own half and in the other. Not
    /// stored.
    #[serde(skip)]
    pub chosen: Vec<[f64; 2]>,
}

impl Cscv {
    /// The usual number of blocks: 12,870 choices.
    pub const BLOCKS: usize = 16;
    /// Most blocks: 184,756 choices.
    pub const MOST_BLOCKS: usize = 20;

    /// Scores between two looks at whether to stop: a few milliseconds.
    const LOOKED_AT: usize = 500_000;

    /// Tests the choice among `trials`, each the returns of one configuration over the same span.
    ///
    /// # Errors
    /// For fewer than two trials, trials of different length, returns that are not finite, an odd
    /// number of blocks or one outside 2..=20, and blocks of fewer than two returns.
    pub fn new<T: AsRef<[f64]>>(trials: &[T], blocks: usize) -> Result<Self, OverfittingError> {
        Self::unless(trials, blocks, &|| false)
    }

    /// [`new`](Self::new), unless `stop` says so on the way; it is asked every few milliseconds.
    ///
    /// # Errors
    /// As in [`new`](Self::new), and [`OverfittingError::Stopped`].
    pub fn unless<T: AsRef<[f64]>>(
        trials: &[T],
        blocks: usize,
        stop: &dyn Fn() -> bool,
    ) -> Result<Self, OverfittingError> {
        let returns = checked(trials, 2)?;
        if !blocks.is_multiple_of(2) || !(2..=Self::MOST_BLOCKS).contains(&blocks) {
            return Err(OverfittingError::Setting {
                name: "blocks",
                value: blocks as f64,
                expected: "an even number from 2 to 20",
            });
        }
        let block_length = returns / blocks;
        if block_length < 2 {
            return Err(OverfittingError::TooFewReturns { found: returns, needed: 2 * blocks });
        }
        let halves = [0, blocks / 2]
            .map(|first| SubsetSums::new(trials, first..first + blocks / 2, block_length));
        let width = blocks / 2;
        let everything = (1_u32 << width) - 1;
        let n = (width * block_length) as f64;
        let scores = |low: u32, high: u32, out: &mut [f64]| {
            let (a, b) = (halves[0].of(low), halves[1].of(high));
            for (k, score) in out.iter_mut().enumerate() {
                *score = sharpe(a.sums[k] + b.sums[k], a.squares[k] + b.squares[k], n);
            }
        };
        let (mut own, mut other) = (vec![0.0; trials.len()], vec![0.0; trials.len()]);
        let (mut logits, mut chosen) = (Vec::new(), Vec::new());
        // A choice and its complement are judged together; the last block tells them apart.
        let pace = Self::LOOKED_AT.div_ceil(trials.len()).max(1);
        for choice in 0..1_u32 << (blocks - 1) {
            if choice.count_ones() as usize != width {
                continue;
            }
            if logits.len() / 2 % pace == 0 && stop() {
                return Err(OverfittingError::Stopped);
            }
            let (low, high) = (choice & everything, choice >> width);
            scores(low, high, &mut own);
            scores(everything ^ low, everything ^ high, &mut other);
            for (here, there) in [(&own, &other), (&other, &own)] {
                let best = best(here);
                logits.push(logit(there, best));
                chosen.push([here[best], there[best]]);
            }
        }
        let count = logits.len() as f64;
        let share = |hits: usize| hits as f64 / count;
        Ok(Self {
            trials: trials.len(),
            blocks,
            block_length,
            combinations: logits.len(),
            probability: share(logits.iter().filter(|l| **l <= 0.0).count()),
            logit_mean: logits.iter().sum::<f64>() / count,
            logit_median: quantile(&logits, 0.5).unwrap_or_default(),
            probability_of_loss: share(chosen.iter().filter(|pair| pair[1] < 0.0).count()),
            degradation_slope: slope(&chosen),
            logits,
            chosen,
        })
    }
}

/// For every subset of some neighbouring blocks, each trial's sum of returns and of their squares.
struct SubsetSums {
    trials: usize,
    sums: Vec<f64>,
    squares: Vec<f64>,
}

/// The sums of one subset, one entry a trial.
struct Sums<'a> {
    sums: &'a [f64],
    squares: &'a [f64],
}

impl SubsetSums {
    fn new<T: AsRef<[f64]>>(trials: &[T], blocks: std::ops::Range<usize>, length: usize) -> Self {
        let count = trials.len();
        let subsets = 1_usize << blocks.len();
        let mut table = Self {
            trials: count,
            sums: vec![0.0; subsets * count],
            squares: vec![0.0; subsets * count],
        };
        for subset in 1..subsets {
            // One block more than a smaller subset.
            let block = subset.ilog2() as usize;
            let rest = subset ^ (1 << block);
            let rows = (blocks.start + block) * length..(blocks.start + block + 1) * length;
            for (k, trial) in trials.iter().enumerate() {
                let (mut sum, mut square) =
                    (table.sums[rest * count + k], table.squares[rest * count + k]);
                if rest == 0 {
                    for r in &trial.as_ref()[rows.clone()] {
                        sum += r;
                        square += r * r;
                    }
                } else {
                    sum += table.sums[(1 << block) * count + k];
                    square += table.squares[(1 << block) * count + k];
                }
                table.sums[subset * count + k] = sum;
                table.squares[subset * count + k] = square;
            }
        }
        table
    }

    fn of(&self, subset: u32) -> Sums<'_> {
        let rows = subset as usize * self.trials..(subset as usize + 1) * self.trials;
        Sums { sums: &self.sums[rows.clone()], squares: &self.squares[rows] }
    }
}

/// Mean over standard deviation (n − 1) from sums; 0 without variation beyond rounding.
#[inline]
fn sharpe(sum: f64, squares: f64, n: f64) -> f64 {
    let mean = sum / n;
    let deviations = squares - sum * mean;
    let ratio = mean / (deviations / (n - 1.0)).sqrt();
    if deviations > 1e-13 * squares { ratio } else { 0.0 }
}

/// The first of the highest.
fn best(scores: &[f64]) -> usize {
    let mut best = 0;
    for (k, score) in scores.iter().enumerate() {
        if *score > scores[best] {
            best = k;
        }
    }
    best
}

/// The logit of the relative rank that entry `k` has.
fn logit(scores: &[f64], k: usize) -> f64 {
    let (mut below, mut equal) = (0_u32, 0_u32);
    for score in scores {
        below += u32::from(*score < scores[k]);
        equal += u32::from(*score == scores[k]);
    }
    let rank = f64::from(below) + (f64::from(equal) + 1.0) / 2.0;
    (rank / (scores.len() as f64 + 1.0 - rank)).ln()
}

/// Slope of the least-squares line of the second on the first of each pair.
fn slope(pairs: &[[f64; 2]]) -> Option<f64> {
    let n = pairs.len() as f64;
    let [mean_x, mean_y] = [0, 1].map(|i| pairs.iter().map(|p| p[i]).sum::<f64>() / n);
    let (mut xx, mut xy) = (0.0, 0.0);
    for [x, y] in pairs {
        xx += (x - mean_x) * (x - mean_x);
        xy += (x - mean_x) * (y - mean_y);
    }
    crate::performance::finite(xy / xx).filter(|_| xx > 0.0)
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::random::Seed;

    fn noise(trials: usize, days: usize, seed: u64) -> Vec<Vec<f64>> {
        let mut random = Seed(seed).stream("noise");
        let mut one = || -> Vec<f64> { (0..days).map(|_| random.random::<f64>() - 0.5).collect() };
        (0..trials).map(|_| one()).collect()
    }

    #[test]
    fn agrees_with_the_plain_definition() {
        let trials = noise(7, 50, 1);
        let cscv = Cscv::new(&trials, 6).unwrap();
        assert_eq!((cscv.combinations, cscv.block_length), (20, 8));
        let mut expected = Vec::new();
        for choice in 0..64_u32 {
            if choice.count_ones() != 3 {
                continue;
            }
            let part = |mask: u32| -> Vec<f64> {
                let of = |trial: &Vec<f64>| {
                    let rows = (0..48).filter(|row| mask >> (row / 8) & 1 == 1);
                    let picked: Vec<f64> = rows.map(|row| trial[row]).collect();
                    crate::performance::mean_over_deviation(&picked).unwrap()
                };
                trials.iter().map(of).collect()
            };
            let (own, other) = (part(choice), part(63 ^ choice));
            expected.push(logit(&other, best(&own)));
        }
        let mut found = cscv.logits.clone();
        found.sort_by(f64::total_cmp);
        expected.sort_by(f64::total_cmp);
        assert_eq!(found, expected);
    }

    #[test]
    fn copies_prove_nothing_and_stillness_is_no_number() {
        let one = noise(1, 64, 3).remove(0);
        let same = Cscv::new(&[one.clone(), one.clone(), one.clone()], 8).unwrap();
        assert_eq!((same.probability, same.logit_mean), (1.0, 0.0));
        let still = Cscv::new(&[vec![0.0; 64], vec![0.001; 64]], 8).unwrap();
        assert_eq!((still.probability, still.degradation_slope), (1.0, None));
    }

    #[test]
    fn noise_overfits_half_the_time_and_an_edge_does_not() {
        let mut total = 0.0;
        for seed in 0..20 {
            total += Cscv::new(&noise(20, 320, 100 + seed), 8).unwrap().probability;
        }
        assert!((total / 20.0 - 0.5).abs() < 0.15, "{}", total / 20.0);
        let mut trials = noise(20, 320, 9);
        trials[4].iter_mut().for_each(|r| *r += 0.2);
        assert_eq!(Cscv::new(&trials, 16).unwrap().probability, 0.0);
    }

    #[test]
    fn it_ends_when_told_to() {
        let (trials, asked) = (noise(5_000, 32, 1), std::cell::Cell::new(0));
        let stop = || {
            asked.set(asked.get() + 1);
            asked.get() == 3
        };
        assert_eq!(Cscv::unless(&trials, 16, &stop).unwrap_err(), OverfittingError::Stopped);
        assert_eq!(asked.get(), 3);
    }

    #[test]
    fn bad_input_is_refused_with_its_place() {
        let refused = |trials: &[Vec<f64>], blocks| Cscv::new(trials, blocks).unwrap_err();
        assert!(matches!(
            refused(&noise(1, 64, 0), 8),
            OverfittingError::TooFewTrials { found: 1, needed: 2 }
        ));
        assert!(matches!(refused(&noise(2, 64, 0), 7), OverfittingError::Setting { .. }));
        assert!(matches!(refused(&noise(2, 64, 0), 22), OverfittingError::Setting { .. }));
        assert!(matches!(
            refused(&noise(2, 31, 0), 16),
            OverfittingError::TooFewReturns { found: 31, needed: 32 }
        ));
        let mut ragged = noise(3, 64, 0);
        ragged[2].pop();
        assert!(matches!(refused(&ragged, 8), OverfittingError::Ragged { trial: 2, .. }));
        ragged[2].push(f64::NAN);
        assert!(matches!(
            refused(&ragged, 8),
            OverfittingError::NotFinite { trial: 2, at: 63, .. }
        ));
    }
}
