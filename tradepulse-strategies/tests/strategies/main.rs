//! What every strategy is held to, on generated markets.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod choice;
mod engines;
mod market;
mod properties;
mod real;
mod reference;
