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
//!
//! # How good they are
//!
//! The median over 20 seeds of the least value found in 100 trials, asked one at a time, beside
//! Optuna 5.0 on the same functions; in brackets, the least value there is. The first three
//! functions were at hand when constants were chosen, the last two were not.
//!
//! | | branin (0.3979) | hartmann6 (−3.3224) | step9 (−0.999) | ackley5 (0) | rosenbrock4 (0) |
//! |---|---|---|---|---|---|
//! | `bayesian` | 0.4014 | −3.2491 | −0.9441 | 3.83 | 3.15 |
//! | Optuna TPE, multivariate | 0.4167 | −3.2280 | −0.7842 | 5.69 | 4.71 |
//! | Optuna TPE, univariate | 0.4479 | −2.9956 | −0.8691 | 7.98 | 7.39 |
//! | `gaussian-process` | 0.3979 | −3.3223 | −0.9990 | 4.73 | 0.42 |
//! | Optuna GP | 0.3979 | −3.3222 | −0.9990 | – | 0.77 |
//! | `cma-es` | 0.4010 | −3.0746 | −0.8691 | 7.54 | 6.59 |
//! | Optuna CMA-ES | 0.4113 | −3.0474 | −0.8092 | 5.70 | 3.42 |
//! | `genetic` | 0.6058 | −2.8146 | −0.7393 | 11.23 | 12.66 |
//! | `quasi` | 0.5754 | −2.1128 | −0.5295 | 15.06 | 47.33 |
//! | `random` | 0.6490 | −2.1331 | −0.5494 | 15.09 | 74.28 |
//!
//! In batches of 8, `bayesian` reaches 0.4004, −3.1625 and −0.8891 on the first three, and
//! `gaussian-process` 0.3979, −3.3222 and −0.9990.
//!
//! Time per suggestion on two cores that other compilers kept busy, median and mean over the last
//! ten of each search: `bayesian` 31 to 44 µs and 38 to 145 µs after 100 trials, 0.28 to 0.35 ms
//! and 0.49 to 0.99 ms after 1,000; `gaussian-process` 0.65 to 0.89 ms and 2.0 to 2.6 ms after 100,
//! the mean with the fits that fall due. The others take less than 4 µs in the median. Optuna, in
//! the mean over whole searches and as busy, took 1.8 to 15 ms (TPE) and 108 to 572 ms (GP).
//!
//! Optuna's CMA-ES begins in the middle of the box, which is near the minimum of the last two
//! functions; this one begins at the best of a quasi-random generation. Optuna's GP on ackley5 was
//! not run to its end.
//!
//! Measured with
//! `cargo bench -p tradepulse-benches --bench optimisers` and
//! `OMP_NUM_THREADS=1 python benches/benches/optimisers/optuna_reference.py`.

mod axis;
mod cholesky;
mod cma_es;
mod descent;
mod gaussian_process;
mod grid;
mod history;
mod importance;
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
pub use importance::importance;
pub use method::{Method, UnknownMethod};
pub use nsga2::undominated;
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
