//! A simulated Kraken, and an adapter of it.

use std::time::Duration;

use tradepulse_core::market::Candle;
use tradepulse_exec::exchange::kraken::{
    Credentials, KrakenError, KrakenExchange, KrakenMarketData, KrakenSettings,
};
use tradepulse_exec::exchange::rate_limit::FallingCounter;
use tradepulse_exec::secret::Secret;
use tradepulse_exec::simulator::{Dialect, SimulatorSettings, VenueSimulator};

use crate::simulated::{self, standing_at_hundred};
pub(crate) use crate::simulated::{KEY, approved, candle, id, market, request, start, symbol};

pub(crate) const SECRET: &str = "c2ltdWxhdGVkLXNlY3JldA==";
const UNLIMITED: FallingCounter = FallingCounter { most: 1e9, per_second: 1.0 };

/// A venue with these candles of a minute, 10,000 USDT and 10 BTC.
pub(crate) fn settings(history: Vec<Candle>) -> SimulatorSettings {
    simulated::settings(Dialect::Kraken, history)
}

pub(crate) fn access(simulator: &VenueSimulator, secret: Option<&str>) -> KrakenSettings {
    let credentials = |text| Credentials::new(Secret::new(KEY), &Secret::new(text)).unwrap();
    KrakenSettings {
        rest_url: Some(simulator.rest_url()),
        stream_url: Some(simulator.stream_url()),
        timeout: Duration::from_secs(5),
        credentials: secret.map(credentials),
        account_limit: UNLIMITED,
        market_limit: UNLIMITED,
    }
}

pub(crate) async fn exchange(simulator: &VenueSimulator) -> Result<KrakenExchange, KrakenError> {
    KrakenExchange::connect(access(simulator, Some(SECRET))).await
}

pub(crate) async fn data(simulator: &VenueSimulator) -> KrakenMarketData {
    KrakenMarketData::connect(access(simulator, None)).await.unwrap()
}

/// A venue at 100, and its adapter.
pub(crate) async fn at_hundred() -> (VenueSimulator, KrakenExchange) {
    let simulator = standing_at_hundred(Dialect::Kraken).await;
    let exchange = exchange(&simulator).await.unwrap();
    (simulator, exchange)
}
