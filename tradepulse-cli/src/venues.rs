//! The venues that a configuration names.

use std::sync::Arc;

use anyhow::Result;
use tradepulse_core::exchange::MarketData;
use tradepulse_exec::config::Config;

/// The market data of the venue that the configuration names.
#[cfg(feature = "binance")]
pub(crate) async fn market_data(config: &Config) -> Result<Arc<dyn MarketData>> {
    use anyhow::Context;
    use tradepulse_exec::exchange::venue::{Venue, VenueAccess};

    let exchange = &config.exchange;
    let venue = Venue::named(&exchange.name, exchange.market.into()).context(
        "exchange.name: trade on stored candles with --replay, and --data FILE for candles that \
         are not imported",
    )?;
    let access = VenueAccess::of_config(config, |name| std::env::var(name).ok())?;
    Ok(venue.market_data(access).await?)
}

/// There is none in a build without adapters.
#[cfg(not(feature = "binance"))]
pub(crate) async fn market_data(_: &Config) -> Result<Arc<dyn MarketData>> {
    anyhow::bail!("this build has no exchange adapters (feature `binance`); trade with --replay")
}
