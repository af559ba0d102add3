//! The simulated venue: what a backtest and paper trading put behind the engine.

mod cost;
mod fill_rule;
mod venue;

pub use cost::{Costs, Slippage};
pub use fill_rule::{LegFill, Priority, leg_fill};
pub use venue::Venue;
