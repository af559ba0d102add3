use serde::{Deserialize, Serialize};

use crate::performance::quantile;

/// The objective one step beside the best parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Neighbour {
    /// The variable that was moved.
    pub variable: String,
    /// By how many steps, usually −1 or 1.
    pub step: i32,
    /// The objective there; `None` where it is infeasible (too few trades, say).
    pub objective: Option<f64>,
}

impl Neighbour {
    /// Less than half of `peak` is left, or nothing is known.
    fn collapses(&self, peak: f64) -> bool {
        !self.objective.is_some_and(|o| o >= Neighbourhood::KEPT * peak)
    }
}

/// Whether the best parameters stand on a hill or on a needle.
///
/// A neighbour *collapses* when less than half of the peak's objective is left there, or when it is
/// infeasible. The peak is flagged when a third of the neighbours or more collapse, when the median
/// neighbour does, when both sides of one variable do, when there are no neighbours at all, or when
/// the peak itself is not above zero. A step beyond a variable's range is not a neighbour; leave it
/// out.
///
/// ```
/// use tradepulse_core::overfitting::{Neighbour, Neighbourhood};
/// let beside = |step, objective| {
///     Neighbour { variable: "fast".into(), step, objective: Some(objective) }
/// };
/// assert!(!Neighbourhood::new(2.0, vec![beside(-1, 1.8), beside(1, 1.5)]).flagged);
/// assert!(Neighbourhood::new(2.0, vec![beside(-1, 1.8), beside(1, -0.3)]).flagged);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Neighbourhood {
    /// Objective of the best parameters.
    pub peak: f64,
    /// The neighbours.
    pub neighbours: Vec<Neighbour>,
    /// Number of neighbours that collapse.
    pub collapsed: usize,
    /// Median over the neighbours of objective over peak, infeasible ones as 0; `None` without
    /// neighbours or unless the peak is above zero.
    pub median_kept: Option<f64>,
    /// The variables of which a step collapses, in order of appearance.
    pub fragile: Vec<String>,
    /// Whether the peak is not to be trusted.
    pub flagged: bool,
}

impl Neighbourhood {
    /// Share of the peak's objective that must be left at a neighbour.
    pub const KEPT: f64 = 0.5;

    /// Judges `peak` by its `neighbours`.
    pub fn new(peak: f64, neighbours: Vec<Neighbour>) -> Self {
        let falls: Vec<&Neighbour> = neighbours.iter().filter(|n| n.collapses(peak)).collect();
        let mut fragile: Vec<String> = Vec::new();
        for neighbour in &falls {
            if !fragile.contains(&neighbour.variable) {
                fragile.push(neighbour.variable.clone());
            }
        }
        let needle = fragile.iter().any(|variable| {
            let side = |sign: i32| {
                falls.iter().any(|n| n.variable == *variable && n.step.signum() == sign)
            };
            side(-1) && side(1)
        });
        let collapsed = falls.len();
        let kept = |n: &Neighbour| n.objective.filter(|o| o.is_finite()).unwrap_or(0.0) / peak;
        let shares: Vec<f64> = neighbours.iter().map(kept).collect();
        let median_kept = quantile(&shares, 0.5).filter(|_| peak > 0.0);
        let flagged = needle
            || 3 * collapsed >= neighbours.len()
            || !median_kept.is_some_and(|kept| kept >= Self::KEPT);
        Self { peak, neighbours, collapsed, median_kept, fragile, flagged }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(peak: f64, objectives: &[Option<f64>]) -> Neighbourhood {
        let neighbours = objectives.iter().enumerate().map(|(i, objective)| Neighbour {
            variable: format!("v{}", i / 2),
            step: if i % 2 == 0 { -1 } else { 1 },
            objective: *objective,
        });
        Neighbourhood::new(peak, neighbours.collect())
    }

    #[test]
    fn hills_and_needles() {
        let flat = [Some(1.0); 8];
        assert!(!judge(1.0, &flat).flagged);
        let mut one = flat;
        one[2] = None;
        let judged = judge(1.0, &one);
        assert_eq!((judged.flagged, judged.collapsed, judged.fragile.len()), (false, 1, 1));
        one[3] = Some(0.2);
        assert!(judge(1.0, &one).flagged, "both sides of one variable");
        let mut three = flat;
        (three[0], three[2], three[4]) = (Some(0.4), Some(f64::NAN), Some(-3.0));
        assert!(judge(1.0, &three).flagged, "three of eight");
        assert!(judge(1.0, &[]).flagged);
        assert!(judge(0.0, &[Some(0.0), Some(0.0)]).flagged);
        assert!(judge(-1.0, &[Some(1.0), Some(1.0)]).flagged);
        assert!(judge(f64::NAN, &[Some(1.0), Some(1.0)]).flagged);
    }
}
