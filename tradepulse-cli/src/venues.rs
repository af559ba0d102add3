//! The venues this program has adapters for.

use std::sync::Arc;

use anyhow::{Result, bail};
use tradepulse_core::exchange::MarketData;
use tradepulse_exec::config::Exchange;

/// Names of the venues whose market data can be had, as a person reads them.
const MARKET_DATA: &str = "none in this version";

/// The market data of the venue that the configuration names.
pub(crate) async fn market_data(exchange: &Exchange) -> Result<Arc<dyn MarketData>> {
    bail!(
        "exchange.name: there is no adapter for {} (supported: {MARKET_DATA}); trade on stored \
         candles with --replay, and --data FILE for candles that are not imported",
        exchange.name
    )
}
