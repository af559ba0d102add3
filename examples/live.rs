//! The strategy in `channel_breakout.rs`, traded on paper: candles come one by one, a desk gives
//! orders to a simulated venue, a driver keeps journal and records. The feed is a replay here, so
//! that it runs offline and its trades are those of `backtest.rs`; another feed and another venue
//! go in the same places.
//!
//! `cargo run --release -p tradepulse-examples --bin live -- candles.csv.gz 5m`, or without
//! arguments on a synthetic market.

#![allow(clippy::print_stdout)]

mod channel_breakout;
mod offline;

use std::sync::Arc;

use tradepulse_core::account::Trade;
use tradepulse_core::backtest::Settings;
use tradepulse_core::desk::{Control, Desk, DeskEventKind, DeskSettings, LaneSetup};
use tradepulse_core::engine::StreamingEngine;
use tradepulse_core::exchange::{Capabilities, TradingRules};
use tradepulse_core::market::{InstrumentKind, Series, Symbol};
use tradepulse_core::money::Quantity;
use tradepulse_core::order::RunTag;
use tradepulse_core::parameter::Parameters;
use tradepulse_core::risk::{RiskGate, RiskRules};
use tradepulse_core::simulation::{AccountKind, SimulatedExchange, SimulatedExchangeSettings};
use tradepulse_core::store::trading::{First, RecordFilter, TradeRecord};
use tradepulse_core::store::{MemoryStore, Page, RecordId, RegimeScope, TradingStoreExt};
use tradepulse_exec::coordinator::{
    Clock, Driver, DriverSetup, LaneOwner, Owner, Pace, PaperFeed, ReplayFeed, ReplaySpeed,
};

use channel_breakout::{ChannelBreakout, VARIABLES};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    offline::print(&trade(offline::candles()?).await?, Settings::default().capital);
    Ok(())
}

async fn trade(series: Series) -> anyhow::Result<Vec<Trade>> {
    let Settings { capital, rules, .. } = Settings::default();
    let (symbol, timeframe): (Symbol, _) = ("BTC/USDT".parse()?, series.timeframe());

    // The venue: a paper account that may go short, as a backtest does.
    let capabilities = Capabilities::full("paper".parse()?, InstrumentKind::Spot);
    let trading = TradingRules { instrument: rules.instrument, ..TradingRules::default() };
    let margin = AccountKind::Margin { leverage: 1e6 };
    let mut account = SimulatedExchangeSettings::new(capabilities.clone(), margin)
        .market(symbol.clone(), trading)
        .balance("USDT", Quantity::from_f64(capital)?);
    account.costs = rules.costs;
    let venue = Arc::new(SimulatedExchange::new(account)?);

    // The desk, with one lane: the strategy, in the engine of a backtest. Real money wants
    // `RiskRules::default()`.
    let patient = DeskSettings {
        entry_patience_ms: 2 * timeframe.as_ms(),
        order_check_ms: 0,
        ..DeskSettings::default()
    };
    let gate = RiskGate::new(RiskRules::none());
    let mut desk = Desk::new(RunTag::new(1), capital, capabilities, gate, patient);
    let parameters = Parameters::defaults(VARIABLES);
    let engine = StreamingEngine::<ChannelBreakout>::new(&parameters, rules, capital, timeframe)?;
    let setup = LaneSetup {
        name: "channel_breakout".to_owned(),
        symbol: symbol.clone(),
        timeframe,
        regime: RegimeScope::Any,
        rules: trading,
        leverage: 1.0,
        max_spread_bps: None,
    };
    desk.add(setup, Box::new(engine));

    // The driver, and what it is fed with.
    let store = Arc::new(MemoryStore::default());
    let lane = LaneOwner {
        configuration_id: RecordId::derive(&["channel_breakout"]),
        strategy: "channel_breakout".to_owned(),
    };
    let owner = Owner {
        run: "example".to_owned(),
        wallet: "main".to_owned(),
        exchange: "paper".parse()?,
        lanes: vec![lane],
    };
    let mut driver = Driver::new(DriverSetup {
        desk,
        exchange: venue.clone(),
        store: store.clone(),
        owner,
        clock: Clock::events(),
        pace: Pace::Lockstep,
    });
    driver.recover().await?;
    let replay = ReplayFeed::new([(symbol.clone(), series)], ReplaySpeed::Max);
    let mut feed = PaperFeed::new(replay, venue.clone(), [(symbol.clone(), timeframe)]);
    let (_controls, mut controls) = tokio::sync::mpsc::channel(1);
    driver.run(&mut feed, &mut controls, std::future::pending()).await?;

    // The candles have ended: what is open is closed at the last price.
    driver.tell(DeskEventKind::Control(Control::EndOfData)).await?;
    venue.fill_at_close(&symbol, driver.now())?;
    driver.finish().await?;
    let filter = RecordFilter { first: First::Oldest, ..RecordFilter::default() };
    let records = store.records::<TradeRecord>(&filter, Page::ALL).await?;
    Ok(records.iter().map(TradeRecord::trade).collect())
}

#[cfg(test)]
mod tests {
    use tradepulse_core::backtest::Backtest;

    use super::*;

    #[tokio::test]
    async fn trades_as_the_backtest_does() {
        let series = offline::made_up().unwrap();
        let backtest = Backtest::new(&series, Settings::default()).unwrap();
        let tested = backtest.run::<ChannelBreakout>(&Parameters::defaults(VARIABLES)).unwrap();
        assert!(tested.trades.len() > 10);
        assert_eq!(trade(series.clone()).await.unwrap(), tested.trades);
    }
}
