/// Adjusted p-values of a family of tests, in the order given: calling all those at or below `q`
/// discoveries keeps the expected share of false ones among them at `q` or less. For when many
/// configurations are judged at once. A p-value that is unknown (`None`, or not within 0..=1)
/// counts as 1. Benjamini and Hochberg 1995.
///
/// ```
/// use tradepulse_core::overfitting::benjamini_hochberg;
/// let adjusted = benjamini_hochberg(&[Some(0.01), Some(0.04), None, Some(0.03)]);
/// assert_eq!(adjusted, [0.04, 0.16 / 3.0, 1.0, 0.16 / 3.0]);
/// ```
#[doc(alias = "FDR")]
pub fn benjamini_hochberg(p_values: &[Option<f64>]) -> Vec<f64> {
    let known = |p: &Option<f64>| p.filter(|p| (0.0..=1.0).contains(p)).unwrap_or(1.0);
    let values: Vec<f64> = p_values.iter().map(known).collect();
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let (mut adjusted, mut least) = (vec![1.0; values.len()], 1.0_f64);
    for (rank, at) in order.into_iter().enumerate().rev() {
        least = least.min(values[at] * p_values.len() as f64 / (rank + 1) as f64);
        adjusted[at] = least;
    }
    adjusted
}
