//! Venues: adapters of the ports [`Exchange`](tradepulse_core::exchange::Exchange) and
//! [`MarketData`](tradepulse_core::exchange::MarketData).
//!
//! What all adapters need stands beside them: the venue's clock, its limits, patience with what is
//! safe to repeat, streams that come back, and the queue of events.

#[cfg(all(feature = "binance", feature = "data"))]
pub mod backfill;
#[cfg(feature = "binance")]
pub mod binance;
#[cfg(feature = "binance")]
pub mod clock_offset;
#[cfg(feature = "binance")]
pub mod event_queue;
#[cfg(feature = "binance")]
mod http;
#[cfg(feature = "paper")]
pub mod paper;
#[cfg(feature = "binance")]
pub mod rate_limit;
#[cfg(feature = "binance")]
pub mod reconnect;
#[cfg(feature = "binance")]
pub mod retry;
#[cfg(feature = "binance")]
pub mod venue;
#[cfg(feature = "binance")]
mod websocket;
