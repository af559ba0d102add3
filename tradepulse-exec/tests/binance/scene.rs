//! An adapter of Binance at a simulated venue.

use std::time::Duration;

use tradepulse_exec::exchange::binance::{
    BinanceError, BinanceExchange, BinanceMarketData, BinanceSettings, BinanceVenue, Credentials,
};
use tradepulse_exec::secret::Secret;
use tradepulse_exec::simulator::{Dialect, VenueSimulator};

use crate::simulated::standing_at_hundred;
pub(crate) use crate::simulated::{
    KEY, approved, candle, id, market, request, settings, start, symbol,
};

pub(crate) const SECRET: &str = "simulated-secret";

/// The dialects of these venues.
pub(crate) const DIALECTS: [Dialect; 3] =
    [Dialect::Binance, Dialect::BinanceUs, Dialect::BinanceUsdM];

pub(crate) const fn venue(dialect: Dialect) -> BinanceVenue {
    match dialect {
        Dialect::BinanceUs => BinanceVenue::Us,
        Dialect::BinanceUsdM => BinanceVenue::UsdFutures,
        _ => BinanceVenue::Spot,
    }
}

pub(crate) fn access(
    dialect: Dialect,
    simulator: &VenueSimulator,
    secret: Option<&str>,
) -> BinanceSettings {
    let mut settings = BinanceSettings::new(venue(dialect));
    settings.rest_url = Some(simulator.rest_url());
    settings.stream_url = Some(simulator.stream_url());
    settings.timeout = Duration::from_secs(5);
    settings.credentials =
        secret.map(|text| Credentials::new(Secret::new(KEY), &Secret::new(text)).unwrap());
    settings
}

pub(crate) async fn exchange(
    dialect: Dialect,
    simulator: &VenueSimulator,
) -> Result<BinanceExchange, BinanceError> {
    BinanceExchange::connect(access(dialect, simulator, Some(SECRET))).await
}

pub(crate) async fn data(dialect: Dialect, simulator: &VenueSimulator) -> BinanceMarketData {
    BinanceMarketData::connect(access(dialect, simulator, None)).await.unwrap()
}

/// A venue at 100, and its adapter.
pub(crate) async fn at_hundred(dialect: Dialect) -> (VenueSimulator, BinanceExchange) {
    let simulator = standing_at_hundred(dialect).await;
    let exchange = exchange(dialect, &simulator).await.unwrap();
    (simulator, exchange)
}
