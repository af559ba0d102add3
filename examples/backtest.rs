//! A backtest of a file of candles.
//!
//! `cargo run --release -p tradepulse-examples --bin backtest -- candles.csv.gz 5m`

#![allow(clippy::print_stdout)]

use anyhow::Context;
use tradepulse_core::backtest::{Backtest, Settings};
use tradepulse_core::parameter::Parameters;
use tradepulse_core::strategy::Strategy;
use tradepulse_core::time::Timeframe;
use tradepulse_exec::import::{Options, import};
use tradepulse_strategies::LiquiditySweep;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().context("usage: backtest FILE TIMEFRAME")?;
    let timeframe: Timeframe = arguments.next().as_deref().unwrap_or("5m").parse()?;

    let series = import(&[file], timeframe, &Options::default())?.series;
    let parameters = Parameters::defaults(LiquiditySweep::about().variables)
        .with("min_stop_density_score", 0.5)?;
    let outcome =
        Backtest::new(&series, Settings::default())?.run::<LiquiditySweep>(&parameters)?;

    for trade in outcome.trades.iter().rev().take(10).rev() {
        println!(
            "{:5} {:>12.2} → {:>12.2}  {:>8.3} %  {}",
            trade.side.name(),
            trade.entry_price,
            trade.exit_price,
            trade.profit_pct,
            trade.exit_reason.name()
        );
    }
    let metrics = outcome.metrics;
    println!("{} trades, net profit {:.2} %", metrics.trades, metrics.net_profit_pct);
    Ok(())
}
