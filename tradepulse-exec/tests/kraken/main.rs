//! The adapter of Kraken against the venue simulator: the conformance suite, market data, and the
//! traps of the venue.

#![allow(clippy::unwrap_used)]

mod conformance;
mod market_data;
mod scene;
mod simulator;
mod traps;
