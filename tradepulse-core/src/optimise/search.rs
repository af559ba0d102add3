//! What all optimisers share: numbering, pending trials, no repetitions, state.

use rand_chacha::ChaCha8Rng;

use super::history::{History, State, Suggestion, Told, Trial};
use super::method::Method;
use super::space::{Point, Space};
use super::{Optimiser, ResumeError, TellError};
use crate::random::Seed;

/// How an optimiser chooses its next point.
///
/// The contract: the point depends on the space, the history and `rng` alone. A sampler may
/// remember what it computed from the history, never what it needs beside it.
pub(super) trait Sampler: Send {
    /// The next point, number `history.trials().len()`; trials without an outcome are under way.
    /// `None` if there is none.
    fn propose(&mut self, space: &Space, history: &History, rng: &mut ChaCha8Rng) -> Option<Point>;
}

/// An optimiser made of a history and a sampler.
pub(super) struct Search {
    method: Method,
    space: Space,
    size: u128,
    seed: Seed,
    history: History,
    sampler: Box<dyn Sampler>,
}

impl Search {
    pub(super) fn new(method: Method, space: Space, seed: Seed, sampler: Box<dyn Sampler>) -> Self {
        let size = space.size();
        Self { method, space, size, seed, history: History::default(), sampler }
    }

    pub(super) fn resume(
        space: Space,
        state: State,
        sampler: Box<dyn Sampler>,
    ) -> Result<Self, ResumeError> {
        if state.space != space.fingerprint() {
            return Err(ResumeError::Space);
        }
        let mut trials = state.trials;
        trials.sort_by_key(|t| t.number);
        if let Some(gap) = trials.iter().zip(0..).find(|(t, n)| t.number != *n) {
            return Err(ResumeError::Numbers { number: gap.1 });
        }
        if let Some(trial) = trials.iter().find(|t| !space.holds(&t.point)) {
            return Err(ResumeError::Point { number: trial.number });
        }
        for trial in &mut trials {
            trial.outcome = trial.outcome.take().map(super::Outcome::sound);
        }
        let size = space.size();
        let history = History::new(trials);
        Ok(Self { method: state.method, space, size, seed: state.seed, history, sampler })
    }

    /// A point not asked before, `wanted` if it is one; `None` if there is none left.
    fn fresh(&self, wanted: Point, rng: &mut ChaCha8Rng) -> Option<Point> {
        if !self.history.contains(&wanted) {
            return Some(wanted);
        }
        if self.size <= self.history.distinct() as u128 {
            return None;
        }
        for _ in 0..32 {
            let near = self.space.mutated(&wanted, rng);
            if !self.history.contains(&near) {
                return Some(near);
            }
        }
        for _ in 0..32 {
            let anywhere = self.space.random(rng);
            if !self.history.contains(&anywhere) {
                return Some(anywhere);
            }
        }
        // The space is small or nearly used up: one of the first points is left.
        let ranks = 0..=self.history.distinct() as u128;
        ranks.filter_map(|rank| self.space.nth(rank)).find(|p| !self.history.contains(p))
    }

    fn suggestion(&self, trial: &Trial) -> Suggestion {
        Suggestion { number: trial.number, parameters: self.space.parameters(&trial.point) }
    }
}

impl Optimiser for Search {
    fn ask(&mut self, count: usize) -> Vec<Suggestion> {
        let mut batch = Vec::with_capacity(count.min(1024));
        while batch.len() < count {
            let number = self.history.trials().len() as u64;
            let mut rng = self.seed.stream(&format!("{} {number}", self.method.name()));
            let wanted = self.sampler.propose(&self.space, &self.history, &mut rng);
            let Some(point) = wanted.and_then(|wanted| self.fresh(wanted, &mut rng)) else { break };
            let parameters = self.space.parameters(&point);
            batch.push(Suggestion { number: self.history.push(point), parameters });
        }
        batch
    }

    fn tell(&mut self, mut results: Vec<Told>) -> Result<(), TellError> {
        results.sort_by_key(|told| told.number);
        for told in &mut results {
            told.outcome = std::mem::replace(&mut told.outcome, super::Outcome::value(0.0)).sound();
        }
        let mut objectives = self.history.objectives();
        for (i, told) in results.iter().enumerate() {
            let number = told.number;
            let trial = self.history.get(number).ok_or(TellError::Unknown { number })?;
            if trial.outcome.is_some() || i > 0 && results[i - 1].number == number {
                return Err(TellError::Twice { number });
            }
            let given = told.outcome.objectives().map(<[f64]>::len);
            let wanted = objectives.or(given);
            if given.is_some_and(|given| given == 0 || Some(given) != wanted) {
                let wanted = objectives.unwrap_or(1);
                return Err(TellError::Objectives { number, wanted });
            }
            objectives = wanted;
        }
        results.into_iter().for_each(|told| self.history.tell(told));
        Ok(())
    }

    fn space(&self) -> &Space {
        &self.space
    }

    fn trials(&self) -> &[Trial] {
        self.history.trials()
    }

    fn pending(&self) -> Vec<Suggestion> {
        let open = self.history.trials().iter().filter(|t| t.outcome.is_none());
        open.map(|trial| self.suggestion(trial)).collect()
    }

    fn state(&self) -> State {
        State {
            method: self.method,
            seed: self.seed,
            space: self.space.fingerprint(),
            trials: self.history.trials().to_vec(),
        }
    }
}
