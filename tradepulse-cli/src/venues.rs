//! The venues this program has adapters for.

use std::sync::Arc;

use anyhow::{Result, bail};
use tradepulse_core::exchange::MarketData;
use tradepulse_exec::config::Exchange;

/// Names of the venues whose market data can be had.
const MARKET_DATA: [&str; 0] = [];

/// The market data of the venue that the configuration names.
pub(crate) fn market_data(exchange: &Exchange) -> Result<Arc<dyn MarketData>> {
    let name = exchange.name.to_string();
    let supported = match MARKET_DATA {
        [] => "none in this version".to_owned(),
        #[allow(unreachable_patterns)]
        names => names.join(", "),
    };
    bail!(
        "exchange.name: there is no adapter for {name} (supported: {supported}); trade on stored \
         candles with --replay, and --data FILE for candles that are not imported"
    )
}
