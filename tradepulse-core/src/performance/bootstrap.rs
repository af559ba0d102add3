use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::statistics::{finite, quantile};
use super::{normal_cdf, normal_quantile};
use crate::random::Seed;

/// How days are drawn so that what hangs together stays together. Blocks wrap around the end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "resampling", rename_all = "snake_case")]
pub enum Resampling {
    /// Blocks of random, geometrically distributed length. Politis and Romano 1994.
    Stationary {
        /// Mean length of a block, 1 or more.
        mean_block: f64,
    },
    /// Blocks of one length. Politis and Romano 1992.
    Circular {
        /// Length of a block, 1 or more.
        block: usize,
    },
}

impl Resampling {
    /// Calls `take(start, length)` for blocks that together have `n` entries; `start < n`, and
    /// `length` reaches at most once around.
    pub(crate) fn blocks(
        self,
        n: usize,
        random: &mut impl Rng,
        mut take: impl FnMut(usize, usize),
    ) {
        let mut left = n;
        while left > 0 {
            let start = random.random_range(0..n);
            let length = match self {
                Self::Stationary { mean_block } if mean_block > 1.0 => {
                    // A geometric length by inversion; u is in 0..1, so 1 - u is never 0.
                    let u = 1.0 - random.random::<f64>();
                    1 + (u.ln() / (1.0 - 1.0 / mean_block).ln()) as usize
                }
                Self::Stationary { .. } => 1,
                Self::Circular { block } => block.max(1),
            };
            let length = length.min(left);
            take(start, length);
            left -= length;
        }
    }

    /// Whether the length is a number of 1 or more.
    fn is_possible(self) -> bool {
        match self {
            Self::Stationary { mean_block } => mean_block >= 1.0 && mean_block.is_finite(),
            Self::Circular { block } => block >= 1,
        }
    }
}

/// Mean block lengths that suit the dependence in a series.
///
/// Politis and White 2004 with the correction of Patton, Politis and White 2009: a flat-top kernel
/// over the autocovariances up to twice the lag after which none is significant.
///
/// ```
/// use tradepulse_core::performance::BlockLength;
/// let slow: Vec<f64> = (0..500).map(|i| f64::from(i / 10).sin()).collect();
/// assert!(BlockLength::new(&slow).is_some_and(|b| b.stationary > 10.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlockLength {
    /// For the stationary bootstrap.
    pub stationary: f64,
    /// For the circular block bootstrap.
    pub circular: f64,
}

impl BlockLength {
    /// The lengths for `values`; `None` for fewer than 10, without variation, or when one is not
    /// finite.
    pub fn new(values: &[f64]) -> Option<Self> {
        let n = values.len();
        if n < 10 || values.iter().all(|v| *v == values[0]) {
            return None;
        }
        let count = n as f64;
        let mean = finite(values.iter().sum::<f64>() / count)?;
        let centred: Vec<f64> = values.iter().map(|v| v - mean).collect();
        let squares = |part: &[f64]| part.iter().map(|v| v * v).sum::<f64>();
        let quiet = ((count.log10()) as usize).max(5);
        let most = (count.sqrt().ceil() as usize + quiet).min(n - 2);
        let limit = 2.0 * (count.log10() / count).sqrt();
        let (mut covariances, mut correlations) = (Vec::new(), Vec::new());
        let mut last_significant = None;
        for lag in 0..=most {
            let pairs = centred.iter().zip(&centred[lag..]);
            let product: f64 = pairs.map(|(a, b)| a * b).sum();
            covariances.push(product / count);
            let scale = squares(&centred[lag + 1..]) * squares(&centred[..n - lag - 1]);
            correlations.push(product.abs() / scale.sqrt());
            if lag >= quiet
                && last_significant.is_none()
                && correlations[lag - quiet..lag].iter().all(|c| *c < limit)
            {
                last_significant = Some(lag - quiet);
            }
        }
        let bandwidth = last_significant.map_or(most, |lag| 2 * lag.max(1)).min(most);
        let (mut curvature, mut long_run) = (0.0, covariances[0]);
        for (lag, covariance) in covariances.iter().enumerate().skip(1).take(bandwidth) {
            let share = lag as f64 / bandwidth as f64;
            let kernel = if share <= 0.5 { 1.0 } else { 2.0 * (1.0 - share) };
            curvature += 2.0 * kernel * lag as f64 * covariance;
            long_run += 2.0 * kernel * covariance;
        }
        let longest = (3.0 * count.sqrt()).min(count / 3.0).ceil();
        let length = |factor: f64| {
            let ratio = 2.0 * curvature * curvature / (factor * long_run * long_run);
            finite((ratio * count).cbrt()).map(|length| length.clamp(1.0, longest))
        };
        Some(Self { stationary: length(2.0)?, circular: length(4.0 / 3.0)? })
    }
}

/// A figure of daily returns whose uncertainty is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistic {
    /// The mean.
    Mean,
    /// Mean over standard deviation (n − 1), per period; multiply by the square root of the periods
    /// in a year to annualise.
    Sharpe,
}

impl Statistic {
    /// From the number of values, the sum of their differences to `centre`, and that of the
    /// squares of these.
    fn of(self, n: f64, centre: f64, sum: f64, squares: f64) -> Option<f64> {
        let mean = centre + sum / n;
        match self {
            Self::Mean => finite(mean),
            Self::Sharpe => {
                let deviations = squares - sum * sum / n;
                finite(mean / (deviations / (n - 1.0)).sqrt())
                    .filter(|_| deviations > 1e-13 * squares)
            }
        }
    }
}

/// The ends of a confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A figure and how far off it may be, by block bootstrap.
///
/// ```
/// use tradepulse_core::performance::{BootstrapInterval, Resampling, Statistic};
/// use tradepulse_core::random::Seed;
/// let returns: Vec<f64> = (0..200).map(|i| 0.001 + 0.01 * f64::from(i * i).sin()).collect();
/// let resampling = Resampling::Stationary { mean_block: 5.0 };
/// let mean = BootstrapInterval::new(&returns, Statistic::Mean, resampling, 0.95, 500, Seed(1))
///     .ok_or("undefined")?;
/// assert!(mean.percentile.low < mean.estimate && mean.estimate < mean.percentile.high);
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BootstrapInterval {
    /// What was estimated.
    pub statistic: Statistic,
    /// Its value on the returns themselves.
    pub estimate: f64,
    /// Share of such intervals that hold the true value, 0.95 for 95 %.
    pub level: f64,
    /// Resamples that gave a value.
    pub runs: usize,
    /// Between the quantiles of the resampled values. Efron 1979.
    pub percentile: Interval,
    /// Corrected for bias and acceleration, the latter by leaving out one block after the other.
    /// `None` where the correction is not defined. Efron 1987.
    #[doc(alias = "BCa")]
    pub corrected: Option<Interval>,
}

impl BootstrapInterval {
    /// The interval of `statistic`. `None` where the statistic is not defined, for a level outside
    /// 0..1, an impossible block length, or no runs.
    pub fn new(
        returns: &[f64],
        statistic: Statistic,
        resampling: Resampling,
        level: f64,
        runs: usize,
        seed: Seed,
    ) -> Option<Self> {
        let n = returns.len();
        if n < 2 || runs == 0 || !(level > 0.0 && level < 1.0) || !resampling.is_possible() {
            return None;
        }
        let count = n as f64;
        let centre = finite(returns.iter().sum::<f64>() / count)?;
        let cumulative = Cumulative::new(returns, centre);
        let [sum, squares] = cumulative.over(0, n);
        let estimate = statistic.of(count, centre, sum, squares)?;
        let mut random = seed.stream("bootstrap interval");
        let mut values = Vec::with_capacity(runs);
        for _ in 0..runs {
            let (mut sum, mut squares) = (0.0, 0.0);
            resampling.blocks(n, &mut random, |start, length| {
                let [s, q] = cumulative.over(start, length);
                sum += s;
                squares += q;
            });
            values.extend(statistic.of(count, centre, sum, squares));
        }
        let tail = (1.0 - level) / 2.0;
        let between = |low: f64, high: f64| {
            Some(Interval { low: quantile(&values, low)?, high: quantile(&values, high)? })
        };
        let block = match resampling {
            Resampling::Stationary { mean_block } => (mean_block.round() as usize).clamp(1, n / 2),
            Resampling::Circular { block } => block.clamp(1, n / 2),
        };
        let corrected = acceleration(&cumulative, statistic, centre, block)
            .zip(bias(&values, estimate))
            .and_then(|(acceleration, bias)| {
                let moved = |p: f64| {
                    let z = bias + normal_quantile(p);
                    finite(normal_cdf(bias + z / (1.0 - acceleration * z)))
                        .filter(|_| acceleration * z < 1.0)
                };
                between(moved(tail)?, moved(1.0 - tail)?)
            });
        let percentile = between(tail, 1.0 - tail)?;
        Some(Self { statistic, estimate, level, runs: values.len(), percentile, corrected })
    }
}

/// Sums over any block in constant time.
struct Cumulative {
    rows: Vec<[f64; 2]>,
}

impl Cumulative {
    fn new(returns: &[f64], centre: f64) -> Self {
        let mut rows = Vec::with_capacity(returns.len() + 1);
        let mut row = [0.0; 2];
        rows.push(row);
        for r in returns {
            let difference = r - centre;
            row = [row[0] + difference, row[1] + difference * difference];
            rows.push(row);
        }
        Self { rows }
    }

    /// The sums of `length` entries from `start` on, around the end if need be.
    fn over(&self, start: usize, length: usize) -> [f64; 2] {
        let (n, end) = (self.rows.len() - 1, start + length);
        let between = |a: usize, b: usize| {
            [self.rows[b][0] - self.rows[a][0], self.rows[b][1] - self.rows[a][1]]
        };
        if end <= n {
            return between(start, end);
        }
        let (first, second) = (between(start, n), between(0, end - n));
        [first[0] + second[0], first[1] + second[1]]
    }
}

/// The share of resampled values below the estimate (half of those equal), as a normal deviate.
fn bias(values: &[f64], estimate: f64) -> Option<f64> {
    let below = values.iter().filter(|v| **v < estimate).count() as f64;
    let equal = values.iter().filter(|v| **v == estimate).count() as f64;
    finite(normal_quantile((below + equal / 2.0) / values.len() as f64))
}

/// A sixth of the skewness of the statistic's values without one block (block jackknife).
fn acceleration(
    cumulative: &Cumulative,
    statistic: Statistic,
    centre: f64,
    block: usize,
) -> Option<f64> {
    let n = cumulative.rows.len() - 1;
    let [sum, squares] = cumulative.over(0, n);
    let without: Option<Vec<f64>> = (0..n / block)
        .map(|k| {
            let [s, q] = cumulative.over(k * block, block);
            statistic.of((n - block) as f64, centre, sum - s, squares - q)
        })
        .collect();
    let without = without?;
    let mean = without.iter().sum::<f64>() / without.len() as f64;
    let power = |p| without.iter().map(|v| (mean - v).powi(p)).sum::<f64>();
    finite(power(3) / (6.0 * power(2).powf(1.5)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Blocks fill the sample exactly and start inside it; sums are those of the entries.
        #[test]
        fn blocks_fill_the_sample(
            values in prop::collection::vec(-1.0..1.0_f64, 1..60), mean_block in 1.0..30.0_f64,
            block in 1_usize..90, circular in any::<bool>(), seed in any::<u64>(),
        ) {
            let n = values.len();
            let resampling = if circular {
                Resampling::Circular { block }
            } else {
                Resampling::Stationary { mean_block }
            };
            let cumulative = Cumulative::new(&values, 0.25);
            let mut total = 0;
            let mut failed = None;
            resampling.blocks(n, &mut Seed(seed).stream("test"), |start, length| {
                total += length;
                let entries = (start..start + length).map(|i| values[i % n] - 0.25);
                let expected: f64 = entries.sum();
                if start >= n || (cumulative.over(start, length)[0] - expected).abs() > 1e-12 {
                    failed = Some((start, length));
                }
            });
            prop_assert_eq!((total, failed), (n, None));
        }
    }

    #[test]
    fn mean_length_is_as_asked() {
        let mut random = Seed(3).stream("test");
        let (mut blocks, mut entries) = (0, 0);
        for _ in 0..200 {
            Resampling::Stationary { mean_block: 10.0 }.blocks(1000, &mut random, |_, length| {
                blocks += 1;
                entries += length;
            });
        }
        let mean = entries as f64 / f64::from(blocks);
        assert!((mean - 10.0).abs() < 0.3, "{mean}");
    }

    #[test]
    fn undefined_is_none() {
        let interval = |returns: &[f64], mean_block, level, runs| {
            let resampling = Resampling::Stationary { mean_block };
            BootstrapInterval::new(returns, Statistic::Sharpe, resampling, level, runs, Seed(0))
        };
        let returns: Vec<f64> = (0..40).map(|i| f64::from(i).sin()).collect();
        assert!(interval(&returns, 3.0, 0.9, 50).is_some());
        assert_eq!(interval(&[0.1; 40], 3.0, 0.9, 50), None);
        assert_eq!(interval(&[0.1], 3.0, 0.9, 50), None);
        assert_eq!(interval(&returns, 0.5, 0.9, 50), None);
        assert_eq!(interval(&returns, f64::NAN, 0.9, 50), None);
        assert_eq!(interval(&returns, 3.0, 1.0, 50), None);
        assert_eq!(interval(&returns, 3.0, 0.9, 0), None);
        assert_eq!(BlockLength::new(&[0.1; 40]), None);
        assert_eq!(BlockLength::new(&[f64::NAN; 40]), None);
    }

    /// About nine of ten intervals of the mean hold the true mean.
    #[test]
    fn intervals_cover() {
        let mut random = Seed(11).stream("test");
        let (mut percentile, mut corrected) = (0, 0);
        for seed in 0..200 {
            let returns: Vec<f64> = (0..120).map(|_| random.random::<f64>().powi(2)).collect();
            let resampling = Resampling::Circular { block: 2 };
            let found =
                BootstrapInterval::new(&returns, Statistic::Mean, resampling, 0.9, 400, Seed(seed))
                    .unwrap();
            let holds = |i: Interval| i.low <= 1.0 / 3.0 && 1.0 / 3.0 <= i.high;
            percentile += u32::from(holds(found.percentile));
            corrected += u32::from(holds(found.corrected.unwrap()));
        }
        assert!((165..=195).contains(&percentile), "{percentile}");
        assert!((165..=195).contains(&corrected), "{corrected}");
    }
}
