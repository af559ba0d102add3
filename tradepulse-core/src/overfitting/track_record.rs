use serde::{Deserialize, Serialize};
use statrs::consts::EULER_MASCHERONI;

use crate::performance::{finite, mean, mean_over_deviation, normal_cdf, normal_quantile};

/// What the Sharpe ratio of a series of returns rests on: how many there are and how they are
/// distributed.
///
/// ```
/// use tradepulse_core::overfitting::TrackRecord;
/// let returns: Vec<f64> = (0..250).map(|i| 0.001 + 0.01 * f64::from(i).sin()).collect();
/// let record = TrackRecord::new(&returns).ok_or("no variation")?;
/// let alone = record.probabilistic_sharpe(0.0);
/// let best_of_100 = record.deflated_sharpe_by_count(100);
/// assert!(best_of_100 < alone);
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrackRecord {
    /// Number of returns.
    pub observations: usize,
    /// Mean over standard deviation (n − 1) of the returns; not annualised.
    pub sharpe: f64,
    /// Third standardised moment (moments over n).
    pub skewness: f64,
    /// Fourth standardised moment (moments over n), 3 for a normal distribution.
    pub kurtosis: f64,
}

impl TrackRecord {
    /// The record of `returns`; `None` for fewer than two, without variation, or when one is not
    /// finite.
    pub fn new(returns: &[f64]) -> Option<Self> {
        let sharpe = mean_over_deviation(returns)?;
        let (n, mean) = (returns.len() as f64, mean(returns)?);
        let moment = |power| returns.iter().map(|r| (r - mean).powi(power)).sum::<f64>() / n;
        let variance = moment(2);
        Some(Self {
            observations: returns.len(),
            sharpe,
            skewness: finite(moment(3) / variance.powf(1.5))?,
            kurtosis: finite(moment(4) / (variance * variance))?,
        })
    }

    /// Standard error of the Sharpe ratio:
    /// `√((1 − skewness × SR + (kurtosis − 1)/4 × SR²) / (n − 1))`. Mertens 2002, as used by Bailey
    /// and López de Prado 2012.
    pub fn standard_error(&self) -> Option<f64> {
        let variance = self.spread()? / (self.observations as f64 - 1.0);
        finite(variance.sqrt()).filter(|error| *error > 0.0)
    }

    /// The bracket of the standard error; `None` where the expansion breaks down.
    fn spread(&self) -> Option<f64> {
        let sharpe = self.sharpe;
        let spread = 1.0 - self.skewness * sharpe + (self.kurtosis - 1.0) / 4.0 * sharpe * sharpe;
        finite(spread).filter(|s| *s > 0.0)
    }

    /// Probability that the true Sharpe ratio is above `benchmark` (per period). Bailey and López
    /// de Prado, *The Sharpe Ratio Efficient Frontier*, 2012.
    #[doc(alias = "PSR")]
    pub fn probabilistic_sharpe(&self, benchmark: f64) -> Option<f64> {
        finite(normal_cdf((self.sharpe - benchmark) / self.standard_error()?))
    }

    /// How many returns such a record needs before the true Sharpe ratio is above `benchmark` with
    /// probability `confidence`: `1 + spread × (z / (SR − benchmark))²`. `None` when the Sharpe
    /// ratio is not above the benchmark (no length will show it) or `confidence` is not within
    /// 0.5..1. Bailey and López de Prado 2012.
    #[doc(alias = "MinTRL")]
    pub fn minimum_length(&self, benchmark: f64, confidence: f64) -> Option<f64> {
        if !(self.sharpe > benchmark && (0.5..1.0).contains(&confidence)) {
            return None;
        }
        let z = normal_quantile(confidence);
        finite(1.0 + self.spread()? * (z / (self.sharpe - benchmark)).powi(2))
    }

    /// Probability that the true Sharpe ratio is above what the best of `trials` trials without any
    /// skill would show, the trials' Sharpe ratios having this `variance` (n − 1, per period).
    /// Bailey and López de Prado, *The Deflated Sharpe Ratio*, 2014.
    #[doc(alias = "DSR")]
    pub fn deflated_sharpe(&self, trials: u64, variance: f64) -> Option<f64> {
        self.probabilistic_sharpe(expected_maximum_sharpe(trials, variance)?)
    }

    /// The deflated Sharpe ratio where only the number of trials is known. The variance is then
    /// that of estimates of one and the same Sharpe ratio: the record's squared standard error, and
    /// no less than `1/(n − 1)`, that of trials without skill. It takes all trials for independent,
    /// which is the careful side: trials of one strategy resemble each other.
    pub fn deflated_sharpe_by_count(&self, trials: u64) -> Option<f64> {
        let least = 1.0 / (self.observations as f64 - 1.0);
        self.deflated_sharpe(trials, self.standard_error()?.powi(2).max(least))
    }
}

/// The Sharpe ratio expected of the best of `trials` independent trials without skill, whose Sharpe
/// ratios have this `variance`: `√V × ((1 − γ) Φ⁻¹(1 − 1/N) + γ Φ⁻¹(1 − 1/(N e)))`. Zero for one
/// trial; `None` for none, or a variance that is negative or not finite. Bailey and López de Prado
/// 2014.
pub fn expected_maximum_sharpe(trials: u64, variance: f64) -> Option<f64> {
    if trials == 0 || !(variance >= 0.0 && variance.is_finite()) {
        return None;
    }
    if trials == 1 {
        return Some(0.0);
    }
    let rare = 1.0 / trials as f64;
    let upper = |p: f64| -normal_quantile(p);
    let gamma = EULER_MASCHERONI;
    let largest = (1.0 - gamma) * upper(rare) + gamma * upper(rare / std::f64::consts::E);
    finite(variance.sqrt() * largest)
}

/// The variance (n − 1) of values, such as the Sharpe ratios of a study's trials; `None` for fewer
/// than two, or when one is not finite.
pub fn variance(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let mean = mean(values)?;
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    finite(squares / (values.len() - 1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_of_more_trials_is_worth_less() {
        let returns: Vec<f64> = (0..500).map(|i| 0.0012 + 0.01 * f64::from(i * i).sin()).collect();
        let record = TrackRecord::new(&returns).unwrap();
        assert_eq!(record.deflated_sharpe_by_count(1), record.probabilistic_sharpe(0.0));
        let mut last = 1.0;
        for trials in [1, 2, 10, 100, 10_000, 1_000_000] {
            let deflated = record.deflated_sharpe_by_count(trials).unwrap();
            assert!(deflated < last, "{trials}: {deflated}");
            last = deflated;
        }
        assert_eq!(record.deflated_sharpe_by_count(0), None);
    }

    #[test]
    fn the_minimum_length_is_where_the_probability_is_reached() {
        let record = TrackRecord { observations: 100, sharpe: 0.1, skewness: -0.5, kurtosis: 5.0 };
        let length = record.minimum_length(0.02, 0.95).unwrap();
        let probability = |observations| {
            TrackRecord { observations, ..record }.probabilistic_sharpe(0.02).unwrap()
        };
        assert!(probability(length.floor() as usize) < 0.95);
        assert!(probability(length.ceil() as usize) >= 0.95);
        assert_eq!(record.minimum_length(0.1, 0.95), None);
        assert_eq!(record.minimum_length(0.0, 1.0), None);
    }

    #[test]
    fn undefined_is_none() {
        for returns in [&[][..], &[0.1], &[0.1, 0.1], &[0.1, f64::NAN], &[0.1, f64::INFINITY]] {
            assert_eq!(TrackRecord::new(returns), None);
        }
        assert_eq!(expected_maximum_sharpe(5, f64::NAN), None);
        assert_eq!(expected_maximum_sharpe(5, -1.0), None);
        assert_eq!(variance(&[1.0]), None);
        let record = TrackRecord { observations: 9, sharpe: 2.0, skewness: 9.0, kurtosis: 2.0 };
        assert_eq!((record.standard_error(), record.probabilistic_sharpe(0.0)), (None, None));
    }
}
