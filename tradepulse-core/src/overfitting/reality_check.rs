use serde::{Deserialize, Serialize};

use super::{OverfittingError, checked};
use crate::performance::Resampling;
use crate::random::Seed;

/// The p-values of a test for superior predictive ability, which differ in what the null hypothesis
/// takes for the true means of trials that did worse than nothing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SuperiorAbility {
    /// Such trials are as bad as they look: a lower bound.
    pub lower: f64,
    /// Those more than `√(2 ln ln n)` standard errors below nothing are as bad as they look, the
    /// others just unlucky: the one to judge by.
    pub consistent: f64,
    /// All of them were just unlucky: an upper bound.
    pub upper: f64,
}

/// Whether the best of all trials earned more than nothing, given that it is the best of all of
/// them: p-values by stationary bootstrap.
///
/// White's reality check (*A Reality Check for Data Snooping*, 2000) and Hansen's test (*A Test for
/// Superior Predictive Ability*, 2005). Each resample keeps the days of all trials together, so
/// that trials that resemble each other count for little more than one.
///
/// p-values are `(1 + hits) / (1 + runs)`. A trial without variation is left out.
#[doc(alias = "SPA")]
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RealityCheck {
    /// Number of trials with variation.
    pub trials: usize,
    /// Number of resamples.
    pub runs: usize,
    /// Mean length of a block of days kept together.
    pub mean_block: f64,
    /// The trial with the highest mean over its standard deviation, counted from 0.
    pub best: usize,
    /// The test of the highest mean. Its `upper` is White's reality check.
    pub mean: SuperiorAbility,
    /// The test of the highest mean over its standard deviation (the long-run one of the stationary
    /// bootstrap, Politis and Romano 1994), so that wild trials do not drown the calm ones: what
    /// Hansen recommends.
    pub studentised: SuperiorAbility,
}

impl RealityCheck {
    /// Tests `trials`, each the returns of one configuration in excess of what it should beat.
    ///
    /// # Errors
    /// Without trials, for trials of different length or fewer than ten returns, returns that are
    /// not finite or never vary, a block below 1 or longer than the data, and no runs.
    pub fn new<T: AsRef<[f64]>>(
        trials: &[T],
        mean_block: f64,
        runs: usize,
        seed: Seed,
    ) -> Result<Self, OverfittingError> {
        let returns = checked(trials, 1)?;
        if returns < 10 {
            return Err(OverfittingError::TooFewReturns { found: returns, needed: 10 });
        }
        if !(1.0..=returns as f64).contains(&mean_block) {
            let (name, expected) = ("mean_block", "a number from 1 to the number of returns");
            return Err(OverfittingError::Setting { name, value: mean_block, expected });
        }
        if runs == 0 {
            let (name, expected) = ("runs", "at least 1");
            return Err(OverfittingError::Setting { name, value: 0.0, expected });
        }
        let kept: Vec<(usize, Trial)> = trials
            .iter()
            .enumerate()
            .filter_map(|(k, trial)| Some((k, Trial::new(trial.as_ref(), mean_block)?)))
            .collect();
        let (highest, highest_mean) = kept.iter().fold(
            (f64::NEG_INFINITY, f64::NEG_INFINITY),
            |(scaled, plain), (_, trial)| {
                (scaled.max(trial.mean / trial.deviation), plain.max(trial.mean))
            },
        );
        let best = kept.iter().find(|(_, trial)| trial.mean / trial.deviation == highest);
        let Some(&(best, _)) = best else { return Err(OverfittingError::NoVariation) };

        let n = returns as f64;
        let limit = (2.0 * n.ln().ln() / n).sqrt();
        let cumulative = cumulative(trials, &kept, returns);
        let mut random = seed.stream("reality check");
        let (mut hits, mut sums) = ([0_usize; 6], vec![0.0; kept.len()]);
        for _ in 0..runs {
            sums.fill(0.0);
            Resampling::Stationary { mean_block }.blocks(returns, &mut random, |start, length| {
                let end = start + length;
                add(&mut sums, &cumulative, start, end.min(returns));
                if end > returns {
                    add(&mut sums, &cumulative, 0, end - returns);
                }
            });
            let mut largest = [f64::NEG_INFINITY; 6];
            for ((_, trial), sum) in kept.iter().zip(&sums) {
                let (mean, deviation) = (sum / n, trial.deviation);
                let above_limit = trial.mean >= -limit * deviation;
                let centres =
                    [trial.mean.max(0.0), if above_limit { trial.mean } else { 0.0 }, trial.mean];
                for (slot, centre) in centres.into_iter().enumerate() {
                    largest[slot] = largest[slot].max(mean - centre);
                    largest[slot + 3] = largest[slot + 3].max((mean - centre) / deviation);
                }
            }
            for (slot, found) in largest.into_iter().enumerate() {
                let observed = if slot < 3 { highest_mean } else { highest };
                hits[slot] += usize::from(found >= observed);
            }
        }
        let p = hits.map(|hits| (1 + hits) as f64 / (1 + runs) as f64);
        let ability = |first: usize| SuperiorAbility {
            lower: p[first],
            consistent: p[first + 1],
            upper: p[first + 2],
        };
        let (mean, studentised) = (ability(0), ability(3));
        Ok(Self { trials: kept.len(), runs, mean_block, best, mean, studentised })
    }
}

/// Mean and long-run standard deviation of a trial's returns.
struct Trial {
    mean: f64,
    deviation: f64,
}

impl Trial {
    /// `None` without variation.
    fn new(returns: &[f64], mean_block: f64) -> Option<Self> {
        if returns.iter().all(|r| *r == returns[0]) {
            return None;
        }
        let n = returns.len() as f64;
        let mean = returns.iter().sum::<f64>() / n;
        let centred: Vec<f64> = returns.iter().map(|r| r - mean).collect();
        let stay = 1.0 - 1.0 / mean_block;
        let mut variance = centred.iter().map(|r| r * r).sum::<f64>() / n;
        for lag in 1..returns.len() {
            let share = lag as f64 / n;
            let weight = (1.0 - share) * stay.powf(lag as f64) + share * stay.powf(n - lag as f64);
            // Lags that are hardly ever kept together.
            if weight > 1e-12 {
                let pairs = centred.iter().zip(&centred[lag..]);
                variance += 2.0 * weight * pairs.map(|(a, b)| a * b).sum::<f64>() / n;
            }
        }
        let deviation = variance.sqrt();
        (deviation.is_finite() && deviation > 0.0).then_some(Self { mean, deviation })
    }
}

/// For every day the sum of each kept trial's returns before it; one entry more than there are
/// days.
fn cumulative<T: AsRef<[f64]>>(trials: &[T], kept: &[(usize, Trial)], days: usize) -> Vec<f64> {
    let width = kept.len();
    let mut rows = vec![0.0; (days + 1) * width];
    for (slot, (k, _)) in kept.iter().enumerate() {
        let mut sum = 0.0;
        for (day, r) in trials[*k].as_ref().iter().enumerate() {
            sum += r;
            rows[(day + 1) * width + slot] = sum;
        }
    }
    rows
}

/// Adds each trial's returns of the days from `start` to before `end`.
fn add(sums: &mut [f64], cumulative: &[f64], start: usize, end: usize) {
    let width = sums.len();
    let (before, after) = (&cumulative[start * width..], &cumulative[end * width..]);
    for ((sum, before), after) in sums.iter_mut().zip(before).zip(after) {
        *sum += after - before;
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;

    fn noise(trials: usize, seed: u64) -> Vec<Vec<f64>> {
        let mut random = Seed(seed).stream("noise");
        let mut one = || -> Vec<f64> { (0..250).map(|_| random.random::<f64>() - 0.5).collect() };
        (0..trials).map(|_| one()).collect()
    }

    #[test]
    fn an_edge_is_seen_and_copies_change_little() {
        let mut trials = noise(20, 2);
        let before = RealityCheck::new(&trials, 5.0, 500, Seed(1)).unwrap();
        assert!(before.studentised.consistent > 0.05, "{before:?}");
        for test in [before.mean, before.studentised] {
            assert!(test.lower <= test.consistent && test.consistent <= test.upper);
        }
        trials[7].iter_mut().for_each(|r| *r += 0.1);
        let edge = RealityCheck::new(&trials, 5.0, 500, Seed(1)).unwrap();
        assert_eq!(edge.best, 7);
        assert!(edge.studentised.consistent < 0.01 && edge.mean.upper < 0.01, "{edge:?}");

        let one = noise(1, 3);
        let alone = RealityCheck::new(&one, 5.0, 500, Seed(4)).unwrap();
        let copies: Vec<_> = std::iter::repeat_n(one[0].clone(), 50).collect();
        let many = RealityCheck::new(&copies, 5.0, 500, Seed(4)).unwrap();
        assert_eq!((alone.mean, alone.studentised), (many.mean, many.studentised));
    }

    #[test]
    fn bad_input_is_refused() {
        let refused = |trials: &[Vec<f64>], block, runs| {
            RealityCheck::new(trials, block, runs, Seed(0)).unwrap_err()
        };
        assert!(matches!(refused(&[], 5.0, 9), OverfittingError::TooFewTrials { .. }));
        assert!(matches!(refused(&noise(2, 0), 0.5, 9), OverfittingError::Setting { .. }));
        assert!(matches!(refused(&noise(2, 0), f64::NAN, 9), OverfittingError::Setting { .. }));
        assert!(matches!(refused(&noise(2, 0), 5.0, 0), OverfittingError::Setting { .. }));
        assert_eq!(refused(&[vec![0.0; 50]], 5.0, 9), OverfittingError::NoVariation);
    }
}
