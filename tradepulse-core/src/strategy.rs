//! Strategies: trading logic that turns closed candles into intents.
//!
//! A strategy declares its variables and its inputs, and is asked once per closed candle what it
//! wants. It never sees money, orders or the future: sizing, risk and execution come after it, and
//! a [`View`] ends at the candle that has just closed.

mod funnel;
mod history;
mod input;
mod input_cache;
mod intent;
pub mod lookahead;
mod registry;
mod view;

pub use funnel::{Funnel, FunnelStep};
pub use history::History;
pub use input::{Input, InputSpec, Inputs, Source};
pub use input_cache::InputCache;
pub use intent::{Entry, Intent};
pub use registry::{Registered, Registry, UnknownStrategy};
pub use view::{Quote, View};

use serde::Serialize;

use crate::parameter::{ParameterError, Parameters};
use crate::variable::Variable;

/// What a strategy says of itself.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct About {
    /// Name in commands, files and the database, such as `volume_breakout`.
    pub name: &'static str,
    /// Raised whenever the same parameters could give other intents.
    pub version: u32,
    /// One line of explanation.
    pub summary: &'static str,
    /// The table of variables.
    pub variables: &'static [Variable],
    /// What it would use beyond candles if it were there, and what happens without.
    pub optional_inputs: &'static [&'static str],
}

/// Trading logic: closed candles in, intents out.
///
/// The contract:
/// - [`on_candle`](Self::on_candle) is called once for each closed candle, in order.
/// - The intents on the first `n` candles of a history do not depend on what follows
///   ([`lookahead`] checks it).
/// - A strategy holds no clock, no randomness of its own, and memory bounded by its lookbacks.
///
/// ```
/// use tradepulse_core::order::Side;
/// use tradepulse_core::parameter::{ParameterError, Parameters};
/// use tradepulse_core::strategy::{About, Entry, Input, Inputs, Intent, Source, Strategy, View};
/// use tradepulse_core::variable::Variable;
///
/// /// Buys a close above the average; the stop is one average range below.
/// struct AboveAverage {
///     average: Input,
///     range: Input,
/// }
///
/// impl Strategy for AboveAverage {
///     fn about() -> About {
///         const VARIABLES: &[Variable] =
///             &[Variable::integer("period", 2, 200, 1, 50, "candles", "period of the average")];
///         About {
///             name: "above_average",
///             version: 1,
///             summary: "close above its average",
///             variables: VARIABLES,
///             optional_inputs: &[],
///         }
///     }
///
///     fn new(parameters: &Parameters, inputs: &mut Inputs) -> Result<Self, ParameterError> {
///         let average = inputs.sma(Source::Close, parameters.get("period")?);
///         Ok(Self { average, range: inputs.atr(14) })
///     }
///
///     fn warm_up(&self) -> usize {
///         21 * 14
///     }
///
///     fn on_candle(&mut self, view: &View<'_>) -> Option<Intent> {
///         let close = view.close(0);
///         (close > view.input(self.average, 0)?).then_some(Intent::Enter(Entry {
///             side: Side::Long,
///             stop: close - view.input(self.range, 0)?,
///             target: None,
///             max_holding: Some(24),
///         }))
///     }
/// }
/// ```
pub trait Strategy: Send + 'static {
    /// Its name, version and variables.
    fn about() -> About
    where
        Self: Sized;

    /// A fresh strategy with these parameters, which are complete and inside their domains. It
    /// declares its indicators on `inputs` and keeps the handles.
    ///
    /// # Errors
    /// [`ParameterError::Infeasible`] if the values contradict each other.
    fn new(parameters: &Parameters, inputs: &mut Inputs) -> Result<Self, ParameterError>
    where
        Self: Sized;

    /// How many candles before the first traded one bring the state within 1e-9 of that of an
    /// endless history: the largest lookback plus 11 times the longest EMA or 21 times the longest
    /// Wilder period.
    fn warm_up(&self) -> usize;

    /// Called at the close of each candle.
    fn on_candle(&mut self, view: &View<'_>) -> Option<Intent>;

    /// How many candles passed each condition so far; empty if the strategy does not count.
    fn funnel(&self) -> Funnel {
        Funnel::default()
    }
}
