//! The suite that every venue passes, over HTTP and streams.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use tradepulse_core::conformance::exchange::{
    ExchangeFactory, Failure, TestVenue, cases, rules, run, symbol,
};
use tradepulse_core::exchange::{Capabilities, Exchange};
use tradepulse_core::money::Quantity;
use tradepulse_core::random::Seed;
use tradepulse_core::simulation::PartialFills;
use tradepulse_exec::exchange::kraken;
use tradepulse_exec::simulator::VenueSimulator;

use crate::scene::{candle, exchange, settings, start};

struct Factory {
    partial_fills: Option<PartialFills>,
}

struct Simulated {
    simulator: VenueSimulator,
    adapter: Arc<dyn Exchange>,
    minute: AtomicI64,
}

#[async_trait]
impl ExchangeFactory for Factory {
    fn capabilities(&self) -> Capabilities {
        kraken::capabilities()
    }

    async fn make(
        &self,
        balances: &BTreeMap<String, Quantity>,
    ) -> Result<Box<dyn TestVenue>, Failure> {
        let mut settings = settings(vec![candle(0, [100.0; 4])]);
        settings.balances.clone_from(balances);
        settings.markets[0].rules = rules(&self.capabilities())?;
        settings.partial_fills = self.partial_fills;
        let simulator = start(settings).await;
        let adapter = exchange(&simulator).await.map_err(Failure::new)?;
        let (adapter, minute) = (Arc::new(adapter), AtomicI64::new(1));
        Ok(Box::new(Simulated { simulator, adapter, minute }))
    }
}

#[async_trait]
impl TestVenue for Simulated {
    fn exchange(&self) -> Arc<dyn Exchange> {
        Arc::clone(&self.adapter)
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

async fn conforms(partial_fills: Option<PartialFills>) -> usize {
    let report = run(&Factory { partial_fills }).await;
    assert!(report.is_clean(), "partial fills {partial_fills:?}:\n{report}");
    report.results.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kraken_conforms() {
    let run = conforms(None).await;
    let all = cases().len();
    assert!(
        run + 8 >= all,
        "{run} of {all} cases: all but pairs, positions and reduce-only orders"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kraken_conforms_with_partial_fills() {
    conforms(Some(PartialFills { parts: 3, seed: Seed(3) })).await;
}
