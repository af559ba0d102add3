//! Simulated venues: what a backtest and paper trading put behind the engine.
//!
//! [`Venue`] is the loop of a backtest: floats, one market, no money. [`SimulatedExchange`] is a
//! venue behind the port [`Exchange`](crate::exchange::Exchange): exact, with balances, filters,
//! several markets. Both fill by the same code, and give the same fills bit for bit.

mod cost;
mod exchange;
pub mod fault;
mod fill_rule;
mod terms;
mod venue;

pub use cost::{Costs, Slippage};
pub use exchange::{
    AccountKind, ExchangeState, FeeCurrency, PartialFills, SimulatedExchange,
    SimulatedExchangeSettings, SimulationError,
};
pub use fill_rule::{LegFill, Priority, leg_fill};
pub(crate) use venue::Reach;
pub use venue::Venue;
