//! Training: the search for parameters, and what the found ones are worth on data the search did
//! not see.
//!
//! A [`Study`] is one strategy on one series (and regime). [`Study::search`] tries parameters and
//! keeps every trial; [`Study::walk_forward`] repeats the search in each window's training part
//! and trades what it found in the test part that follows; [`Study::validate`] puts the best to
//! every test and asks the [`lifecycle`](crate::lifecycle) what it may do. They evaluate the trials of a batch
//! through a [`Pool`], and give the same results on any number of threads.

mod objective;
mod pool;
mod pruning;
mod search;
mod study;
mod validation;
mod walk_forward;
mod window;

pub use objective::{Objective, UnknownObjective};
pub use pool::{InTurn, Pool};
pub use search::{Evaluated, Progress, Search, SearchEnd};
pub use study::{Study, StudyPlan, TrainingError};
pub use validation::{TrialLedger, Validation};
pub use walk_forward::{WalkForward, WindowResult};
pub use window::{Span, Window, WindowError, WindowPlan, Windowing};
