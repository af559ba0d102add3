//! What `backtest.rs` and `live.rs` begin and end with: candles, and trades in words.

use tradepulse_core::account::Trade;
use tradepulse_core::market::{Series, SyntheticMarket};
use tradepulse_core::random::Seed;
use tradepulse_core::time::{Timeframe, Timestamp};
use tradepulse_exec::import::{Options, import};

/// The candles of the file and timeframe on the command line; made-up ones without.
pub(crate) fn candles() -> anyhow::Result<Series> {
    let mut arguments = std::env::args().skip(1);
    let Some(file) = arguments.next() else { return made_up() };
    let timeframe: Timeframe = arguments.next().as_deref().unwrap_or("5m").parse()?;
    Ok(import(&[file], timeframe, &Options::default())?.series)
}

/// A synthetic market of 20,000 hours.
pub(crate) fn made_up() -> anyhow::Result<Series> {
    let market =
        SyntheticMarket { candles: 20_000, ..SyntheticMarket::new(Seed(7), Timeframe::H1) };
    Ok(market.generate()?)
}

/// Prints the last ten trades and what all of them came to.
pub(crate) fn print(trades: &[Trade], capital: f64) {
    for trade in &trades[trades.len().saturating_sub(10)..] {
        println!(
            "{}  {:5} {:>10.2} → {:>10.2}  {:>7.3} %  {}",
            Timestamp::from_ms(trade.entry_time_ms),
            trade.side.name(),
            trade.entry_price,
            trade.exit_price,
            trade.profit_pct,
            trade.exit_reason.name()
        );
    }
    let profit: f64 = trades.iter().map(|trade| trade.profit).sum();
    println!("{} trades, net profit {:.2} %", trades.len(), profit / capital * 100.0);
}
