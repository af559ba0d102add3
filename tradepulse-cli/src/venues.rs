//! The venues that a configuration names.

use std::sync::Arc;

use anyhow::Result;
use tradepulse_core::exchange::{Exchange, MarketData};
use tradepulse_exec::config::Config;
#[cfg(feature = "venues")]
use tradepulse_exec::exchange::venue::{Venue, VenueAccess};

/// The market data of the venue that the configuration names.
#[cfg(feature = "venues")]
pub(crate) async fn market_data(config: &Config) -> Result<Arc<dyn MarketData>> {
    let (venue, access) = named(config, "main")?;
    Ok(venue.market_data(access).await?)
}

/// The account of this wallet.
#[cfg(feature = "venues")]
pub(crate) async fn exchange(config: &Config, wallet: &str) -> Result<Arc<dyn Exchange>> {
    let (venue, access) = named(config, wallet)?;
    Ok(venue.exchange(access).await?)
}

/// Whether there is an adapter for the venue that the configuration names.
#[cfg(feature = "venues")]
pub(crate) fn has_adapter(config: &Config) -> Result<()> {
    Venue::named(&config.exchange.name, config.exchange.market.into())?;
    Ok(())
}

#[cfg(feature = "venues")]
fn named(config: &Config, wallet: &str) -> Result<(Venue, VenueAccess)> {
    use anyhow::Context;

    let exchange = &config.exchange;
    let venue = Venue::named(&exchange.name, exchange.market.into()).context(
        "exchange.name: trade on stored candles with --replay, and --data FILE for candles that \
         are not imported",
    )?;
    Ok((venue, VenueAccess::of_config(config, wallet, |name| std::env::var(name).ok())?))
}

/// There is none in a build without adapters.
#[cfg(not(feature = "venues"))]
pub(crate) fn has_adapter(_: &Config) -> Result<()> {
    anyhow::bail!("this build has no exchange adapters (features `binance`, `coinbase`, `kraken`)")
}

/// There is none in a build without adapters.
#[cfg(not(feature = "venues"))]
pub(crate) async fn market_data(_: &Config) -> Result<Arc<dyn MarketData>> {
    anyhow::bail!(
        "this build has no exchange adapters (features `binance`, `coinbase`, `kraken`); trade with --replay"
    )
}

/// There is none in a build without adapters.
#[cfg(not(feature = "venues"))]
pub(crate) async fn exchange(_: &Config, _: &str) -> Result<Arc<dyn Exchange>> {
    anyhow::bail!("this build has no exchange adapters (features `binance`, `coinbase`, `kraken`)")
}
