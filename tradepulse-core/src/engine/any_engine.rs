use std::fmt;

use super::{Action, Engine, Event, Rules};
use crate::account::Account;
use crate::ensemble::Advice;
use crate::indicator::PeriodError;
use crate::market::Candle;
use crate::order::OrderId;
use crate::parameter::{ParameterError, Parameters};
use crate::strategy::{About, Funnel, History, Inputs, Quote, Strategy};
use crate::time::Timeframe;

/// An engine whose strategy is not named by its type, fed candle by candle: what trades live, on
/// paper, and wherever candles arrive one by one. The same candles give the same trades as a
/// backtest.
///
/// ```
/// # use tradepulse_core::engine::{Action, AnyEngine, EngineError, Rules};
/// # use tradepulse_core::{market::Candle, parameter::Parameters, strategy::Registered};
/// # use tradepulse_core::time::Timeframe;
/// fn wants(strategy: &Registered, past: &[Candle], now: Candle) -> Result<Vec<Action>, EngineError> {
///     let parameters = Parameters::defaults(strategy.about().variables);
///     let mut engine =
///         strategy.engine(&parameters, &Rules::default(), 10_000.0, Timeframe::M5)?;
///     past.iter().for_each(|candle| engine.warm_up(*candle));
///     let mut actions = Vec::new();
///     engine.on_candle(now, None, None, &mut actions);
///     Ok(actions)
/// }
/// ```
pub trait AnyEngine: Send {
    /// The strategy's name, version and variables.
    fn about(&self) -> About;

    /// How many candles before the first traded one bring the strategy's state within 1e-9 of that
    /// of an endless history.
    fn warm_up_candles(&self) -> usize;

    /// Lets the strategy see a closed candle without acting on it.
    fn warm_up(&mut self, candle: Candle);

    /// A candle has closed; `quote` is best bid and ask then, and `advice` what models advise, where
    /// known. What the engine wants is appended to `actions`.
    fn on_candle(
        &mut self,
        candle: Candle,
        quote: Option<Quote>,
        advice: Option<Advice>,
        actions: &mut Vec<Action>,
    );

    /// Takes an event other than a candle; of a view, the candle it shows is taken.
    fn step(&mut self, event: Event<'_>, actions: &mut Vec<Action>);

    /// Whether entries may be made from now on; see [`Engine::allow_entries`].
    fn allow_entries(&mut self, allowed: bool);

    /// The largest fraction of equity that an entry's notional may have; see
    /// [`Engine::set_allocation`].
    fn set_allocation(&mut self, allocation: Option<f64>);

    /// Equity of the wallet outside this engine's account; see [`Engine::set_other_equity`].
    fn set_other_equity(&mut self, equity: f64);

    /// Whether `order` is an entry that has neither filled nor ended.
    fn is_entry(&self, order: OrderId) -> bool;

    /// Whether an exit is under way.
    fn is_closing(&self) -> bool;

    /// The account.
    fn account(&self) -> &Account;

    /// How many candles passed each of the strategy's conditions.
    fn funnel(&self) -> Funnel;
}

/// The strategy's name and the account.
impl fmt::Debug for dyn AnyEngine + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyEngine")
            .field("strategy", &self.about().name)
            .field("account", self.account())
            .finish_non_exhaustive()
    }
}

/// An engine with the history that its strategy looks at.
#[derive(Debug)]
pub struct StreamingEngine<S> {
    engine: Engine<S>,
    history: History,
    warm_up: usize,
}

impl<S: Strategy> StreamingEngine<S> {
    /// An engine for candles of `timeframe`, with `capital` in quote currency.
    ///
    /// # Errors
    /// If the strategy does not take these parameters, or declares an indicator that cannot be.
    pub fn new(
        parameters: &Parameters,
        rules: Rules,
        capital: f64,
        timeframe: Timeframe,
    ) -> Result<Self, EngineError> {
        let mut inputs = Inputs::default();
        let strategy = S::new(parameters, &mut inputs)?;
        let engine = Engine::new(strategy, rules, capital).with_inputs(&mut inputs);
        let warm_up = engine.strategy().warm_up().max(inputs.warm_up()?);
        let history = History::new(timeframe, &inputs, warm_up + 1)?;
        Ok(Self { engine, history, warm_up })
    }
}

impl<S: Strategy> AnyEngine for StreamingEngine<S> {
    fn about(&self) -> About {
        S::about()
    }

    fn warm_up_candles(&self) -> usize {
        self.warm_up
    }

    fn warm_up(&mut self, candle: Candle) {
        self.engine.warm_up(&self.history.push(candle, None));
    }

    fn on_candle(
        &mut self,
        candle: Candle,
        quote: Option<Quote>,
        advice: Option<Advice>,
        actions: &mut Vec<Action>,
    ) {
        let view = self.history.push_advised(candle, quote, advice);
        self.engine.step(Event::Candle(&view), actions);
    }

    fn step(&mut self, event: Event<'_>, actions: &mut Vec<Action>) {
        match event {
            Event::Candle(view) => {
                if let Some(candle) = view.candle(0) {
                    self.on_candle(candle, view.quote(), view.advice().copied(), actions);
                }
            }
            event => self.engine.step(event, actions),
        }
    }

    fn allow_entries(&mut self, allowed: bool) {
        self.engine.allow_entries(allowed);
    }

    fn set_allocation(&mut self, allocation: Option<f64>) {
        self.engine.set_allocation(allocation);
    }

    fn set_other_equity(&mut self, equity: f64) {
        self.engine.set_other_equity(equity);
    }

    fn is_entry(&self, order: OrderId) -> bool {
        self.engine.is_entry(order)
    }

    fn is_closing(&self) -> bool {
        self.engine.is_closing()
    }

    fn account(&self) -> &Account {
        self.engine.account()
    }

    fn funnel(&self) -> Funnel {
        self.engine.strategy().funnel()
    }
}

/// Why there is no engine.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The strategy does not take these parameters.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// An indicator cannot be computed.
    #[error(transparent)]
    Period(#[from] PeriodError),
}
