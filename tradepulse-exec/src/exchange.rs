//! Venues: adapters of the ports [`Exchange`](tradepulse_core::exchange::Exchange) and
//! [`MarketData`](tradepulse_core::exchange::MarketData).
//!
//! What all adapters need stands beside them: the venue's clock, its limits, patience with what is
//! safe to repeat, streams that come back, and the queue of events.

#[cfg(all(feature = "data", feature = "venues"))]
pub mod backfill;
#[cfg(feature = "binance")]
pub mod binance;
#[cfg(feature = "venues")]
mod call_error;
#[cfg(feature = "venues")]
pub mod clock_offset;
#[cfg(feature = "coinbase")]
pub mod coinbase;
#[cfg(feature = "venues")]
pub mod event_queue;
#[cfg(feature = "venues")]
mod http;
#[cfg(feature = "kraken")]
pub mod kraken;
#[cfg(feature = "paper")]
pub mod paper;
#[cfg(feature = "venues")]
pub mod parameters;
#[cfg(feature = "venues")]
pub mod rate_limit;
#[cfg(feature = "venues")]
pub mod reconnect;
#[cfg(feature = "venues")]
pub mod retry;
#[cfg(any(feature = "binance", feature = "coinbase", feature = "kraken"))]
pub mod venue;
#[cfg(feature = "venues")]
mod websocket;
