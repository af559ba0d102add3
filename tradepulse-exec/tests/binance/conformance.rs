use std::sync::Arc;

use async_trait::async_trait;
use tradepulse_core::conformance::exchange::{Failure, cases};
use tradepulse_core::exchange::{Capabilities, Exchange};
use tradepulse_exec::simulator::{Dialect, VenueSimulator};

use crate::scene::{exchange, venue};
use crate::simulated::suite::{Adapter, IN_PARTS, conforms};

struct Binance(Dialect);

#[async_trait]
impl Adapter for Binance {
    fn dialect(&self) -> Dialect {
        self.0
    }

    fn capabilities(&self) -> Capabilities {
        venue(self.0).capabilities()
    }

    async fn connect(&self, simulator: &VenueSimulator) -> Result<Arc<dyn Exchange>, Failure> {
        Ok(Arc::new(exchange(self.0, simulator).await.map_err(Failure::new)?))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn binance_conforms() {
    let run = conforms(Binance(Dialect::Binance), None).await;
    let all = cases().len();
    assert!(run + 2 >= all, "{run} of {all} cases: all but positions and reduce-only orders");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn binance_conforms_with_partial_fills() {
    conforms(Binance(Dialect::Binance), IN_PARTS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn binance_us_conforms() {
    conforms(Binance(Dialect::BinanceUs), None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn binance_futures_conform() {
    conforms(Binance(Dialect::BinanceUsdM), None).await;
}
