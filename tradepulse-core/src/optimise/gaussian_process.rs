//! A Gaussian process with expected improvement: for small budgets of costly trials.
//!
//! Objectives, standardised, are interpolated by [`kriging`](super::kriging); proposed is the point
//! not tried yet where the logarithm of the expected improvement over the best trial is largest.
//! Jones, Schonlau & Welch, *Efficient Global Optimization of Expensive Black-Box Functions*,
//! Journal of Global Optimization 13, 1998; Ament et al., *Unexpected Improvements to Expected
//! Improvement*, NeurIPS 2023 (its logarithm, which has slopes where the improvement underflows).
//!
//! Numbers are relaxed to 0..1 and climbed by gradient from several starts, then put on their grid,
//! where the climb goes on from neighbour to neighbour, choices included. Trials under way are
//! believed to come out as predicted (the kriging believer of Ginsbourger, Le Riche & Carraro
//! 2010). The infeasible count a little worse than the worst feasible.

use std::cmp::Ordering;

use ndarray::{Array1, Array2};
use rand_chacha::ChaCha8Rng;
use statrs::function::erf::erfc;

use super::descent::minimise;
use super::history::{History, Outcome, Trial};
use super::kriging::{Data, Hyperparameters, Posterior};
use super::parzen::Frame;
use super::random::Quasi;
use super::search::Sampler;
use super::space::{Point, Space};
use crate::random::Seed;

/// Quasi-random trials before the process is believed.
const START: usize = 10;
/// More trials than this are represented by the best and the latest of them.
const MOST_TRIALS: usize = 300;
/// Random points looked at before climbing, and points near the best trials.
const ANYWHERE: usize = 100;
const NEARBY: usize = 60;
/// Of those the best are climbed from, with this many looks at slopes each.
const CLIMBS: usize = 4;
const CLIMB_LOOKS: usize = 25;
/// Looks at the posterior of hyperparameters for each fit.
const FIT_LOOKS: usize = 15;

/// See the module.
pub(super) struct GaussianProcess {
    frame: Frame,
    start: Quasi,
    /// Number of trials at which the hyperparameters are fitted next.
    next_fit: usize,
    hyperparameters: Hyperparameters,
}

impl GaussianProcess {
    pub(super) fn new(space: &Space, seed: Seed) -> Self {
        let frame = Frame::new(space);
        let hyperparameters = Hyperparameters::new(frame.dimensions());
        Self { frame, start: Quasi::new(space, seed), next_fit: START, hyperparameters }
    }

    /// Fits the hyperparameters to the first 10, 11, … 20, 22, … trials, each time from where the
    /// last fit ended: the result depends on those trials only.
    fn fit(&mut self, space: &Space, history: &History) {
        while self.next_fit <= history.prefix().len() {
            let told: Vec<&Trial> = history.prefix()[..self.next_fit].iter().collect();
            if let Some(data) = self.data(space, &told) {
                self.hyperparameters = self.hyperparameters.fit(&data, FIT_LOOKS);
            }
            self.next_fit += (self.next_fit / 10).max(1);
        }
    }

    /// The trials as measurements with mean 0 and variance 1; `None` if none is feasible.
    fn data(&self, space: &Space, told: &[&Trial]) -> Option<Data> {
        let chosen = representatives(told);
        let objective = |t: &&Trial| t.outcome.as_ref().and_then(Outcome::objective);
        let feasible: Vec<f64> = chosen.iter().filter_map(objective).collect();
        let n = feasible.len() as f64;
        let worst = feasible.iter().copied().reduce(f64::min)?;
        let mean = feasible.iter().map(|y| y / n).sum::<f64>();
        let spread = (feasible.iter().map(|y| (y - mean).powi(2) / n).sum::<f64>()).sqrt();
        let unit = if spread > 0.0 && spread.is_finite() { spread } else { 1.0 };
        let scaled = |t| (objective(t).unwrap_or(worst - 0.5 * unit) - mean) / unit;
        let y: Array1<f64> = chosen.iter().map(scaled).collect();
        let mut flat = Vec::with_capacity(y.len() * self.frame.dimensions());
        chosen.iter().for_each(|t| flat.extend(self.coordinates(space, &t.point)));
        let x = Array2::from_shape_vec((y.len(), self.frame.dimensions()), flat).ok()?;
        let sound = y.iter().all(|y| y.is_finite());
        sound.then(|| Data { numbers: self.frame.numbers(), x, y })
    }

    /// Inactive numbers lie in the middle, inactive choices apart from all others.
    fn coordinates(&self, space: &Space, point: &Point) -> Array1<f64> {
        let mut x = Vec::with_capacity(self.frame.dimensions());
        self.frame.coordinates(space, point, &mut x);
        let (numbers, choices) = x.split_at_mut(self.frame.numbers());
        numbers.iter_mut().filter(|x| x.is_nan()).for_each(|x| *x = 0.5);
        choices.iter_mut().filter(|x| x.is_nan()).for_each(|x| *x = -1.0);
        x.into()
    }

    /// The process after everything told, and after what is under way came out as predicted.
    fn posterior(&self, space: &Space, history: &History) -> Option<(Posterior, f64)> {
        let told: Vec<&Trial> = history.trials().iter().filter(|t| t.outcome.is_some()).collect();
        let data = self.data(space, &told)?;
        let best = data.y.iter().copied().reduce(f64::max)?;
        let posterior = Posterior::new(&self.hyperparameters, data.clone())?;
        let pending = history.trials().iter().filter(|t| t.outcome.is_none());
        let pending: Vec<Array1<f64>> =
            pending.map(|t| self.coordinates(space, &t.point)).collect();
        if pending.is_empty() {
            return Some((posterior, best));
        }
        let Data { numbers, mut x, y } = data;
        let mut y = y.to_vec();
        for place in &pending {
            y.push(posterior.at(place.view()).0);
            x.push_row(place.view()).ok()?;
        }
        let best = y.iter().copied().fold(best, f64::max);
        let believed = Data { numbers, x, y: y.into() };
        Some((Posterior::new(&self.hyperparameters, believed)?, best))
    }

    /// The best of some random points and of some near the best trials, best first.
    fn candidates(
        &self,
        space: &Space,
        history: &History,
        rng: &mut ChaCha8Rng,
        gain: &impl Fn(&Point) -> f64,
    ) -> Vec<(f64, Point)> {
        let merit = |t| -> Option<((bool, f64), &Point)> {
            let trial: &Trial = t;
            trial.outcome.as_ref().map(|o| (o.merit(), &trial.point))
        };
        let mut told: Vec<_> = history.trials().iter().filter_map(merit).collect();
        told.sort_by(|(a, _), (b, _)| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)));
        let mut found = Vec::with_capacity(ANYWHERE + NEARBY);
        for i in 0..ANYWHERE + NEARBY {
            let best = told.get(i % 3).filter(|_| i >= ANYWHERE);
            let point = match best {
                Some((_, point)) => space.mutated(point, rng),
                None => space.random(rng),
            };
            if !history.contains(&point) {
                found.push((gain(&point), point));
            }
        }
        found.sort_by(descending);
        found
    }

    /// Climbs by gradient in the numbers of `point`, and puts the end on the grid.
    fn climb(&self, space: &Space, point: &Point, posterior: &Posterior, best: f64) -> Point {
        let numbers = self.frame.numbers();
        if numbers == 0 {
            return point.clone();
        }
        let mut place = self.coordinates(space, point);
        let start = place.iter().take(numbers).copied().collect();
        let loss = |x: &Array1<f64>| {
            place.iter_mut().zip(x).for_each(|(place, x)| *place = *x);
            let belief = posterior.belief(place.view());
            let gain = log_improvement(belief.mean, belief.deviation, best);
            let slope =
                belief.mean_slope * gain.by_mean + belief.deviation_slope * gain.by_deviation;
            (-gain.value, -slope)
        };
        let (top, _) = minimise(loss, start, (0.0, 1.0), CLIMB_LOOKS);
        self.frame.with_numbers(space, point, &top.to_vec())
    }
}

impl Sampler for GaussianProcess {
    fn propose(&mut self, space: &Space, history: &History, rng: &mut ChaCha8Rng) -> Option<Point> {
        let start = self.start.point(space, history.trials().len() as u64);
        if history.told() < START || self.frame.dimensions() == 0 {
            return Some(start);
        }
        self.fit(space, history);
        let Some((posterior, best)) = self.posterior(space, history) else { return Some(start) };
        let gain = |point: &Point| {
            let (mean, deviation) = posterior.at(self.coordinates(space, point).view());
            log_improvement(mean, deviation, best).value
        };
        let mut found = self.candidates(space, history, rng, &gain);
        let starts: Vec<Point> = found.iter().take(CLIMBS).map(|(_, p)| p.clone()).collect();
        for start in &starts {
            let top = self.climb(space, start, &posterior, best);
            if !history.contains(&top) {
                found.push((gain(&top), top));
            }
        }
        found.sort_by(descending);
        let Some((mut height, mut top)) = found.into_iter().next() else { return Some(start) };
        for _ in 0..16 {
            let near = self.frame.neighbours(space, &top).into_iter();
            let next = near
                .filter(|p| !history.contains(p))
                .map(|p| (gain(&p), p))
                .filter(|(h, _)| *h > height)
                .min_by(descending);
            let Some(next) = next else { break };
            (height, top) = next;
        }
        Some(top)
    }
}

fn descending(a: &(f64, Point), b: &(f64, Point)) -> Ordering {
    b.0.total_cmp(&a.0)
}

/// All trials, or the best half and the latest half of as many as are allowed, in order.
fn representatives<'a>(told: &[&'a Trial]) -> Vec<&'a Trial> {
    if told.len() <= MOST_TRIALS {
        return told.to_vec();
    }
    let (old, latest) = told.split_at(told.len() - MOST_TRIALS / 2);
    let merit = |t: &Trial| t.outcome.as_ref().map_or((false, f64::MIN), Outcome::merit);
    let mut best = old.to_vec();
    best.sort_by(|a, b| {
        let (a, b) = (merit(a), merit(b));
        b.0.cmp(&a.0).then(b.1.total_cmp(&a.1))
    });
    best.truncate(MOST_TRIALS / 2);
    best.sort_by_key(|t| t.number);
    best.extend(latest);
    best
}

/// The logarithm of an expected improvement, and its slopes.
struct LogImprovement {
    value: f64,
    by_mean: f64,
    by_deviation: f64,
}

/// `ln E[max(Y − best, 0)]` for a normal `Y`: `ln σ + ln h(z)` with `z = (μ − best) / σ` and
/// `h(z) = φ(z) + z Φ(z)`.
fn log_improvement(mean: f64, deviation: f64, best: f64) -> LogImprovement {
    let z = (mean - best) / deviation;
    let (log_h, slope) = log_h(z);
    LogImprovement {
        value: deviation.ln() + log_h,
        by_mean: slope / deviation,
        by_deviation: (1.0 - slope * z) / deviation,
    }
}

/// `ln h(z)` and its slope `Φ(z) / h(z)`.
fn log_h(z: f64) -> (f64, f64) {
    let log_density = -0.5 * z * z - 0.918_938_533_204_672_8;
    if z > -3.0 {
        let cumulated = 0.5 * erfc(-z * std::f64::consts::FRAC_1_SQRT_2);
        let h = log_density.exp() + z * cumulated;
        return (h.ln(), cumulated / h);
    }
    // Mills' ratio is 1 / (t + c) with the continued fraction c = 1 / (t + 2 / (t + 3 / …)), and
    // h = φ c / (t + c): nothing cancels.
    let t = -z;
    let c = (1..=40).rev().fold(0.0, |rest, k| f64::from(k) / (t + rest));
    (log_density + (c / (t + c)).ln(), 1.0 / c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn improvement_is_smooth_down_to_where_it_underflows() {
        // h(−1), h(0), h(2) from tables of the normal distribution.
        for (z, h) in [(-1.0, 0.083_315_470_6), (0.0, 0.398_942_280_4), (2.0, 2.008_490_702_6)] {
            assert!((log_h(z).0.exp() - h).abs() < 1e-9);
        }
        // Both formulas agree where they meet.
        assert!((log_h(-3.0).0 - log_h(-3.0 + 1e-12).0).abs() < 1e-9);
        for z in [-60.0, -10.0, -3.5, -2.5, 0.0, 3.0] {
            let slope = (log_h(z + 1e-6).0 - log_h(z - 1e-6).0) / 2e-6;
            assert!((slope - log_h(z).1).abs() < 1e-5 * (1.0 + slope.abs()), "{z}");
        }
        let at = |m: f64, d: f64| log_improvement(m, d, 0.3).value;
        let here = log_improvement(-0.2, 0.4, 0.3);
        assert!(((at(-0.2 + 1e-6, 0.4) - at(-0.2 - 1e-6, 0.4)) / 2e-6 - here.by_mean).abs() < 1e-5);
        let slope = (at(-0.2, 0.4 + 1e-6) - at(-0.2, 0.4 - 1e-6)) / 2e-6;
        assert!((slope - here.by_deviation).abs() < 1e-5);
    }
}
