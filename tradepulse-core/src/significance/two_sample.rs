use serde::{Deserialize, Serialize};

/// Whether two samples come from one distribution: the two-sample test of Kolmogorov and Smirnov.
///
/// The p-value is the asymptotic one with the correction of Stephens 1970 for small samples, close
/// from 5 values on. It takes the values for independent: give it daily figures rather than those
/// of neighbouring candles, or it cries wolf. With ties it is careful (too large).
///
/// ```
/// use tradepulse_core::significance::TwoSample;
/// let low: Vec<f64> = (0..30).map(f64::from).collect();
/// let high: Vec<f64> = (20..50).map(f64::from).collect();
/// let test = TwoSample::new(&low, &high).ok_or("too few values")?;
/// assert!(test.distance > 0.6 && test.p_value < 0.001);
/// # Ok::<(), &str>(())
/// ```
#[doc(alias = "Kolmogorov-Smirnov")]
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TwoSample {
    /// Greatest distance of the two empirical distribution functions, 0..1.
    pub distance: f64,
    /// Probability of such a distance or a larger one if both come from one distribution.
    pub p_value: f64,
}

impl TwoSample {
    /// Fewest values of a sample.
    pub const MIN_VALUES: usize = 5;

    /// Tests `a` against `b`. `None` for fewer than five values in either, or when one is not
    /// finite.
    pub fn new(a: &[f64], b: &[f64]) -> Option<Self> {
        let sorted = |values: &[f64]| {
            let mut values = values.to_vec();
            values.sort_by(f64::total_cmp);
            let usable = values.len() >= Self::MIN_VALUES && values.iter().all(|v| v.is_finite());
            usable.then_some(values)
        };
        let (a, b) = (sorted(a)?, sorted(b)?);
        let (n, m) = (a.len() as f64, b.len() as f64);
        let (mut i, mut j, mut distance) = (0, 0, 0.0_f64);
        while i < a.len() && j < b.len() {
            let value = a[i].min(b[j]);
            i += a[i..].iter().take_while(|v| **v <= value).count();
            j += b[j..].iter().take_while(|v| **v <= value).count();
            distance = distance.max((i as f64 / n - j as f64 / m).abs());
        }
        let root = (n * m / (n + m)).sqrt();
        Some(Self { distance, p_value: survival((root + 0.12 + 0.11 / root) * distance) })
    }
}

/// `P(K > x)` of the Kolmogorov distribution.
fn survival(x: f64) -> f64 {
    // Below, it is 1 to sixteen digits, and the series converges slowly.
    if x < 0.2 {
        return 1.0;
    }
    let term = |k: i32| (-2.0 * f64::from(k * k) * x * x).exp();
    let sum: f64 = (1..=50).map(|k| if k % 2 == 1 { term(k) } else { -term(k) }).sum();
    (2.0 * sum).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_scipy() {
        // scipy.stats.kstwobign.sf
        for (x, expected) in [
            (0.3, 0.999_990_694_198_665_5),
            (0.5, 0.963_945_243_664_875_1),
            (1.0, 0.269_999_671_677_354_56),
            (1.36, 0.049_485_876_755_377_876),
            (2.0, 0.000_670_925_255_779_695_3),
        ] {
            assert!((survival(x) - expected).abs() < 1e-12, "{x}");
        }
        // scipy.stats.ks_2samp, method="exact"
        let a = [0.1, 0.4, 0.7, 1.2, 2.2, 3.1, 0.05, 0.9, 1.7, 2.9];
        let b = [1.5, 2.5, 0.95, 3.3, 4.1, 2.2, 5.0, 1.1, 3.9, 2.8, 0.3, 4.4];
        let test = TwoSample::new(&a, &b).unwrap();
        assert!((test.distance - 0.416_666_666_666_666_7).abs() < 1e-15);
        assert!((test.p_value - 0.233_738).abs() < 0.01, "{}", test.p_value);
    }

    #[test]
    fn few_values_and_ties() {
        assert_eq!(TwoSample::new(&[1.0; 4], &[1.0; 9]), None);
        assert_eq!(TwoSample::new(&[1.0, 2.0, 3.0, 4.0, f64::NAN], &[1.0; 9]), None);
        let same = TwoSample::new(&[1.0; 9], &[1.0; 7]).unwrap();
        assert_eq!((same.distance, same.p_value), (0.0, 1.0));
        let apart = TwoSample::new(&[1.0; 9], &[2.0; 7]).unwrap();
        assert_eq!(apart.distance, 1.0);
    }
}
