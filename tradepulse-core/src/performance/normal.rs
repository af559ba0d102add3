use std::f64::consts::SQRT_2;

use statrs::function::erf::erfc_inv;
use statrs::function::gamma::checked_gamma_ur;

/// `P(Z <= z)` of the standard normal distribution.
///
/// Through the incomplete gamma function, `P(Z < −z) = Γ(½, z²/2) / (2 √π)`, whose relative error
/// stays below 1e-13; that of statrs 0.19's `erfc` reaches 1e-10 for z between 0.7 and 1.06.
pub(crate) fn normal_cdf(z: f64) -> f64 {
    let tail = match z.abs() {
        near if near * near == 0.0 => 0.5,
        distant if distant > 38.5 => 0.0,
        // Only NaN is refused.
        distance => checked_gamma_ur(0.5, distance * distance / 2.0).map_or(f64::NAN, |q| q / 2.0),
    };
    if z > 0.0 { 1.0 - tail } else { tail }
}

/// The `z` with `P(Z <= z) = p`; infinite at 0 and 1, NaN outside them.
pub(crate) fn normal_quantile(p: f64) -> f64 {
    if (0.0..=1.0).contains(&p) { -SQRT_2 * erfc_inv(2.0 * p) } else { f64::NAN }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_scipy() {
        for (z, p) in [
            (0.0, 0.5),
            (1.0, 0.841_344_746_068_542_9),
            (0.8, 0.788_144_601_416_603_3),
            (-3.0, 0.001_349_898_031_630_093_3),
            (-8.0, 6.220_960_574_271_74e-16),
        ] {
            assert!((normal_cdf(z) / p - 1.0).abs() < 1e-13, "{z}: {}", normal_cdf(z));
            assert!((normal_quantile(p) - z).abs() < 1e-12, "{z}: {}", normal_quantile(p));
        }
        for (z, p) in [(f64::INFINITY, 1.0), (f64::NEG_INFINITY, 0.0), (40.0, 1.0), (-40.0, 0.0)] {
            assert_eq!(normal_cdf(z), p);
        }
        assert!(normal_cdf(f64::NAN).is_nan() && normal_quantile(1.1).is_nan());
        assert_eq!(normal_cdf(1e-300), 0.5);
    }
}
