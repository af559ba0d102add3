use std::collections::BTreeMap;
use std::sync::Arc;

use tradepulse_core::desk::{Control, DeskEventKind, DeskSettings};
use tradepulse_core::exchange::Capabilities;
use tradepulse_core::market::{ExchangeName, Symbol};
use tradepulse_core::money::Quantity;
use tradepulse_core::order::RunTag;
use tradepulse_core::simulation::{AccountKind, SimulatedExchange, SimulatedExchangeSettings};
use tradepulse_core::store::MemoryStore;
use tradepulse_core::strategy::Registry;
use tradepulse_core::time::Timeframe;

use super::RunParityError;
use super::candles::MarketEvent;
use super::trades::{self, Found};
use crate::coordinator::{Clock, Driver, DriverSetup, FollowsMarket, Owner, Pace, RunSettings};

/// What the simulator trades on these candles. `ended`: what is open at the end is closed at the
/// last close.
pub(super) async fn rerun(
    settings: &RunSettings,
    registry: &Registry,
    exchange: &ExchangeName,
    events: &[MarketEvent],
    ended: bool,
) -> Result<Vec<Found>, RunParityError> {
    const RUN: &str = "rerun";
    let venue = Arc::new(SimulatedExchange::new(account(settings, exchange))?);
    let store = Arc::new(MemoryStore::default());
    let longest = settings.lanes.iter().map(|lane| lane.timeframe.as_ms()).max().unwrap_or(0);
    let patience = DeskSettings {
        // An order meets the next candle, however long that is.
        entry_patience_ms: 2 * longest,
        order_check_ms: 0,
        ..settings.desk.clone()
    };
    let capabilities = Capabilities::full(exchange.clone(), settings.capabilities.kind);
    let owner = Owner {
        run: RUN.to_owned(),
        wallet: RUN.to_owned(),
        exchange: exchange.clone(),
        lanes: settings.plan(registry)?.owners(),
    };
    let mut driver = Driver::new(DriverSetup {
        desk: settings.desk(registry, RunTag::new(0), capabilities, patience)?,
        exchange: venue.clone(),
        store: store.clone(),
        owner,
        clock: Clock::events(),
        pace: Pace::Lockstep,
    });
    driver.recover().await?;
    // The venue meets one timeframe of each market, the shortest.
    let mut shortest: BTreeMap<&Symbol, Timeframe> = BTreeMap::new();
    for lane in &settings.lanes {
        let known = shortest.entry(&lane.symbol).or_insert(lane.timeframe);
        *known = lane.timeframe.min(*known);
    }
    for event in events {
        let MarketEvent { warm_up, ref symbol, timeframe, candle, advice } = *event;
        let symbol = symbol.clone();
        if warm_up {
            driver.tell(DeskEventKind::WarmUp { symbol, timeframe, candle }).await?;
            continue;
        }
        if shortest.get(&symbol) == Some(&timeframe) {
            venue.candle(&symbol, timeframe, candle)?;
        }
        driver.feed_advised(symbol, timeframe, candle, advice).await?;
    }
    driver.drain().await?;
    if ended {
        let last = driver.now();
        driver.tell(DeskEventKind::Control(Control::EndOfData)).await?;
        for symbol in shortest.keys() {
            venue.fill_at_close(symbol, last)?;
        }
    }
    driver.finish().await?;
    trades::of_run(&*store, RUN).await.map_err(Into::into)
}

/// The account of the simulator: the costs of the run, no latency, whole fills.
fn account(settings: &RunSettings, exchange: &ExchangeName) -> SimulatedExchangeSettings {
    let capabilities = Capabilities::full(exchange.clone(), settings.capabilities.kind);
    // The risk gate limits exposure; the venue's margin only has to be out of its way.
    let mut account =
        SimulatedExchangeSettings::new(capabilities, AccountKind::Margin { leverage: 1e6 });
    account.costs = settings.rules.costs;
    for (symbol, rules) in &settings.markets {
        let capital = Quantity::from_f64(settings.capital).unwrap_or_default();
        account = account.market(symbol.clone(), *rules).balance(symbol.quote(), capital);
    }
    account
}
