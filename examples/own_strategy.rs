//! A strategy of your own, run and registered: the strategy itself is `channel_breakout.rs`. It runs
//! on a synthetic market here; `backtest.rs` shows real candles, `train_own_strategy.rs` training.
//!
//! `cargo run --release -p tradepulse-examples --bin own_strategy`

#![allow(clippy::print_stdout)]

mod channel_breakout;

use tradepulse_core::backtest::{Backtest, Settings};
use tradepulse_core::market::SyntheticMarket;
use tradepulse_core::parameter::Parameters;
use tradepulse_core::random::Seed;
use tradepulse_core::strategy::Registry;
use tradepulse_core::time::Timeframe;

use channel_breakout::{ChannelBreakout, VARIABLES};

fn main() -> anyhow::Result<()> {
    let series = SyntheticMarket::new(Seed(7), Timeframe::H1).generate()?;
    let backtest = Backtest::new(&series, Settings::default())?;

    // With its type, where the program knows it:
    let parameters = Parameters::defaults(VARIABLES).with("channel", 100_i64)?;
    let outcome = backtest.run::<ChannelBreakout>(&parameters)?;
    println!("{} trades on a synthetic market", outcome.trades.len());
    println!("net profit {:.2} %", outcome.metrics.net_profit_pct);

    // By its name, where a user chooses; this line is all there is to register:
    let registry = Registry::new().with::<ChannelBreakout>();
    let verdict = registry.get("channel_breakout")?.lookahead(&backtest, &parameters, 20)?;
    println!("looks ahead: {}", verdict.difference.is_some());
    Ok(())
}

#[cfg(test)]
mod tests {
    use tradepulse_core::order::Side;

    use super::*;

    #[test]
    fn trades_and_does_not_look_ahead() {
        let market =
            SyntheticMarket { candles: 20_000, ..SyntheticMarket::new(Seed(1), Timeframe::H1) };
        let series = market.generate().unwrap();
        let backtest = Backtest::new(&series, Settings::default()).unwrap();
        let parameters = Parameters::defaults(VARIABLES);
        let outcome = backtest.run::<ChannelBreakout>(&parameters).unwrap();
        assert!(outcome.trades.len() > 10);
        assert!(outcome.trades.iter().all(|t| t.side == Side::Long));
        let registry = Registry::new().with::<ChannelBreakout>();
        let strategy = registry.get("channel_breakout").unwrap();
        let verdict = strategy.lookahead(&backtest, &parameters, 10).unwrap();
        assert_eq!(verdict.difference, None);
    }
}
