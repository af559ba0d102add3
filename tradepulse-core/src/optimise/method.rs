//! The optimisers there are, by name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::search::{Sampler, Search};
use super::{Optimiser, ResumeError, Space, State};
use super::{cma_es, gaussian_process, grid, nsga2, random, tpe};
use crate::parameter::{did_you_mean, nearest};
use crate::random::Seed;

/// An optimiser, by name.
///
/// ```
/// use tradepulse_core::optimise::Method;
/// assert_eq!("bayesian".parse(), Ok(Method::Tpe));
/// assert_eq!("tpe".parse(), Ok(Method::Tpe));
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
    Random,
    /// Random points that keep their distance: a scrambled Halton sequence.
    Quasi,
    /// Tree-structured Parzen estimator over all variables at once: the one to begin with.
    #[default]
    #[serde(rename = "bayesian")]
    Tpe,
    /// Gaussian process with expected improvement: for small budgets.
    GaussianProcess,
    /// CMA-ES: for many real variables and many trials.
    CmaEs,
    /// NSGA-II: for several objectives.
    #[serde(rename = "genetic")]
    Nsga2,
}

impl Method {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Grid,
        Self::Random,
        Self::Quasi,
        Self::Tpe,
        Self::GaussianProcess,
        Self::CmaEs,
        Self::Nsga2,
    ];

    /// What some know them as.
    const ALIASES: &[(&str, Self)] = &[
        ("tpe", Self::Tpe),
        ("gp", Self::GaussianProcess),
        ("cmaes", Self::CmaEs),
        ("nsga2", Self::Nsga2),
        ("nsga-ii", Self::Nsga2),
        ("halton", Self::Quasi),
    ];

    /// Its name in commands, files and the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Grid => "grid",
            Self::Random => "random",
            Self::Quasi => "quasi",
            Self::Tpe => "bayesian",
            Self::GaussianProcess => "gaussian-process",
            Self::CmaEs => "cma-es",
            Self::Nsga2 => "genetic",
        }
    }

    /// Whether it makes use of more than one objective, or of none.
    pub const fn takes_several_objectives(self) -> bool {
        !matches!(self, Self::Tpe | Self::GaussianProcess | Self::CmaEs)
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
            Self::Tpe => Box::new(tpe::Tpe::new(space, seed)),
            Self::CmaEs => match cma_es::CmaEs::new(space, seed) {
                Some(sampler) => Box::new(sampler),
                None => Box::new(random::Random),
            },
            Self::Nsga2 => Box::new(nsga2::Nsga2::new(space, seed)),
            Self::GaussianProcess => Box::new(gaussian_process::GaussianProcess::new(space, seed)),
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
        let mut known =
            Self::ALL.iter().map(|m| (m.name(), *m)).chain(Self::ALIASES.iter().copied());
        let found = known.find(|(known, _)| *known == name).map(|(_, method)| method);
        found.ok_or_else(|| UnknownMethod {
            name: name.to_owned(),
            nearest: nearest(name, Self::ALL.iter().map(|m| m.name())),
        })
    }
}
