//! The optimisers there are, by name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::search::{Sampler, Search};
use super::{Optimiser, ResumeError, Space, State};
use super::{grid, random};
use crate::parameter::{did_you_mean, nearest};
use crate::random::Seed;

/// An optimiser, by name.
///
/// ```
/// use tradepulse_core::optimise::Method;
/// assert_eq!("random".parse(), Ok(Method::Random));
/// assert_eq!(
///     "gird".parse::<Method>().unwrap_err().to_string(),
///     "there is no optimiser \"gird\"; did you mean \"grid\"?"
/// );
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Method {
    /// Every point, once.
    Grid,
    /// Random points.
    #[default]
    Random,
    /// Random points that keep their distance: a scrambled Halton sequence.
    Quasi,
}

impl Method {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Grid, Self::Random, Self::Quasi];

    /// Its name in commands, files and the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Grid => "grid",
            Self::Random => "random",
            Self::Quasi => "quasi",
        }
    }

    /// A search from its beginning.
    pub fn start(self, space: Space, seed: Seed) -> Box<dyn Optimiser> {
        let sampler = self.sampler(&space, seed);
        Box::new(Search::new(self, space, seed, sampler))
    }

    /// A search from where it was saved.
    ///
    /// # Errors
    /// If it was saved in another space, or its trials are not one sequence.
    pub fn resume(space: Space, state: State) -> Result<Box<dyn Optimiser>, ResumeError> {
        let sampler = state.method.sampler(&space, state.seed);
        Ok(Box::new(Search::resume(space, state, sampler)?))
    }

    fn sampler(self, space: &Space, seed: Seed) -> Box<dyn Sampler> {
        match self {
            Self::Grid => Box::new(grid::Grid),
            Self::Random => Box::new(random::Random),
            Self::Quasi => Box::new(random::Quasi::new(space, seed)),
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// No optimiser of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no optimiser {name:?}{}", did_you_mean(.nearest))]
pub struct UnknownMethod {
    /// The name asked for.
    pub name: String,
    /// The most similar name there is.
    pub nearest: Option<String>,
}

impl FromStr for Method {
    type Err = UnknownMethod;

    fn from_str(name: &str) -> Result<Self, UnknownMethod> {
        let known = Self::ALL.iter().copied().find(|m| m.name() == name);
        known.ok_or_else(|| UnknownMethod {
            name: name.to_owned(),
            nearest: nearest(name, Self::ALL.iter().map(|m| m.name())),
        })
    }
}
