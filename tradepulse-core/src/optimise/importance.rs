//! How much each variable matters to a search's results.

/// Most groups that the values of a variable are put into.
const GROUPS: usize = 8;

/// The share of the variance of `results` that one variable explains alone: 0 for one that does not
/// matter, 1 for one that decides everything. `values[i]` is the variable's value in the trial
/// whose result is `results[i]`.
///
/// Distinct values make groups, neighbouring ones together where there are more than eight, each
/// with about equally many trials. Of the share between the groups' means (the correlation ratio,
/// the first-order term of a functional analysis of variance) what as many groups of no meaning
/// would explain is taken off: the epsilon squared of Kelley, *An unbiased correlation ratio
/// measure*, 1935. So a variable with many values has no advantage, and one without effect is near
/// 0, by luck on either side of it; below, it is 0.
///
/// An optimiser looks more closely where results are good: the figure speaks of the part of the
/// space that was searched, and variables that only matter together are not seen.
///
/// `None` if there are as few trials as groups, a number is not finite, or the results or the
/// values do not vary.
///
/// ```
/// use tradepulse_core::optimise::importance;
/// let fast: Vec<f64> = (0..100).map(|i| f64::from(i % 10)).collect();
/// let slow: Vec<f64> = (0..100).map(|i| f64::from(i / 10)).collect();
/// let results: Vec<f64> = fast.iter().map(|fast| 2.0 * fast).collect();
/// assert!(importance(&fast, &results) > Some(0.9));
/// assert_eq!(importance(&slow, &results), Some(0.0));
/// ```
pub fn importance(values: &[f64], results: &[f64]) -> Option<f64> {
    let mut trials: Vec<(f64, f64)> = values.iter().copied().zip(results.iter().copied()).collect();
    if values.len() != results.len() || trials.iter().any(|(v, r)| !(v + r).is_finite()) {
        return None;
    }
    trials.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let distinct: Vec<&[(f64, f64)]> = trials.chunk_by(|a, b| a.0 == b.0).collect();
    let groups = grouped(&distinct, trials.len());
    let (n, k) = (trials.len() as f64, groups.len() as f64);
    if groups.len() < 2 || trials.len() <= groups.len() {
        return None;
    }
    let mean = |group: &[(f64, f64)]| group.iter().map(|t| t.1).sum::<f64>() / group.len() as f64;
    let squares = |group: &[(f64, f64)], around: f64| {
        group.iter().map(|t| (t.1 - around) * (t.1 - around)).sum::<f64>()
    };
    let total = squares(&trials, mean(&trials));
    let within: f64 = groups.iter().map(|group| squares(group, mean(group))).sum();
    if total <= 0.0 {
        return None;
    }
    let left = within / (n - k) * (n - 1.0);
    Some((1.0 - left / total).clamp(0.0, 1.0))
}

/// Runs of equal values put together until there are at most so many groups.
fn grouped(distinct: &[&[(f64, f64)]], trials: usize) -> Vec<Vec<(f64, f64)>> {
    if distinct.len() <= GROUPS {
        return distinct.iter().map(|run| run.to_vec()).collect();
    }
    let mut groups: Vec<Vec<(f64, f64)>> = vec![Vec::new()];
    let mut placed = 0;
    for run in distinct {
        let full = placed * GROUPS >= groups.len() * trials;
        match groups.last_mut() {
            Some(last) if !full || last.is_empty() => last.extend_from_slice(run),
            _ => groups.push(run.to_vec()),
        }
        placed += run.len();
    }
    groups
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::random::Seed;

    #[test]
    fn effects_are_seen_and_noise_is_not() {
        let mut random = Seed(3).stream("importance");
        let mut column = || (0..400).map(|_| random.random::<f64>()).collect::<Vec<f64>>();
        let (strong, weak, none, noise) = (column(), column(), column(), column());
        let results: Vec<f64> =
            (0..400).map(|i| 3.0 * strong[i] + weak[i] + 0.5 * noise[i]).collect();
        // Variances 9/12, 1/12, 0.25/12: shares 0.88, 0.10, 0.
        let strong = importance(&strong, &results).unwrap();
        let weak = importance(&weak, &results).unwrap();
        assert!((0.8..0.95).contains(&strong), "{strong}");
        assert!((0.03..0.2).contains(&weak), "{weak}");
        assert!(importance(&none, &results).unwrap() < 0.03);
    }

    #[test]
    fn what_cannot_be_said_is_not() {
        let column: Vec<f64> = (0..20).map(f64::from).collect();
        assert_eq!(importance(&column, &[1.0; 20]), None, "results do not vary");
        assert_eq!(importance(&[1.0; 20], &column), None, "values do not vary");
        assert_eq!(importance(&column[..2], &column[..2]), None, "a group a trial");
        assert_eq!(importance(&column, &column[1..]), None, "other lengths");
        assert_eq!(importance(&[f64::NAN; 20], &column), None);
    }

    /// Whatever the order of trials, and a peak in the middle too.
    #[test]
    fn order_does_not_matter_and_shape_does_not_either() {
        let values: Vec<f64> = (0..50).map(f64::from).collect();
        let results: Vec<f64> = values.iter().map(|v| -(v - 25.0).powi(2)).collect();
        let forwards = importance(&values, &results).unwrap();
        let reversed = |column: &[f64]| column.iter().rev().copied().collect::<Vec<f64>>();
        assert_eq!(importance(&reversed(&values), &reversed(&results)), Some(forwards));
        assert!(forwards > 0.8, "{forwards}");
    }
}
