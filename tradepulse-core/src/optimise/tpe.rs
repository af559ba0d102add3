//! Tree-structured Parzen estimator: points where the good trials are dense and the others are
//! not.
//!
//! The trials told are split into the best few and the rest, each group is made a density, and of
//! some points drawn from the first the one is proposed where the ratio of the densities, and with
//! it the expected improvement, is largest. Bergstra, Bardenet, Bengio & Kégl, *Algorithms for
//! Hyper-Parameter Optimization*, NIPS 2011. The kernels span all variables at once ([`Parzen`]).
//!
//! Trials under way count among the rest, which keeps a batch apart (a constant liar; Ginsbourger,
//! Le Riche & Carraro 2010). The infeasible are the worst of all, the less so the nearer they are
//! to feasible. The constants were found on the functions of `benches/benches/optimisers.rs`.

use rand_chacha::ChaCha8Rng;

use super::history::{History, Outcome, Trial};
use super::parzen::{Frame, Parzen};
use super::random::Quasi;
use super::search::Sampler;
use super::space::{Point, Space};
use crate::random::Seed;

/// Quasi-random trials before the densities are believed.
const START: usize = 10;
/// Points drawn for each that is proposed.
const CANDIDATES: usize = 32;
/// Most trials that count as good.
const MOST_GOOD: f64 = 25.0;
/// Bandwidth of the good after [`START`] trials; it falls with their square root, so that the
/// search becomes finer.
const GOOD_BANDWIDTH: f64 = 0.2;
/// Bandwidth of the rest.
const REST_BANDWIDTH: f64 = 0.15;

/// See the module.
pub(super) struct Tpe {
    frame: Frame,
    start: Quasi,
}

impl Tpe {
    pub(super) fn new(space: &Space, seed: Seed) -> Self {
        Self { frame: Frame::new(space), start: Quasi::new(space, seed) }
    }

    /// The densities of the good and of the rest; `None` while nothing can be called good.
    fn densities(&self, space: &Space, history: &History) -> Option<(Parzen, Parzen)> {
        if history.told() < START || self.frame.dimensions() == 0 {
            return None;
        }
        let merit = |t| -> Option<(&Trial, (bool, f64))> {
            let trial: &Trial = t;
            trial.outcome.as_ref().map(|o| (trial, Outcome::merit(o)))
        };
        let mut told: Vec<_> = history.trials().iter().filter_map(merit).collect();
        // Stable: of equals, the earlier is the better.
        told.sort_by(|(_, a), (_, b)| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)));
        let n = told.len() as f64;
        // Between the linear and the square-root rule of Watanabe 2023.
        let good = (0.05 * n + 0.25 * n.sqrt()).ceil().clamp(2.0, MOST_GOOD) as usize;
        let has_merit = |(_, (feasible, merit)): &&(_, (bool, f64))| *feasible || *merit > f64::MIN;
        let good = told.iter().take(good).take_while(has_merit).count();
        if good == 0 {
            return None;
        }
        let coordinates = |trials: &mut dyn Iterator<Item = &Trial>| {
            let mut all = Vec::new();
            trials.for_each(|t| self.frame.coordinates(space, &t.point, &mut all));
            all
        };
        // The best weighs most.
        let weights: Vec<f64> = (0..good).map(|rank| (good - rank) as f64 / good as f64).collect();
        let bandwidth = GOOD_BANDWIDTH * (START as f64 / n).sqrt();
        let centres = coordinates(&mut told[..good].iter().map(|(t, _)| *t));
        let l = Parzen::new(&self.frame, centres, &weights, bandwidth);
        let pending = history.trials().iter().filter(|t| t.outcome.is_none());
        let centres = coordinates(&mut told[good..].iter().map(|(t, _)| *t).chain(pending));
        let weights = vec![1.0; history.trials().len() - good];
        let g = Parzen::new(&self.frame, centres, &weights, REST_BANDWIDTH);
        Some((l, g))
    }
}

impl Sampler for Tpe {
    fn propose(&mut self, space: &Space, history: &History, rng: &mut ChaCha8Rng) -> Option<Point> {
        let Some((good, rest)) = self.densities(space, history) else {
            return Some(self.start.point(space, history.trials().len() as u64));
        };
        let mut best: Option<(f64, Point)> = None;
        let mut x = Vec::with_capacity(self.frame.dimensions());
        let mut spare = Vec::with_capacity(history.trials().len());
        for _ in 0..CANDIDATES {
            let point = good.sample(space, &self.frame, rng);
            if history.contains(&point) {
                continue;
            }
            x.clear();
            self.frame.coordinates(space, &point, &mut x);
            let gain = good.log_density(&x, &mut spare) - rest.log_density(&x, &mut spare);
            if best.as_ref().is_none_or(|(most, _)| gain > *most) {
                best = Some((gain, point));
            }
        }
        Some(best.map_or_else(|| good.sample(space, &self.frame, rng), |(_, point)| point))
    }
}
