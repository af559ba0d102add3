//! The venues this program has adapters for.

use std::sync::Arc;

use anyhow::Result;
use tradepulse_core::exchange::MarketData;
use tradepulse_exec::config::Config;

/// The market data of the venue that the configuration names.
#[cfg(feature = "binance")]
pub(crate) async fn market_data(config: &Config) -> Result<Arc<dyn MarketData>> {
    use anyhow::Context;
    use tradepulse_exec::exchange::venue::{Venue, VenueAccess};

    let venue = Venue::named(&config.exchange.name, config.exchange.market.into());
    let venue = venue.context(
        "exchange.name; stored candles are traded with --replay, and --data FILE takes candles \
         that are not imported",
    )?;
    let access = VenueAccess::of_config(config, |name| std::env::var(name).ok())?;
    Ok(venue.market_data(access).await?)
}

/// The same, in a program without adapters.
#[cfg(not(feature = "binance"))]
pub(crate) async fn market_data(config: &Config) -> Result<Arc<dyn MarketData>> {
    anyhow::bail!(
        "exchange.name: this program was built without an adapter for {}; trade on stored candles \
         with --replay, and --data FILE for candles that are not imported",
        config.exchange.name
    )
}
