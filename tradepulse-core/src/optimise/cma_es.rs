//! CMA-ES: a normal distribution that follows the better half of each generation, in place, in
//! size and in shape. Hansen, *The CMA Evolution Strategy: A Tutorial*, arXiv:1604.00772, 2016.
//!
//! Numbers move in 0..1; a choice has one coordinate for each value, the largest of which wins. A
//! trial stands for the place in its cell of the grid that is nearest to the mean, and no number
//! varies less than its step needs to be left now and then: the idea of the margin of Hamano et
//! al., *CMA-ES with Margin*, GECCO 2022. Trials that come from elsewhere, the quasi-random start
//! among them, are shortened to ordinary length (Hansen, *Injecting External Solutions Into
//! CMA-ES*, arXiv:1110.4181, 2011). When the search has settled it starts again elsewhere with
//! twice the generation (Auger & Hansen, *A Restart CMA Evolution Strategy With Increasing
//! Population Size*, CEC 2005).
//!
//! Generations are consecutive trials, whatever the batches were.

use ndarray::{Array1, Array2};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::cholesky::Cholesky;
use super::history::{History, Outcome, Trial};
use super::random::Quasi;
use super::search::Sampler;
use super::space::{Point, Space};
use crate::random::Seed;

/// Standard deviation at the start.
const START_SIZE: f64 = 0.15;
/// A distribution smaller than this has settled.
const SETTLED: f64 = 1e-6;
/// Least standard deviation of the coordinates of a choice.
const CHOICE_MARGIN: f64 = 0.3;
/// Least standard deviation of a number, in steps of its grid.
const STEP_MARGIN: f64 = 0.25;

/// See the module.
pub(super) struct CmaEs {
    columns: Vec<Column>,
    start: Quasi,
    /// Trials that have been learnt from.
    learnt: usize,
    restarts: u32,
    /// Generations since the best trial.
    stale: usize,
    best: (bool, f64),
    normal: Normal,
}

/// The coordinates of one variable.
struct Column {
    slot: usize,
    /// Its first coordinate.
    first: usize,
    /// How many it has: 1 for a number, one for each value of a choice.
    count: usize,
    /// Step of a number's grid.
    step: f64,
}

/// The distribution: `mean + size × N(0, shape)`, and the paths it came by.
struct Normal {
    mean: Array1<f64>,
    size: f64,
    shape: Array2<f64>,
    factor: Cholesky,
    size_path: Array1<f64>,
    shape_path: Array1<f64>,
}

impl Normal {
    fn new(mean: Array1<f64>) -> Option<Self> {
        let n = mean.len();
        let shape = Array2::eye(n);
        let factor = Cholesky::new(&shape)?;
        let (size_path, shape_path) = (Array1::zeros(n), Array1::zeros(n));
        Some(Self { mean, size: START_SIZE, shape, factor, size_path, shape_path })
    }

    fn deviation(&self, coordinate: usize) -> f64 {
        self.size * self.shape[(coordinate, coordinate)].sqrt()
    }

    /// Learns from a generation, best first. `None` if the shape has degenerated.
    fn learn(&mut self, generation: &[Array1<f64>]) -> Option<()> {
        let n = self.mean.len() as f64;
        let parents = generation.len() / 2;
        let half = (generation.len() as f64 + 1.0) / 2.0;
        let raw: Vec<f64> = (1..=parents).map(|rank| half.ln() - (rank as f64).ln()).collect();
        let sum: f64 = raw.iter().sum();
        let weights: Vec<f64> = raw.iter().map(|w| w / sum).collect();
        let effective = 1.0 / weights.iter().map(|w| w * w).sum::<f64>();
        // Table 1 of the tutorial.
        let size_rate = (effective + 2.0) / (n + effective + 5.0);
        let damping =
            1.0 + 2.0 * (((effective - 1.0) / (n + 1.0)).sqrt() - 1.0).max(0.0) + size_rate;
        let path_rate = (4.0 + effective / n) / (n + 4.0 + 2.0 * effective / n);
        let one_rate = 2.0 / ((n + 1.3).powi(2) + effective);
        let many_rate = (2.0 * (effective - 2.0 + 1.0 / effective)
            / ((n + 2.0).powi(2) + effective))
            .min(1.0 - one_rate);
        let expected = n.sqrt() * (1.0 - 1.0 / (4.0 * n) + 1.0 / (21.0 * n * n));
        let longest = n.sqrt() + 2.0 * n / (n + 2.0);

        let steps: Vec<Array1<f64>> = generation[..parents]
            .iter()
            .map(|x| {
                let step = (x - &self.mean) / self.size;
                let white = self.factor.forward(step.clone());
                let length = white.dot(&white).sqrt();
                if length > longest { step * (longest / length) } else { step }
            })
            .collect();
        let mut step = Array1::<f64>::zeros(self.mean.len());
        for (y, w) in steps.iter().zip(&weights) {
            step.scaled_add(*w, y);
        }
        self.mean.scaled_add(self.size, &step);
        self.mean.mapv_inplace(|x| x.clamp(0.0, 1.0));

        self.size_path *= 1.0 - size_rate;
        let white = self.factor.forward(step.clone());
        self.size_path.scaled_add((size_rate * (2.0 - size_rate) * effective).sqrt(), &white);
        let length = self.size_path.dot(&self.size_path).sqrt();
        let straight = length < (1.4 + 2.0 / (n + 1.0)) * expected;
        self.shape_path *= 1.0 - path_rate;
        if straight {
            let gain = (path_rate * (2.0 - path_rate) * effective).sqrt();
            self.shape_path.scaled_add(gain, &step);
        }
        let lost = if straight { 0.0 } else { one_rate * path_rate * (2.0 - path_rate) };
        self.shape *= 1.0 - one_rate - many_rate + lost;
        for ((i, j), value) in self.shape.indexed_iter_mut() {
            *value += one_rate * self.shape_path[i] * self.shape_path[j];
            let spread = steps.iter().zip(&weights).map(|(y, w)| w * y[i] * y[j]);
            *value += many_rate * spread.sum::<f64>();
        }
        self.size *= ((size_rate / damping) * (length / expected - 1.0)).min(1.0).exp();
        self.size = self.size.min(1.0);
        self.factor = Cholesky::new(&self.shape)?;
        Some(())
    }
}

impl CmaEs {
    /// `None` if there is nothing to search.
    pub(super) fn new(space: &Space, seed: Seed) -> Option<Self> {
        let mut columns = Vec::new();
        let mut first = 0;
        for (slot, axis) in space.axes().iter().enumerate().filter(|(_, axis)| axis.len() > 1) {
            let count = if axis.ordered { 1 } else { axis.len() as usize };
            columns.push(Column { slot, first, count, step: 1.0 / axis.len() as f64 });
            first += count;
        }
        let normal = Normal::new(Array1::from_elem(first, 0.5)).filter(|_| first > 0)?;
        let (start, best) = (Quasi::new(space, seed), (false, f64::MIN));
        Some(Self { columns, start, learnt: 0, restarts: 0, stale: 0, best, normal })
    }

    /// Trials in a generation.
    fn generation(&self) -> usize {
        let n = self.normal.mean.len() as f64;
        ((4.0 + (3.0 * n.ln()).floor()) as usize) << self.restarts.min(8)
    }

    /// Learns from the generations that are complete.
    fn learn(&mut self, space: &Space, history: &History) {
        loop {
            let size = self.generation();
            let Some(trials) = history.prefix().get(self.learnt..self.learnt + size) else {
                return;
            };
            let merit = |t: &Trial| t.outcome.as_ref().map_or((false, f64::MIN), Outcome::merit);
            let mut ranked: Vec<&Trial> = trials.iter().collect();
            ranked.sort_by(|a, b| {
                let (a, b) = (merit(a), merit(b));
                b.0.cmp(&a.0).then(b.1.total_cmp(&a.1))
            });
            self.learnt += size;
            let best = merit(ranked[0]);
            if self.learnt == size {
                // The quasi-random start: go on from its best.
                self.normal.mean = self.place(space, &ranked[0].point, true);
                self.best = best;
                continue;
            }
            self.stale = if best > self.best { 0 } else { self.stale + 1 };
            self.best = if best > self.best { best } else { self.best };
            let places: Vec<Array1<f64>> =
                ranked.iter().map(|t| self.place(space, &t.point, false)).collect();
            let alive = self.normal.learn(&places).is_some();
            let n = self.normal.mean.len();
            let settled = (0..n).all(|i| self.normal.deviation(i) < SETTLED);
            if !alive || settled || self.stale > 10 + 30 * n / size {
                self.restart(space);
            }
        }
    }

    fn restart(&mut self, space: &Space) {
        let elsewhere = self.start.point(space, self.learnt as u64);
        let mean = self.place(space, &elsewhere, true);
        if let Some(normal) = Normal::new(mean) {
            self.normal = normal;
        }
        self.restarts += 1;
        self.stale = 0;
        self.best = (false, f64::MIN);
    }

    /// The coordinates of a point: the middle of its cell, or, where the cell is wider than the
    /// distribution, the place in it that is nearest to the mean. The mean where inactive.
    fn place(&self, space: &Space, point: &Point, middle: bool) -> Array1<f64> {
        let mut place = self.normal.mean.clone();
        for Column { slot, first, count, step } in &self.columns {
            let Some(index) = point.0[*slot] else { continue };
            if *count == 1 {
                let centre = space.axes()[*slot].centre(index);
                let wide = !middle && self.normal.deviation(*first) < *step;
                let reach = if wide { step / 2.0 } else { 0.0 };
                place[*first] = place[*first].clamp(centre - reach, centre + reach);
                continue;
            }
            let chosen = first + index as usize;
            let highest = (*first..first + count).fold(0.0, |most: f64, i| most.max(place[i]));
            let level = if middle { 1.0 } else { (place[chosen] + highest) / 2.0 };
            for i in *first..first + count {
                let other = if middle { 0.0 } else { place[i].min(level) };
                place[i] = if i == chosen { level } else { other };
            }
        }
        place
    }

    fn sample(&self, space: &Space, rng: &mut ChaCha8Rng) -> Point {
        let n = self.normal.mean.len();
        let mut normal = |_| StandardNormal.sample(&mut *rng);
        let z: Vec<f64> = (0..n).map(&mut normal).collect();
        let extra: Vec<f64> = (0..n).map(&mut normal).collect();
        let mut x = &self.normal.mean + &(self.normal.factor.times(&z) * self.normal.size);
        for Column { first, count, step, .. } in &self.columns {
            let margin = if *count == 1 { STEP_MARGIN * step } else { CHOICE_MARGIN };
            for i in *first..first + count {
                let lacking = margin * margin - self.normal.deviation(i).powi(2);
                x[i] += extra[i] * lacking.max(0.0).sqrt();
            }
        }
        let mut columns = self.columns.iter().peekable();
        space.assemble(|slot, axis| {
            let Some(column) = columns.next_if(|column| column.slot == slot) else { return 0 };
            if column.count == 1 {
                // What leaves the range comes back like light from a mirror.
                let inside = 1.0 - (1.0 - x[column.first].abs() % 2.0).abs();
                return axis.cell(inside);
            }
            let highest = |best: usize, i: usize| if x[i] > x[best] { i } else { best };
            ((column.first..column.first + column.count).fold(column.first, highest) - column.first)
                as u64
        })
    }
}

impl Sampler for CmaEs {
    fn propose(&mut self, space: &Space, history: &History, rng: &mut ChaCha8Rng) -> Option<Point> {
        self.learn(space, history);
        if self.learnt == 0 {
            return Some(self.start.point(space, history.trials().len() as u64));
        }
        let mut point = self.sample(space, rng);
        for _ in 0..10 {
            if !history.contains(&point) {
                break;
            }
            point = self.sample(space, rng);
        }
        Some(point)
    }
}
