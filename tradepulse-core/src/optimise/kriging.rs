//! A Gaussian process with a Matérn 5/2 kernel that has a length for each variable.
//!
//! `k(x, x') = s² (1 + √5 r + 5/3 r²) exp(−√5 r)` with `r² = Σ w_d δ_d`, where `δ_d` is the squared
//! difference of a number and 1 for two choices that differ. Rasmussen & Williams, *Gaussian
//! Processes for Machine Learning*, 2006, chapters 2, 4.2 and 5.4. The scale, the weights and the
//! noise are those of the greatest posterior density, under the weak priors of Optuna's
//! `GPSampler`: `ln p = −0.1 (1/w + w)`, a gamma distribution of `s²` with shape 2 and rate 1, and
//! of the noise with shape 1.1 and rate 30.

use ndarray::{Array1, Array2, ArrayView1, Axis};

use super::cholesky::Cholesky;
use super::descent::minimise;

const SQRT_5: f64 = 2.236_067_977_499_79;
/// Variance of the noise is at least this; the data have variance 1.
const LEAST_NOISE: f64 = 1e-6;
/// Bounds of the logarithms of hyperparameters.
const BOUNDS: (f64, f64) = (-14.0, 7.0);

/// Weights of the variables, the scale and the noise.
#[derive(Clone, Debug)]
pub(super) struct Hyperparameters {
    /// Logarithms: one weight for each variable, then scale, then noise.
    logs: Array1<f64>,
}

impl Hyperparameters {
    /// Where to begin.
    pub(super) fn new(dimensions: usize) -> Self {
        let mut logs = Array1::zeros(dimensions + 2);
        logs[dimensions + 1] = (1e-4_f64).ln();
        Self { logs }
    }

    fn weights(&self) -> Array1<f64> {
        self.logs.iter().take(self.logs.len() - 2).map(|l| l.exp()).collect()
    }

    fn scale(&self) -> f64 {
        self.logs[self.logs.len() - 2].exp()
    }

    fn noise(&self) -> f64 {
        self.logs[self.logs.len() - 1].exp() + LEAST_NOISE
    }

    /// Those that suit data best, sought from these and from the beginning, whichever is better.
    pub(super) fn fit(&self, data: &Data, evaluations: usize) -> Self {
        let pairs = data.pairs();
        let loss = |logs: &Array1<f64>| Self { logs: logs.clone() }.loss(data, &pairs);
        let fresh = Self::new(self.logs.len() - 2).logs;
        let start = if loss(&fresh).0 < loss(&self.logs).0 { fresh } else { self.logs.clone() };
        let (logs, _) = minimise(loss, start, BOUNDS, evaluations);
        Self { logs }
    }

    /// The negative logarithm of the posterior density, and its gradient.
    fn loss(&self, data: &Data, pairs: &Array2<f64>) -> (f64, Array1<f64>) {
        let (weights, scale, noise) = (self.weights(), self.scale(), self.noise());
        let (n, dimensions) = data.x.dim();
        let squares = pairs.dot(&weights);
        let mut kernel = Array2::zeros((n, n));
        let mut slopes = Array1::zeros(squares.len());
        let mut pair = 0;
        for i in 0..n {
            for j in 0..i {
                let (value, slope) = matern(squares[pair]);
                kernel[(i, j)] = scale * value;
                slopes[pair] = scale * slope;
                pair += 1;
            }
            kernel[(i, i)] = scale + noise;
        }
        let failed = || (f64::INFINITY, Array1::zeros(self.logs.len()));
        let Some(cholesky) = Cholesky::new(&kernel) else { return failed() };
        let alpha = cholesky.solve(data.y.clone());
        let inverse = cholesky.inverse();
        let mut loss = 0.5 * data.y.dot(&alpha) + 0.5 * cholesky.log_determinant();
        // d loss = −½ tr((α αᵀ − K⁻¹) dK)
        let mut gradient = Array1::zeros(self.logs.len());
        let (mut scale_slope, mut trace) = (0.0, 0.0);
        let mut pair = 0;
        for i in 0..n {
            for j in 0..i {
                let force = inverse[(i, j)] - alpha[i] * alpha[j];
                scale_slope += force * kernel[(i, j)];
                slopes[pair] *= force;
                pair += 1;
            }
            let force = 0.5 * (inverse[(i, i)] - alpha[i] * alpha[i]);
            trace += force;
            scale_slope += force * scale;
        }
        let by_weight = slopes.dot(pairs);
        for d in 0..dimensions {
            let w = weights[d];
            gradient[d] = by_weight[d] * w + 0.1 * (w - 1.0 / w);
            loss += 0.1 * (1.0 / w + w);
        }
        gradient[dimensions] = scale_slope - 1.0 + scale;
        let free_noise = noise - LEAST_NOISE;
        gradient[dimensions + 1] = trace * free_noise + (30.0 - 0.1 / noise) * free_noise;
        loss += scale - scale.ln() + 30.0 * noise - 0.1 * noise.ln();
        (loss, gradient)
    }
}

/// Where was measured what. Numbers come first among the coordinates.
#[derive(Clone, Debug)]
pub(super) struct Data {
    pub(super) numbers: usize,
    /// One row for each measurement.
    pub(super) x: Array2<f64>,
    pub(super) y: Array1<f64>,
}

impl Data {
    /// The differences of every two rows, `(1, 0)`, `(2, 0)`, `(2, 1)`, `(3, 0)` and so on.
    fn pairs(&self) -> Array2<f64> {
        let (n, dimensions) = self.x.dim();
        let mut flat = Vec::with_capacity(n * n.saturating_sub(1) / 2 * dimensions);
        for i in 0..n {
            for j in 0..i {
                flat.extend(
                    (0..dimensions)
                        .map(|d| difference(d < self.numbers, self.x[(i, d)], self.x[(j, d)])),
                );
            }
        }
        let shape = (flat.len() / dimensions.max(1), dimensions);
        Array2::from_shape_vec(shape, flat).unwrap_or_default()
    }
}

fn difference(number: bool, a: f64, b: f64) -> f64 {
    if number { (a - b) * (a - b) } else { f64::from(u8::from(a != b)) }
}

/// The Matérn 5/2 correlation at a squared distance, and its slope by the squared distance.
fn matern(square: f64) -> (f64, f64) {
    let r = SQRT_5 * square.sqrt();
    let decay = (-r).exp();
    ((1.0 + r + r * r / 3.0) * decay, -(5.0 / 6.0) * (1.0 + r) * decay)
}

/// What the process believes after the data.
#[derive(Debug)]
pub(super) struct Posterior {
    numbers: usize,
    x: Array2<f64>,
    weights: Array1<f64>,
    scale: f64,
    cholesky: Cholesky,
    alpha: Array1<f64>,
}

/// Mean and standard deviation at a place, and their slopes by its numbers.
#[derive(Debug)]
pub(super) struct Belief {
    pub(super) mean: f64,
    pub(super) deviation: f64,
    pub(super) mean_slope: Array1<f64>,
    pub(super) deviation_slope: Array1<f64>,
}

impl Posterior {
    /// `None` if the data contradict the kernel, as only absurd numbers can.
    pub(super) fn new(hyperparameters: &Hyperparameters, data: Data) -> Option<Self> {
        let (weights, scale) = (hyperparameters.weights(), hyperparameters.scale());
        let n = data.x.nrows();
        let mut kernel = Array2::zeros((n, n));
        for i in 0..n {
            for j in 0..i {
                let square = squared(data.numbers, &weights, data.x.row(i), data.x.row(j));
                kernel[(i, j)] = scale * matern(square).0;
            }
            kernel[(i, i)] = scale + hyperparameters.noise();
        }
        let cholesky = Cholesky::new(&kernel)?;
        let alpha = cholesky.solve(data.y.clone());
        Some(Self { numbers: data.numbers, x: data.x, weights, scale, cholesky, alpha })
    }

    /// Mean and standard deviation.
    pub(super) fn at(&self, x: ArrayView1<'_, f64>) -> (f64, f64) {
        let k: Array1<f64> = self
            .x
            .axis_iter(Axis(0))
            .map(|row| self.scale * matern(squared(self.numbers, &self.weights, row, x)).0)
            .collect();
        let v = self.cholesky.forward(k.clone());
        (k.dot(&self.alpha), self.deviation(v.dot(&v)))
    }

    /// Mean and standard deviation with their slopes.
    pub(super) fn belief(&self, x: ArrayView1<'_, f64>) -> Belief {
        let parts = self.x.axis_iter(Axis(0)).map(|row| {
            let (value, slope) = matern(squared(self.numbers, &self.weights, row, x));
            (self.scale * value, self.scale * slope)
        });
        let (k, slopes): (Vec<f64>, Vec<f64>) = parts.unzip();
        let k = Array1::from(k);
        let v = self.cholesky.forward(k.clone());
        let deviation = self.deviation(v.dot(&v));
        let u = self.cholesky.backward(v);
        let mut mean_slope = Array1::zeros(self.numbers);
        let mut deviation_slope = Array1::zeros(self.numbers);
        for (i, row) in self.x.axis_iter(Axis(0)).enumerate() {
            let (to_mean, to_variance) = (slopes[i] * self.alpha[i], slopes[i] * u[i]);
            for d in 0..self.numbers {
                let way = 2.0 * self.weights[d] * (x[d] - row[d]);
                mean_slope[d] += to_mean * way;
                deviation_slope[d] -= to_variance * way;
            }
        }
        deviation_slope /= deviation;
        Belief { mean: k.dot(&self.alpha), deviation, mean_slope, deviation_slope }
    }

    fn deviation(&self, explained: f64) -> f64 {
        (self.scale - explained).max(1e-12 * self.scale).sqrt()
    }
}

fn squared(
    numbers: usize,
    weights: &Array1<f64>,
    a: ArrayView1<'_, f64>,
    b: ArrayView1<'_, f64>,
) -> f64 {
    let mut sum = 0.0;
    for d in 0..weights.len() {
        sum += weights[d] * difference(d < numbers, a[d], b[d]);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data() -> Data {
        let x: Vec<f64> = (0..40).map(|i| f64::from(i * 37 % 41) / 41.0).collect();
        let mut x = Array2::from_shape_vec((10, 4), x).unwrap();
        x.column_mut(3).mapv_inplace(|v| (v * 3.0).floor());
        let y = x.rows().into_iter().map(|r| (5.0 * r[0]).sin() - r[1] + 0.3 * r[3]).collect();
        Data { numbers: 3, x, y }
    }

    #[test]
    fn slopes_are_slopes() {
        let data = data();
        let pairs = data.pairs();
        let at = Hyperparameters { logs: ndarray::array![0.3, -0.5, 1.0, 0.2, 0.4, -5.0] };
        let (_, gradient) = at.loss(&data, &pairs);
        for d in 0..6 {
            let moved = |h: f64| {
                let mut logs = at.logs.clone();
                logs[d] += h;
                Hyperparameters { logs }.loss(&data, &pairs).0
            };
            let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!((slope - gradient[d]).abs() < 1e-5 * (1.0 + slope.abs()), "{d}");
        }
        let posterior = Posterior::new(&at, data).unwrap();
        let x = ndarray::array![0.2, 0.7, 0.4, 1.0];
        let belief = posterior.belief(x.view());
        for d in 0..3 {
            let moved = |h: f64| {
                let mut x = x.clone();
                x[d] += h;
                posterior.at(x.view())
            };
            let (above, below) = (moved(1e-5), moved(-1e-5));
            assert!(((above.0 - below.0) / 2e-5 - belief.mean_slope[d]).abs() < 1e-6);
            assert!(((above.1 - below.1) / 2e-5 - belief.deviation_slope[d]).abs() < 1e-6);
        }
    }

    #[test]
    fn passes_through_the_data() {
        let (data, start) = (data(), Hyperparameters::new(4));
        let fitted = start.fit(&data, 50);
        assert!(fitted.loss(&data, &data.pairs()).0 < start.loss(&data, &data.pairs()).0);
        let posterior = Posterior::new(&fitted, data.clone()).unwrap();
        for (x, y) in data.x.rows().into_iter().zip(&data.y) {
            let (mean, deviation) = posterior.at(x);
            assert!((mean - y).abs() < 0.2 && deviation < 0.2, "{mean} {y} {deviation}");
        }
    }
}
