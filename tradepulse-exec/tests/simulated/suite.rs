//! The suite that every venue passes, over HTTP and streams.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use tradepulse_core::conformance::exchange::{
    ExchangeFactory, Failure, TestVenue, rules, run, symbol,
};
use tradepulse_core::exchange::{Capabilities, Exchange};
use tradepulse_core::money::Quantity;
use tradepulse_core::random::Seed;
use tradepulse_core::simulation::PartialFills;
use tradepulse_exec::simulator::{Dialect, VenueSimulator};

use super::{candle, settings, start};

/// Orders that fill in three parts.
pub(crate) const IN_PARTS: Option<PartialFills> = Some(PartialFills { parts: 3, seed: Seed(3) });

/// How an adapter is connected to a simulated venue.
#[async_trait]
pub(crate) trait Adapter: Send + Sync {
    fn dialect(&self) -> Dialect;

    fn capabilities(&self) -> Capabilities;

    async fn connect(&self, simulator: &VenueSimulator) -> Result<Arc<dyn Exchange>, Failure>;
}

struct Factory<A> {
    adapter: A,
    partial_fills: Option<PartialFills>,
}

struct Simulated {
    simulator: VenueSimulator,
    exchange: Arc<dyn Exchange>,
    minute: AtomicI64,
}

#[async_trait]
impl<A: Adapter> ExchangeFactory for Factory<A> {
    fn capabilities(&self) -> Capabilities {
        self.adapter.capabilities()
    }

    async fn make(
        &self,
        balances: &BTreeMap<String, Quantity>,
    ) -> Result<Box<dyn TestVenue>, Failure> {
        let mut settings = settings(self.adapter.dialect(), vec![candle(0, [100.0; 4])]);
        settings.balances.clone_from(balances);
        settings.markets[0].rules = rules(&self.capabilities())?;
        settings.partial_fills = self.partial_fills;
        let simulator = start(settings).await;
        let exchange = self.adapter.connect(&simulator).await?;
        Ok(Box::new(Simulated { simulator, exchange, minute: AtomicI64::new(1) }))
    }
}

#[async_trait]
impl TestVenue for Simulated {
    fn exchange(&self) -> Arc<dyn Exchange> {
        Arc::clone(&self.exchange)
    }

    async fn trade(&self, open: f64, high: f64, low: f64, close: f64) -> Result<(), Failure> {
        let minute = self.minute.fetch_add(1, Ordering::Relaxed);
        let candle = candle(minute, [open, high, low, close]);
        self.simulator.trade(&symbol()?, candle).map_err(Failure::new)
    }

    async fn settle(&self) {
        self.simulator.settle().await;
    }

    async fn place_foreign(&self) -> Result<Option<String>, Failure> {
        Ok(self.simulator.place_foreign(&symbol()?, "web-4711"))
    }
}

/// Runs all cases that the venue can be put to; how many those were.
pub(crate) async fn conforms(adapter: impl Adapter, partial_fills: Option<PartialFills>) -> usize {
    let dialect = adapter.dialect();
    let report = run(&Factory { adapter, partial_fills }).await;
    assert!(report.is_clean(), "{dialect}, partial fills {partial_fills:?}:\n{report}");
    report.results.len()
}
