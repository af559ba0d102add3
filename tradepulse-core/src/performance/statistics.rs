use statrs::function::beta::beta_reg;

/// Days by which daily figures are annualised: crypto markets never close.
pub const DAYS_PER_YEAR: f64 = 365.0;

/// Statistics of daily returns (fractions). Each figure is `None` where it is not defined.
///
/// ```
/// use tradepulse_core::performance::DailyStatistics;
/// let daily = DailyStatistics::new(&[0.01, -0.005, 0.002, 0.0]);
/// assert!(daily.sharpe().is_some());
/// assert_eq!(DailyStatistics::new(&[0.01]).sharpe(), None);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct DailyStatistics<'a> {
    returns: &'a [f64],
}

impl<'a> DailyStatistics<'a> {
    /// Statistics of these returns, oldest first.
    pub fn new(returns: &'a [f64]) -> Self {
        Self { returns }
    }

    /// Mean over standard deviation (n − 1), times √365. Sharpe 1966.
    pub fn sharpe(&self) -> Option<f64> {
        Some(mean_over_deviation(self.returns)? * DAYS_PER_YEAR.sqrt())
    }

    /// Mean over downside deviation `√(mean(min(r, 0)²))`, times √365. Sortino 1994.
    pub fn sortino(&self) -> Option<f64> {
        let n = self.returns.len() as f64;
        let squares: f64 = self.returns.iter().map(|r| r.min(0.0).powi(2)).sum();
        let downside = (squares / n).sqrt();
        finite((mean(self.returns)? / downside) * DAYS_PER_YEAR.sqrt()).filter(|_| downside > 0.0)
    }

    /// The t statistic of the mean: mean over standard deviation (n − 1), times √n.
    pub fn z_score(&self) -> Option<f64> {
        Some(mean_over_deviation(self.returns)? * (self.returns.len() as f64).sqrt())
    }

    /// One-sided probability of such a mean if the true one were zero: Student's t with n − 1
    /// degrees of freedom.
    pub fn p_value(&self) -> Option<f64> {
        Some(student_t_survival(self.z_score()?, self.returns.len() as f64 - 1.0))
    }

    /// Historical value at risk: minus the 5 % quantile (linear interpolation). A loss is positive.
    pub fn var_95(&self) -> Option<f64> {
        // Not -0 where there is no loss.
        Some(0.0 - quantile(self.returns, 0.05)?)
    }

    /// Historical expected shortfall: minus the mean of the returns at or below the 5 % quantile.
    pub fn cvar_95(&self) -> Option<f64> {
        let limit = quantile(self.returns, 0.05)?;
        let tail: Vec<f64> = self.returns.iter().copied().filter(|r| *r <= limit).collect();
        Some(0.0 - mean(&tail)?)
    }
}

pub(crate) fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

pub(crate) fn mean(values: &[f64]) -> Option<f64> {
    finite(values.iter().sum::<f64>() / values.len() as f64)
}

/// Mean over standard deviation (n − 1); `None` for fewer than two values or without variation.
pub(crate) fn mean_over_deviation(values: &[f64]) -> Option<f64> {
    if values.len() < 2 || values.iter().all(|v| *v == values[0]) {
        return None;
    }
    let mean = mean(values)?;
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    finite(mean / (squares / (values.len() - 1) as f64).sqrt())
}

/// The `q`-quantile by linear interpolation between order statistics (R type 7, NumPy's default).
pub(crate) fn quantile(values: &[f64], q: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let position = q * (sorted.len().checked_sub(1)?) as f64;
    let (below, share) = (position.floor(), position.fract());
    let low = *sorted.get(below as usize)?;
    let high = sorted.get(below as usize + 1).copied().unwrap_or(low);
    finite(low + share * (high - low))
}

/// `P(T > t)` for Student's t.
fn student_t_survival(t: f64, degrees: f64) -> f64 {
    let tail = 0.5 * beta_reg(degrees / 2.0, 0.5, degrees / (degrees + t * t));
    if t > 0.0 { tail } else { 1.0 - tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn student_tails() {
        // scipy.stats.t.sf
        for (t, degrees, expected) in [
            (2.0, 10.0, 0.036_694_017_385_370_18),
            (-1.5, 3.0, 0.884_708_067_377_588_6),
            (0.0, 5.0, 0.5),
            (1.0, 1.0, 0.25),
        ] {
            assert!((student_t_survival(t, degrees) - expected).abs() < 1e-12, "{t} {degrees}");
        }
    }

    #[test]
    fn undefined_is_none() {
        for returns in [&[][..], &[0.01], &[0.0, 0.0, 0.0], &[0.1, 0.1, 0.1]] {
            let daily = DailyStatistics::new(returns);
            assert_eq!((daily.sharpe(), daily.z_score(), daily.p_value()), (None, None, None));
        }
        assert_eq!(DailyStatistics::new(&[0.1, 0.2]).sortino(), None);
        assert_eq!(DailyStatistics::new(&[]).var_95(), None);
        let still = DailyStatistics::new(&[0.0, 0.0]);
        let bits = |value: Option<f64>| value.map(f64::to_bits);
        assert_eq!([still.var_95(), still.cvar_95()].map(bits), [Some(0); 2]);
        assert_eq!(quantile(&[3.0, 1.0, 2.0], 0.25), Some(1.5));
    }
}
