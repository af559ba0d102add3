use std::sync::Arc;

use async_trait::async_trait;
use tradepulse_core::conformance::exchange::{Failure, cases};
use tradepulse_core::exchange::{Capabilities, Exchange};
use tradepulse_exec::exchange::coinbase;
use tradepulse_exec::simulator::{Dialect, VenueSimulator};

use crate::scene::exchange;
use crate::simulated::suite::{Adapter, IN_PARTS, conforms};

struct Coinbase;

#[async_trait]
impl Adapter for Coinbase {
    fn dialect(&self) -> Dialect {
        Dialect::Coinbase
    }

    fn capabilities(&self) -> Capabilities {
        coinbase::capabilities()
    }

    async fn connect(&self, simulator: &VenueSimulator) -> Result<Arc<dyn Exchange>, Failure> {
        Ok(Arc::new(exchange(simulator).await.map_err(Failure::new)?))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coinbase_conforms() {
    let run = conforms(Coinbase, None).await;
    let all = cases().len();
    assert!(run + 2 >= all, "{run} of {all} cases: all but positions and reduce-only orders");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coinbase_conforms_with_partial_fills() {
    conforms(Coinbase, IN_PARTS).await;
}
