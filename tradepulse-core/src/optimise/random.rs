//! Random search, and quasi-random search whose points keep their distance.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::history::History;
use super::search::Sampler;
use super::space::{Point, Space};
use crate::random::Seed;

/// Each active variable uniformly. Bergstra & Bengio, *Random Search for Hyper-Parameter
/// Optimization*, JMLR 13, 2012.
pub(super) struct Random;

impl Sampler for Random {
    fn propose(&mut self, space: &Space, _: &History, rng: &mut ChaCha8Rng) -> Option<Point> {
        Some(space.random(rng))
    }
}

/// The Halton sequence, scrambled: one prime for each variable, and a random permutation for each
/// digit. Halton 1960; Owen, *A randomized Halton algorithm in R*, arXiv:1706.02808, 2017.
pub(super) struct Quasi {
    scrambles: Vec<Scramble>,
}

struct Scramble {
    base: u64,
    /// For each digit, the least significant first, what it becomes.
    digits: Vec<Vec<u32>>,
}

impl Quasi {
    pub(super) fn new(space: &Space, seed: Seed) -> Self {
        let scrambles = primes().zip(0..space.variables().len()).map(|(base, slot)| {
            let mut rng = seed.stream(&format!("halton {slot}"));
            Scramble::new(base, &mut rng)
        });
        Self { scrambles: scrambles.collect() }
    }

    /// The point of the sequence at `index`.
    pub(super) fn point(&self, space: &Space, index: u64) -> Point {
        space.assemble(|slot, axis| axis.cell(self.scrambles[slot].radical_inverse(index)))
    }
}

impl Sampler for Quasi {
    fn propose(&mut self, space: &Space, history: &History, _: &mut ChaCha8Rng) -> Option<Point> {
        Some(self.point(space, history.trials().len() as u64))
    }
}

impl Scramble {
    fn new(base: u64, rng: &mut ChaCha8Rng) -> Self {
        // As many digits as a double can tell apart.
        let count = (53.0 / (base as f64).log2()).ceil() as usize;
        let permutation = |_| {
            let mut digits: Vec<u32> = (0..base as u32).collect();
            digits.shuffle(rng);
            digits
        };
        Self { base, digits: (0..count).map(permutation).collect() }
    }

    /// The scrambled digits of `index` behind the point: in 0..1.
    fn radical_inverse(&self, mut index: u64) -> f64 {
        let shrink = 1.0 / self.base as f64;
        let (mut scale, mut sum) = (shrink, 0.0);
        for permutation in &self.digits {
            sum += scale * f64::from(permutation[(index % self.base) as usize]);
            index /= self.base;
            scale *= shrink;
        }
        sum.min(1.0 - f64::EPSILON)
    }
}

fn primes() -> impl Iterator<Item = u64> {
    (2_u64..).filter(|n| (2..).take_while(|d| d * d <= *n).all(|d| n % d != 0))
}
