//! Suites that every adapter of a port runs (feature `conformance`).

pub mod store;
pub mod trading_store;
