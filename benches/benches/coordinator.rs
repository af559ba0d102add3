//! The coordinator: from a closed candle to the order on its way (engine, sizing, risk gate,
//! journal), a desk of a hundred configurations, and the journal by itself.
//!
//! `cargo bench -p tradepulse-benches --bench coordinator`

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

#[path = "coordinator/desk.rs"]
mod desk;
#[path = "coordinator/journal.rs"]
mod journal;
#[path = "coordinator/wire.rs"]
mod wire;

use criterion::{criterion_group, criterion_main};

criterion_group!(benches, desk::bench, journal::bench, wire::bench);
criterion_main!(benches);
