//! A simulated Coinbase, and an adapter of it.

use std::time::Duration;

use tradepulse_core::market::Candle;
use tradepulse_exec::exchange::coinbase::{
    CoinbaseError, CoinbaseExchange, CoinbaseMarketData, CoinbaseSettings, Credentials,
};
use tradepulse_exec::secret::Secret;
use tradepulse_exec::simulator::{Dialect, SimulatorKey, SimulatorSettings, VenueSimulator};

use crate::simulated::{self, standing_at_hundred};
pub(crate) use crate::simulated::{approved, candle, id, market, request, start, symbol};

/// A venue with these candles of a minute, 10,000 USDT and 10 BTC.
pub(crate) fn settings(history: Vec<Candle>) -> SimulatorSettings {
    simulated::settings(Dialect::Coinbase, history)
}

pub(crate) fn access(simulator: &VenueSimulator, key: Option<SimulatorKey>) -> CoinbaseSettings {
    CoinbaseSettings {
        rest_url: Some(simulator.rest_url()),
        stream_url: Some(simulator.stream_url()),
        timeout: Duration::from_secs(5),
        credentials: key.map(|key| Credentials::new(Secret::new(key.key), &key.secret).unwrap()),
        requests_per_second: Some(1_000_000),
    }
}

pub(crate) async fn exchange(
    simulator: &VenueSimulator,
) -> Result<CoinbaseExchange, CoinbaseError> {
    let key = SimulatorKey::known(Dialect::Coinbase);
    CoinbaseExchange::connect(access(simulator, Some(key))).await
}

pub(crate) async fn data(simulator: &VenueSimulator) -> CoinbaseMarketData {
    CoinbaseMarketData::connect(access(simulator, None)).await.unwrap()
}

/// A venue at 100, and its adapter.
pub(crate) async fn at_hundred() -> (VenueSimulator, CoinbaseExchange) {
    let simulator = standing_at_hundred(Dialect::Coinbase).await;
    let exchange = exchange(&simulator).await.unwrap();
    (simulator, exchange)
}
