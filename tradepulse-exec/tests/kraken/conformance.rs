use std::sync::Arc;

use async_trait::async_trait;
use tradepulse_core::conformance::exchange::{Failure, cases};
use tradepulse_core::exchange::{Capabilities, Exchange};
use tradepulse_exec::exchange::kraken;
use tradepulse_exec::simulator::{Dialect, VenueSimulator};

use crate::scene::exchange;
use crate::simulated::suite::{Adapter, IN_PARTS, conforms};

struct Kraken;

#[async_trait]
impl Adapter for Kraken {
    fn dialect(&self) -> Dialect {
        Dialect::Kraken
    }

    fn capabilities(&self) -> Capabilities {
        kraken::capabilities()
    }

    async fn connect(&self, simulator: &VenueSimulator) -> Result<Arc<dyn Exchange>, Failure> {
        Ok(Arc::new(exchange(simulator).await.map_err(Failure::new)?))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kraken_conforms() {
    let run = conforms(Kraken, None).await;
    let all = cases().len();
    assert!(
        run + 8 >= all,
        "{run} of {all} cases: all but pairs, positions and reduce-only orders"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kraken_conforms_with_partial_fills() {
    conforms(Kraken, IN_PARTS).await;
}
