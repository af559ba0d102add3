//! A backtest of the strategy in `channel_breakout.rs`; `live.rs` trades the same file.
//!
//! `cargo run --release -p tradepulse-examples --bin backtest -- candles.csv.gz 5m`, or without
//! arguments on a synthetic market.

#![allow(clippy::print_stdout)]

mod channel_breakout;
mod offline;

use tradepulse_core::backtest::{Backtest, Settings};
use tradepulse_core::parameter::Parameters;

use channel_breakout::{ChannelBreakout, VARIABLES};

fn main() -> anyhow::Result<()> {
    let series = offline::candles()?;
    let backtest = Backtest::new(&series, Settings::default())?;
    let outcome = backtest.run::<ChannelBreakout>(&Parameters::defaults(VARIABLES))?;
    offline::print(&outcome.trades, backtest.settings().capital);
    Ok(())
}
