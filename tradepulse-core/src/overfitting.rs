//! How much of a good result is the search that found it.
//!
//! Whoever tries many configurations and keeps the best finds good figures in pure noise. These
//! are the tests a figure has to survive: the Sharpe ratio's own uncertainty
//! ([`TrackRecord::probabilistic_sharpe`]), the best of so many trials
//! ([`TrackRecord::deflated_sharpe`]), whether choosing works at all ([`Cscv`]), the whole family
//! of trials against nothing ([`RealityCheck`]), and what happens to it outside the sample
//! ([`WalkForwardJudgement`]), beside its parameters ([`Neighbourhood`]) and at higher costs
//! ([`CostJudgement`]).
//!
//! Sharpe ratios here are per period and not annualised, unless a field says otherwise.

mod cost_judgement;
mod cscv;
mod false_discovery;
mod neighbourhood;
mod reality_check;
mod track_record;
mod walk_forward;

pub use cost_judgement::CostJudgement;
pub use cscv::Cscv;
pub use false_discovery::benjamini_hochberg;
pub use neighbourhood::{Neighbour, Neighbourhood};
pub use reality_check::{RealityCheck, SuperiorAbility};
pub use track_record::{TrackRecord, expected_maximum_sharpe, variance};
pub use walk_forward::{UnknownFigure, WalkForwardFigures, WalkForwardFlag, WalkForwardJudgement};

/// Why a family of trials cannot be tested.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OverfittingError {
    /// Nothing to choose from.
    #[error("{found} trials: at least {needed} are needed")]
    TooFewTrials {
        /// Trials given.
        found: usize,
        /// Trials needed.
        needed: usize,
    },
    /// Returns of different spans.
    #[error("trial {trial} has {found} returns, the first one has {expected}")]
    Ragged {
        /// The trial that differs, counted from 0.
        trial: usize,
        /// Its number of returns.
        found: usize,
        /// That of the first trial.
        expected: usize,
    },
    /// A return that is not a number.
    #[error("trial {trial}, return {at}: {value} is not a finite number")]
    NotFinite {
        /// The trial, counted from 0.
        trial: usize,
        /// The return, counted from 0.
        at: usize,
        /// Its value.
        value: f64,
    },
    /// Too little data.
    #[error("{found} returns a trial: at least {needed} are needed")]
    TooFewReturns {
        /// Returns given.
        found: usize,
        /// Returns needed.
        needed: usize,
    },
    /// Somebody wanted it to end.
    #[error("stopped")]
    Stopped,
    /// A setting out of its range.
    #[error("{name} = {value}: expected {expected}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// The value given.
        value: f64,
        /// What it should be.
        expected: &'static str,
    },
    /// No trial ever earned or lost anything.
    #[error("no trial's returns vary: there is nothing to test")]
    NoVariation,
}

/// Checks that there are `needed` trials of equal length and finite returns; their length.
fn checked<T: AsRef<[f64]>>(trials: &[T], needed: usize) -> Result<usize, OverfittingError> {
    let found = trials.len();
    let Some(first) = trials.first().filter(|_| found >= needed) else {
        return Err(OverfittingError::TooFewTrials { found, needed });
    };
    let expected = first.as_ref().len();
    for (trial, returns) in trials.iter().enumerate() {
        let returns = returns.as_ref();
        if returns.len() != expected {
            return Err(OverfittingError::Ragged { trial, found: returns.len(), expected });
        }
        if let Some(at) = returns.iter().position(|r| !r.is_finite()) {
            return Err(OverfittingError::NotFinite { trial, at, value: returns[at] });
        }
    }
    Ok(expected)
}
