//! A coordinator in a program of one's own: a strategy behind risk gate, order desk and journal, on
//! paper, on a made-up market.
//!
//! `cargo run --release -p tradepulse-examples --bin coordinator`

#![allow(clippy::print_stdout)]

#[allow(dead_code)]
mod channel_breakout;

use std::sync::Arc;

use tradepulse_core::market::SyntheticMarket;
use tradepulse_core::random::Seed;
use tradepulse_core::store::trading::{OrderRecord, RecordFilter, TradingStoreExt};
use tradepulse_core::store::{MemoryStore, Page};
use tradepulse_core::strategy::Registry;
use tradepulse_core::time::Timeframe;
use tradepulse_exec::config::Config;
use tradepulse_exec::coordinator::Clock;
use tradepulse_exec::coordinator::session::{Replay, Session, StopSignal};

const CONFIG: &str = "
symbols: [BTC/USDT]
trading:
  paper_capital: 10000
  position_size_method: fixed_fraction
  position_size_fraction: 0.4
  configurations:
    - {strategy: channel_breakout, parameters: {channel: 100}}
safety:
  max_daily_trades: 4
";

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let market = SyntheticMarket::new(Seed(7), Timeframe::M5).generate()?;
    let config = Config::parse(CONFIG, [])?.config;
    let registry = Registry::new().with::<channel_breakout::ChannelBreakout>();
    // SqliteStore remembers; with `trade` in the place of `replay`, and the market data of
    // a venue, the same session trades the candles of now.
    let store = Arc::new(MemoryStore::default());
    let session = Session::new(config, registry, &[], store.clone(), Clock::system())?;
    let candles = [("BTC/USDT".parse()?, market)];

    for wallet in session.replay(&Replay::new(&candles), &StopSignal::never()).await? {
        let (trades, refused) = (wallet.trades.len(), wallet.counters.refusals);
        println!("{}: {trades} trades, {refused} entries refused", wallet.run);
        println!("equity {:.2} of {:.2}", wallet.equity, wallet.capital);
    }
    let all = RecordFilter::default();
    let orders: Vec<OrderRecord> = store.records(&all, Page::first(5)).await?;
    for order in orders {
        println!("{} {} {} {}", order.id, order.symbol, order.kind.name(), order.state.name());
    }
    Ok(())
}
