//! Parzen estimators over a search space: a density made of one kernel for each point.
//!
//! A kernel is a product over the variables: a normal distribution cut off at the ends of a
//! number's range, and for a choice or bool its value with most of the probability. Densities are
//! measured against the uniform one, so that a variable that is inactive, in the kernel or in the
//! point, counts for nothing. Falkner, Klein & Hutter, *BOHB*, ICML 2018 (kernels over all
//! variables at once); Watanabe, *Tree-Structured Parzen Estimator*, arXiv:2304.11127, 2023.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::space::{Point, Space};

/// The coordinates of a space: for each number the centre of its cell, with the grid spread over
/// 0..1; then the indexes of choices and bools. NaN where inactive.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// Slots of the numbers, then of the choices and bools; not those with a single value.
    numbers: Vec<usize>,
    choices: Vec<usize>,
    /// Values of each choice.
    counts: Vec<f64>,
    /// Steps of each number, as part of its range.
    steps: Vec<f64>,
}

impl Frame {
    pub(super) fn new(space: &Space) -> Self {
        let slots = |ordered: bool| -> Vec<usize> {
            let axes = space.axes().iter().enumerate();
            axes.filter(|(_, a)| a.len() > 1 && a.ordered == ordered).map(|(s, _)| s).collect()
        };
        let (numbers, choices) = (slots(true), slots(false));
        let len = |slot: &usize| space.axes()[*slot].len() as f64;
        let counts = choices.iter().map(len).collect();
        let steps = numbers.iter().map(|slot| 1.0 / len(slot)).collect();
        Self { numbers, choices, counts, steps }
    }

    pub(super) fn dimensions(&self) -> usize {
        self.numbers.len() + self.choices.len()
    }

    /// Number of numbers; they come first among the coordinates.
    pub(super) fn numbers(&self) -> usize {
        self.numbers.len()
    }

    pub(super) fn coordinates(&self, space: &Space, point: &Point, into: &mut Vec<f64>) {
        into.extend(self.numbers.iter().map(|slot| {
            point.0[*slot].map_or(f64::NAN, |index| space.axes()[*slot].centre(index))
        }));
        into.extend(
            self.choices.iter().map(|slot| point.0[*slot].map_or(f64::NAN, |index| index as f64)),
        );
    }

    /// The point with other numbers, given as coordinates.
    pub(super) fn with_numbers(&self, space: &Space, point: &Point, numbers: &[f64]) -> Point {
        let mut next = 0;
        space.assemble(|slot, axis| {
            if self.numbers.get(next) != Some(&slot) {
                return point.0[slot].unwrap_or(0);
            }
            next += 1;
            axis.cell(numbers[next - 1])
        })
    }

    /// The points one step away in one variable, those left out whose steps are too fine to matter.
    pub(super) fn neighbours(&self, space: &Space, point: &Point) -> Vec<Point> {
        let mut found = Vec::new();
        for slot in self.numbers.iter().chain(&self.choices) {
            let (axis, Some(index)) = (&space.axes()[*slot], point.0[*slot]) else { continue };
            let near: Vec<u64> = match axis.ordered {
                true if axis.len() > 1000 => continue,
                true => [index.wrapping_sub(1), index + 1].into(),
                false => (0..axis.len()).filter(|i| *i != index).collect(),
            };
            let near = near.into_iter().filter(|i| *i < axis.len());
            found.extend(near.map(|index| space.moved(point, *slot, index)));
        }
        found
    }
}

/// Below this part of its range no number is told apart.
const LEAST_BANDWIDTH: f64 = 0.01;

/// A mixture of kernels around some points, and one that is uniform.
#[derive(Debug)]
pub(super) struct Parzen {
    numbers: usize,
    dimensions: usize,
    /// Where the kernels are; numbers in units of their bandwidths.
    centres: Vec<f64>,
    /// Logarithm of each kernel's weight and of its height.
    heights: Vec<f64>,
    /// Running sums of the weights.
    weights: Vec<f64>,
    bandwidths: Vec<f64>,
    /// For each choice, the logarithms of a kernel's density at its own value and elsewhere, and
    /// the probability of elsewhere.
    hits: Vec<(f64, f64, f64)>,
    uniform: f64,
}

impl Parzen {
    /// A kernel at each point of `centres`, with these weights, and a uniform one that weighs as
    /// much as their mean. The bandwidth of numbers is `bandwidth` of their range, by Scott's rule
    /// (*Multivariate Density Estimation*, 1992) less the more points there are, but never below a
    /// step of their grid.
    pub(super) fn new(
        frame: &Frame,
        mut centres: Vec<f64>,
        weights: &[f64],
        bandwidth: f64,
    ) -> Self {
        let (numbers, dimensions) = (frame.numbers.len(), frame.dimensions());
        let points = weights.len() as f64;
        let shrink = (points + 1.0).powf(-1.0 / (dimensions as f64 + 4.0));
        let least = |step: &f64| (bandwidth * shrink).max(*step).max(LEAST_BANDWIDTH);
        let bandwidths: Vec<f64> = frame.steps.iter().map(least).collect();
        let sum: f64 = weights.iter().sum();
        let uniform = if weights.is_empty() { 1.0 } else { sum / points };
        let total = uniform + sum;
        // The share of a kernel that goes to other values falls as points grow in number.
        let other = |count: &f64| {
            let spread = 1.0 / (1.0 + 0.5 * points);
            let elsewhere = spread * (count - 1.0) / count;
            let density = |p: f64| (p * count).ln();
            (density(1.0 - elsewhere), density(elsewhere / (count - 1.0)), elsewhere)
        };
        let hits = frame.counts.iter().map(other).collect();
        let scale: Vec<f64> = bandwidths.iter().map(|b| 1.0 / b).collect();
        let mut heights = Vec::with_capacity(weights.len());
        for (kernel, weight) in weights.iter().enumerate() {
            let start = kernel * dimensions;
            let mut area = 1.0;
            for (x, scale) in centres[start..start + numbers].iter_mut().zip(&scale) {
                let inside = normal_cdf((1.0 - *x) * scale) - normal_cdf(-*x * scale);
                let mass = inside * (2.0 * std::f64::consts::PI).sqrt() / scale;
                area *= if x.is_nan() { 1.0 } else { mass };
                *x *= scale;
            }
            heights.push((weight / (total * area)).ln());
        }
        let mut sum = 0.0;
        let cumulated = weights.iter().map(|w| {
            sum += w / total;
            sum
        });
        let weights = cumulated.collect();
        let uniform = uniform / total;
        Self { numbers, dimensions, centres, heights, weights, bandwidths, hits, uniform }
    }

    /// Logarithm of the density, in units of the uniform one. `spare` is for reuse.
    pub(super) fn log_density(&self, x: &[f64], spare: &mut Vec<f64>) -> f64 {
        let (numbers, choices) = x.split_at(self.numbers);
        let scaled: Vec<f64> = numbers.iter().zip(&self.bandwidths).map(|(x, b)| x / b).collect();
        spare.clear();
        let mut highest = self.uniform.ln();
        for (kernel, height) in self.centres.chunks_exact(self.dimensions).zip(&self.heights) {
            let (centre, values) = kernel.split_at(self.numbers);
            // Inactive is not a number, which `max` takes for 0.
            let far: f64 =
                centre.iter().zip(&scaled).map(|(c, x)| ((c - x) * (c - x)).max(0.0)).sum();
            let mut exponent = height - 0.5 * far;
            for ((value, x), (hit, miss, _)) in values.iter().zip(choices).zip(&self.hits) {
                if !(value.is_nan() || x.is_nan()) {
                    exponent += if value == x { hit } else { miss };
                }
            }
            highest = highest.max(exponent);
            spare.push(exponent);
        }
        let floor = highest - 25.0;
        let kernels = spare.iter().filter(|e| **e > floor).map(|e| (e - highest).exp());
        (kernels.sum::<f64>() + self.uniform * (-highest).exp()).ln() + highest
    }

    /// A random point of the density.
    pub(super) fn sample(&self, space: &Space, frame: &Frame, rng: &mut ChaCha8Rng) -> Point {
        let dice = rng.random::<f64>();
        let kernel = self.weights.partition_point(|sum| *sum <= dice);
        let Some(centre) = self.centres.chunks_exact(self.dimensions.max(1)).nth(kernel) else {
            return space.random(rng);
        };
        let mut number = 0;
        let mut choice = 0;
        space.assemble(|slot, axis| {
            if frame.numbers.get(number) == Some(&slot) {
                let (x, bandwidth) = (centre[number], self.bandwidths[number]);
                number += 1;
                if x.is_nan() {
                    return rng.random_range(0..axis.len());
                }
                axis.cell(cut_normal(x * bandwidth, bandwidth, rng))
            } else if frame.choices.get(choice) == Some(&slot) {
                let (x, (.., elsewhere)) = (centre[self.numbers + choice], self.hits[choice]);
                choice += 1;
                if x.is_nan() {
                    return rng.random_range(0..axis.len());
                }
                let other = rng.random_range(1..axis.len());
                let stays = rng.random::<f64>() >= elsewhere;
                if stays { x as u64 } else { (x as u64 + other) % axis.len() }
            } else {
                0
            }
        })
    }
}

/// A normal deviate around `mean` inside 0..1.
fn cut_normal(mean: f64, deviation: f64, rng: &mut ChaCha8Rng) -> f64 {
    for _ in 0..16 {
        let normal: f64 = StandardNormal.sample(rng);
        let x = mean + deviation * normal;
        if (0.0..1.0).contains(&x) {
            return x;
        }
    }
    mean
}

/// The standard normal distribution to 1e-7. Abramowitz & Stegun 1964, 26.2.17.
fn normal_cdf(x: f64) -> f64 {
    if x.abs() > 6.0 {
        return f64::from(u8::from(x > 0.0));
    }
    let t = 1.0 / (1.0 + 0.231_641_9 * x.abs());
    let series = t
        * (0.319_381_530
            + t * (-0.356_563_782
                + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    let tail = (-0.5 * x * x).exp() * 0.398_942_280_401_432_7 * series;
    if x > 0.0 { 1.0 - tail } else { tail }
}
