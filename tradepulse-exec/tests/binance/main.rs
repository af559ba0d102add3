//! The adapters of Binance against the venue simulator: the conformance suite, market data, and
//! the traps of the venue.

#![allow(clippy::unwrap_used)]

mod conformance;
mod market_data;
mod scene;
#[path = "../simulated/mod.rs"]
mod simulated;
mod simulator;
mod traps;
