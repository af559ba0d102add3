//! Optimisers: which parameters to try next.
//!
//! An [`Optimiser`] is asked for a batch of [`Suggestion`]s and told what came of them; who
//! evaluates them, and on how many threads, is not its business. The searched [`Space`] is the
//! strategy's own table of variables. [`Method`] names the optimisers there are.
//!
//! A search is a function of its seed, its space and its history: each suggestion has a random
//! stream of its own, and an optimiser remembers nothing that it could not compute again from the
//! trials told so far. So the [`State`] is the list of trials, a search that was saved goes on
//! exactly as it would have, and nothing depends on the number of threads or on the order in which
//! the results of a batch arrive.
//!
//! ```
//! use tradepulse_core::optimise::{Method, Outcome, Space, Told};
//! use tradepulse_core::random::Seed;
//! use tradepulse_core::variable::Variable;
//! const VARIABLES: &[Variable] = &[
//!     Variable::integer("fast", 2, 100, 1, 20, "candles", "period of the fast average"),
//!     Variable::real("stop", 0.5, 10.0, 0.5, 2.0, "%", "distance of the stop from the close"),
//! ];
//! let mut search = Method::Random.start(Space::new(VARIABLES)?, Seed(42));
//! for _ in 0..10 {
//!     let batch = search.ask(8);
//!     let evaluate = |p: &tradepulse_core::parameter::Parameters| {
//!         let (fast, stop): (f64, f64) = (p.get("fast")?, p.get("stop")?);
//!         Ok::<_, tradepulse_core::parameter::ParameterError>(-(fast - 30.0).abs() - stop)
//!     };
//!     let mut results = Vec::new();
//!     for suggestion in batch {
//!         let outcome = match evaluate(&suggestion.parameters) {
//!             Ok(objective) => Outcome::value(objective),
//!             Err(error) => Outcome::infeasible(error.to_string()),
//!         };
//!         results.push(Told { number: suggestion.number, outcome });
//!     }
//!     search.tell(results)?;
//! }
//! assert_eq!(search.trials().len(), 80);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod axis;
mod cholesky;
mod cma_es;
mod descent;
mod gaussian_process;
mod grid;
mod history;
mod kriging;
mod method;
mod nsga2;
mod parzen;
mod random;
mod search;
mod space;
mod tpe;

pub use axis::Restriction;
pub use history::{Outcome, State, Suggestion, Told, Trial};
pub use method::{Method, UnknownMethod};
pub use space::{Point, Space, SpaceError};

/// A search for the best parameters, by asking and telling.
///
/// The contract:
/// - [`ask`](Self::ask) numbers its suggestions from 0, without gaps. No point is suggested twice:
///   fewer suggestions than asked for mean that there are no others.
/// - [`ask`](Self::ask) may be called while earlier suggestions are under way.
/// - The suggestions depend on the seed, the space and on what was told before each ask; not on
///   the order in which results arrived between two asks.
/// - What was saved by [`state`](Self::state) and resumed continues with the same suggestions.
pub trait Optimiser: Send {
    /// The next `count` suggestions.
    fn ask(&mut self, count: usize) -> Vec<Suggestion>;

    /// Takes results, in any order. An objective that is not a finite number makes its trial
    /// infeasible. Optimisers for one objective look at the first.
    ///
    /// # Errors
    /// If a number was never suggested or has been told already, or the number of objectives
    /// changes; then none of the results is taken.
    fn tell(&mut self, results: Vec<Told>) -> Result<(), TellError>;

    /// The space searched.
    fn space(&self) -> &Space;

    /// Every trial so far, in the order of their numbers.
    fn trials(&self) -> &[Trial];

    /// The suggestions not told yet: what is left to do after a resume in the middle of a batch.
    fn pending(&self) -> Vec<Suggestion>;

    /// What to save.
    fn state(&self) -> State;

    /// The feasible trial with the largest first objective, the earliest of equals.
    fn best(&self) -> Option<&Trial> {
        let objective = |t: &Trial| t.outcome.as_ref().and_then(Outcome::objective);
        let feasible = self.trials().iter().filter_map(|t| objective(t).map(|o| (o, t)));
        feasible.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, t)| t)
    }

    /// The feasible trials that no other beats in all objectives: the trade-offs there are, in the
    /// order of their numbers.
    fn front(&self) -> Vec<&Trial> {
        nsga2::front(self.trials())
    }
}

/// Results that belong to no suggestion.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TellError {
    /// This number was never suggested.
    #[error("trial {number} was never suggested")]
    Unknown {
        /// Number of the trial.
        number: u64,
    },
    /// This trial has its result.
    #[error("trial {number} was told twice")]
    Twice {
        /// Number of the trial.
        number: u64,
    },
    /// Another number of objectives than before, or none.
    #[error("trial {number} has another number of objectives than {wanted}")]
    Objectives {
        /// Number of the trial.
        number: u64,
        /// How many there should be.
        wanted: usize,
    },
}

/// A saved search that cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResumeError {
    /// It was saved in another space.
    #[error("the search was saved in another space: variables or their restrictions differ")]
    Space,
    /// A trial is missing, or there twice.
    #[error("trial {number} is missing or there twice")]
    Numbers {
        /// Number of the trial.
        number: u64,
    },
    /// A trial lies outside the space.
    #[error("trial {number} lies outside the space")]
    Point {
        /// Number of the trial.
        number: u64,
    },
}

#[cfg(test)]
mod tests;
