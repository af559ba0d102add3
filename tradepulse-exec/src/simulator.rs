//! A venue on this machine that speaks the dialects of real ones: REST and streams, signatures,
//! clocks, filters, balances, fills, and the venue's own codes for what it refuses.
//!
//! It is a [`SimulatedExchange`](tradepulse_core::simulation::SimulatedExchange) behind HTTP and
//! WebSockets. Adapters, and other people's clients, are tried against it without a network, a key
//! or money. Whoever starts it moves its markets: candle by candle
//! ([`VenueSimulator::trade`]), or at the pace of a clock ([`VenueSimulator::replay`]).
//!
//! Orders fill as follows: what can execute when it comes does so at once, at the last price,
//! without a spread; what rests is met by the candles that come, as in paper trading.

mod binance;
mod coinbase;
mod fault;
mod handle;
mod hub;
mod kraken;
mod ledger;
mod market;
mod replay;
mod server;
mod settings;
mod venue;

pub use fault::{FaultRates, HttpFault};
pub use handle::{SimulatorError, VenueSimulator};
pub use replay::shifted;
pub use settings::{Dialect, SimulatedMarket, SimulatorKey, SimulatorSettings};
