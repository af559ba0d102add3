use std::collections::BTreeMap;

use super::{About, Strategy};
use crate::backtest::{Backtest, BacktestError, Outcome};
use crate::engine::{AnyEngine, EngineError, Rules, StreamingEngine};
use crate::parameter::{Parameters, did_you_mean, nearest};
use crate::strategy::lookahead::{self, Verdict};
use crate::time::Timeframe;

type NewEngine = fn(&Parameters, Rules, f64, Timeframe) -> Result<Box<dyn AnyEngine>, EngineError>;

/// Strategies by name, for programs that choose one while they run.
///
/// ```
/// # use tradepulse_core::strategy::Registry;
/// let registry = Registry::new(); // then .with::<MyStrategy>() for each
/// assert!(registry.get("my_strategy").is_err());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Registry {
    entries: BTreeMap<&'static str, Registered>,
}

/// A strategy that can be run without naming its type.
#[derive(Clone, Copy, Debug)]
pub struct Registered {
    about: About,
    backtest: fn(&Backtest<'_>, &Parameters) -> Result<Outcome, BacktestError>,
    lookahead: fn(&Backtest<'_>, &Parameters, usize) -> Result<Verdict, BacktestError>,
    engine: NewEngine,
}

impl Registered {
    /// Its name, version and variables.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Runs it; the same as [`Backtest::run`] with its type.
    ///
    /// # Errors
    /// As [`Backtest::run`].
    pub fn backtest(
        &self,
        backtest: &Backtest<'_>,
        parameters: &Parameters,
    ) -> Result<Outcome, BacktestError> {
        (self.backtest)(backtest, parameters)
    }

    /// Checks it for look-ahead; the same as [`lookahead::check`] with its type.
    ///
    /// # Errors
    /// As [`lookahead::check`].
    pub fn lookahead(
        &self,
        backtest: &Backtest<'_>,
        parameters: &Parameters,
        prefixes: usize,
    ) -> Result<Verdict, BacktestError> {
        (self.lookahead)(backtest, parameters, prefixes)
    }

    /// An engine for candles of `timeframe` that arrive one by one, with `capital` in quote
    /// currency; the same as [`StreamingEngine::new`] with its type.
    ///
    /// # Errors
    /// As [`StreamingEngine::new`].
    pub fn engine(
        &self,
        parameters: &Parameters,
        rules: &Rules,
        capital: f64,
        timeframe: Timeframe,
    ) -> Result<Box<dyn AnyEngine>, EngineError> {
        (self.engine)(parameters, rules.clone(), capital, timeframe)
    }
}

impl Registry {
    /// Without strategies.
    pub fn new() -> Self {
        Self::default()
    }

    /// With `S` added under its name; it replaces an earlier one of that name.
    #[must_use]
    pub fn with<S: Strategy>(mut self) -> Self {
        let registered = Registered {
            about: S::about(),
            backtest: |backtest, parameters| backtest.run::<S>(parameters),
            lookahead: lookahead::check::<S>,
            engine: |parameters, rules, capital, timeframe| {
                Ok(Box::new(StreamingEngine::<S>::new(parameters, rules, capital, timeframe)?))
            },
        };
        self.entries.insert(registered.about.name, registered);
        self
    }

    /// All strategies by name.
    pub fn iter(&self) -> impl Iterator<Item = &Registered> {
        self.entries.values()
    }

    /// The strategy of that name.
    ///
    /// # Errors
    /// [`UnknownStrategy`], with the nearest name.
    pub fn get(&self, name: &str) -> Result<&Registered, UnknownStrategy> {
        self.entries.get(name).ok_or_else(|| UnknownStrategy {
            name: name.to_owned(),
            nearest: nearest(name, self.entries.keys().copied()),
            known: self.entries.keys().copied().collect::<Vec<_>>().join(", "),
        })
    }
}

/// There is no strategy of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no strategy {name:?}{} (known: {known})", did_you_mean(.nearest))]
pub struct UnknownStrategy {
    name: String,
    nearest: Option<String>,
    known: String,
}
