//! NSGA-II: a population of trade-offs between several objectives.
//!
//! Parents are chosen by tournament, children made by simulated binary crossover and polynomial
//! mutation; who survives is decided by rank of domination, and among equals by distance to the
//! neighbours. An infeasible trial is dominated by every feasible one, and by those nearer to
//! feasible. Deb, Pratap, Agarwal & Meyarivan, *A Fast and Elitist Multiobjective Genetic
//! Algorithm: NSGA-II*, IEEE Transactions on Evolutionary Computation 6, 2002; Deb & Agrawal,
//! *Simulated Binary Crossover for Continuous Search Space*, Complex Systems 9, 1995.
//!
//! Each trial competes as soon as it and all before it are told, which suits small budgets better
//! than whole generations: Durillo, Nebro, Luna & Alba, *On the Effect of the Steady-State
//! Selection Scheme in Multi-Objective Genetic Algorithms*, EMO 2009.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::history::{History, Outcome, Trial};
use super::random::Quasi;
use super::search::Sampler;
use super::space::{Point, Space};
use crate::random::Seed;

/// Trials that survive, and size of the quasi-random start.
const POPULATION: usize = 16;
/// Pairs that are crossed; the others are only mutated.
const CROSSED: f64 = 0.9;
/// How near children stay to their parents by crossover, and by mutation.
const CROSSOVER_INDEX: f64 = 3.0;
const MUTATION_INDEX: f64 = 5.0;

/// See the module.
pub(super) struct Nsga2 {
    start: Quasi,
    /// Trials that have competed.
    judged: usize,
    /// The survivors with their ranks and distances.
    population: Vec<Member>,
}

#[derive(Clone, Debug)]
struct Member {
    trial: Trial,
    rank: usize,
    crowding: f64,
}

impl Nsga2 {
    pub(super) fn new(space: &Space, seed: Seed) -> Self {
        Self { start: Quasi::new(space, seed), judged: 0, population: Vec::new() }
    }

    fn judge(&mut self, history: &History) {
        for trial in &history.prefix()[self.judged..] {
            self.judged += 1;
            self.population.push(Member { trial: trial.clone(), rank: 0, crowding: 0.0 });
            if self.population.len() <= POPULATION {
                continue;
            }
            rank(&mut self.population);
            let worst = |a: &(usize, &Member), b: &(usize, &Member)| {
                a.1.rank.cmp(&b.1.rank).then(b.1.crowding.total_cmp(&a.1.crowding))
            };
            // Of equals, the latest goes.
            if let Some((last, _)) = self.population.iter().enumerate().max_by(worst) {
                self.population.remove(last);
            }
        }
    }

    /// The better of two at random.
    fn parent(&self, rng: &mut ChaCha8Rng) -> &Point {
        let mut pick = || &self.population[rng.random_range(0..self.population.len())];
        let (a, b) = (pick(), pick());
        let b_is_better = (b.rank, -b.crowding) < (a.rank, -a.crowding);
        if b_is_better { &b.trial.point } else { &a.trial.point }
    }

    fn child(&self, space: &Space, rng: &mut ChaCha8Rng) -> Point {
        let (mother, father) = (self.parent(rng), self.parent(rng));
        let crossed = rng.random::<f64>() < CROSSED;
        let rate = 1.0 / space.variables().len() as f64;
        space.assemble(|slot, axis| {
            let (from_mother, from_father) = match (mother.0[slot], father.0[slot]) {
                (Some(m), Some(f)) => (m, f),
                (Some(one), None) | (None, Some(one)) => (one, one),
                (None, None) => (rng.random_range(0..axis.len()), 0),
            };
            // As many dice whatever happens: a variable more does not change the others.
            let dice: [f64; 4] = std::array::from_fn(|_| rng.random());
            let swap = crossed && dice[0] < 0.5 && from_mother != from_father;
            let mutate = dice[2] < rate;
            if axis.len() == 1 {
                0
            } else if !axis.ordered {
                let kept = if swap { from_father } else { from_mother };
                let other = 1 + (dice[3] * (axis.len() - 1) as f64) as u64;
                if mutate { (kept + other) % axis.len() } else { kept }
            } else if swap || mutate {
                let (m, f) = (axis.centre(from_mother), axis.centre(from_father));
                let mut x = if swap { cross(m, f, dice[1]) } else { m };
                if mutate {
                    x += mutation(dice[3]);
                }
                axis.cell(x.clamp(0.0, 1.0))
            } else {
                from_mother
            }
        })
    }
}

/// A child of two numbers.
fn cross(mother: f64, father: f64, dice: f64) -> f64 {
    let power = 1.0 / (CROSSOVER_INDEX + 1.0);
    let spread = if dice < 0.5 {
        (2.0 * dice).powf(power)
    } else {
        (1.0 / (2.0 * (1.0 - dice))).powf(power)
    };
    0.5 * ((1.0 + spread) * mother + (1.0 - spread) * father)
}

/// What a mutation adds, of a range of 1.
fn mutation(dice: f64) -> f64 {
    let power = 1.0 / (MUTATION_INDEX + 1.0);
    if dice < 0.5 { (2.0 * dice).powf(power) - 1.0 } else { 1.0 - (2.0 * (1.0 - dice)).powf(power) }
}

impl Sampler for Nsga2 {
    fn propose(&mut self, space: &Space, history: &History, rng: &mut ChaCha8Rng) -> Option<Point> {
        self.judge(history);
        if self.judged < POPULATION || space.variables().is_empty() {
            return Some(self.start.point(space, history.trials().len() as u64));
        }
        let mut point = self.child(space, rng);
        for _ in 0..10 {
            if !history.contains(&point) {
                break;
            }
            point = self.child(space, rng);
        }
        Some(point)
    }
}

/// Whether `a` is at least as good as `b` in everything, and better in something.
fn dominates(a: &Trial, b: &Trial) -> bool {
    let (Some(a), Some(b)) = (&a.outcome, &b.outcome) else { return false };
    match (a.objectives(), b.objectives()) {
        (Some(a), Some(b)) => beats(a, b),
        _ => a.merit() > b.merit(),
    }
}

/// Whether `a` is at least as good as `b` in every objective, and better in one.
fn beats(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).all(|(a, b)| a >= b) && a != b
}

/// Which of these lists of objectives, each to be maximised, no other beats: at least as good in
/// everything, and better in something. `None` stands for an infeasible trial.
pub fn undominated(objectives: &[Option<&[f64]>]) -> Vec<usize> {
    let free = |own: &[f64]| !objectives.iter().flatten().any(|other| beats(other, own));
    (0..objectives.len()).filter(|i| objectives[*i].is_some_and(free)).collect()
}

/// The feasible trials that no other dominates, in the order of their numbers.
pub(super) fn front(trials: &[Trial]) -> Vec<&Trial> {
    let objectives: Vec<Option<&[f64]>> =
        trials.iter().map(|t| t.outcome.as_ref().and_then(Outcome::objectives)).collect();
    undominated(&objectives).into_iter().map(|i| &trials[i]).collect()
}

/// Ranks of domination, and distances within each rank.
fn rank(population: &mut [Member]) {
    let mut left: Vec<usize> = (0..population.len()).collect();
    let mut rank = 0;
    while !left.is_empty() {
        let free = |i: &usize| {
            let dominated = |j: &usize| dominates(&population[*j].trial, &population[*i].trial);
            !left.iter().any(dominated)
        };
        let (front, rest): (Vec<usize>, Vec<usize>) = left.iter().copied().partition(free);
        left = rest;
        for i in &front {
            population[*i].rank = rank;
            population[*i].crowding = 0.0;
        }
        crowd(population, front);
        rank += 1;
    }
}

/// The distance of each member of a front to its neighbours, summed over the objectives.
fn crowd(population: &mut [Member], mut front: Vec<usize>) {
    let objectives = |m: &Member| -> Vec<f64> {
        m.trial
            .outcome
            .as_ref()
            .and_then(Outcome::objectives)
            .map_or_else(Vec::new, <[f64]>::to_vec)
    };
    let count = front.first().map_or(0, |i| objectives(&population[*i]).len());
    for objective in 0..count {
        let value = |i: usize| objectives(&population[i])[objective];
        front.sort_by(|a, b| value(*a).total_cmp(&value(*b)));
        let values: Vec<f64> = front.iter().map(|i| value(*i)).collect();
        let (Some(least), Some(most)) = (values.first(), values.last()) else { return };
        let range = most - least;
        for (place, i) in front.iter().enumerate() {
            let inner = place > 0 && place + 1 < front.len();
            population[*i].crowding += match inner {
                true if range > 0.0 => (values[place + 1] - values[place - 1]) / range,
                true => 0.0,
                false => f64::INFINITY,
            };
        }
    }
}
