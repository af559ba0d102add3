//! A simulated venue, and an adapter of it.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use tradepulse_core::market::{Candle, Symbol};
use tradepulse_core::order::{ClientOrderId, OrderRequest, RequestKind, RunTag, Side};
use tradepulse_core::risk::{Approved, RiskGate, RiskRules};
use tradepulse_core::time::{Timeframe, Timestamp};
use tradepulse_exec::exchange::coinbase::{
    CoinbaseError, CoinbaseExchange, CoinbaseMarketData, CoinbaseSettings, Credentials,
};
use tradepulse_exec::secret::Secret;
use tradepulse_exec::simulator::{
    Dialect, SimulatedMarket, SimulatorKey, SimulatorSettings, VenueSimulator,
};

pub(crate) const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

pub(crate) fn symbol() -> Symbol {
    "BTC/USDT".parse().unwrap()
}

pub(crate) fn candle(minute: i64, [open, high, low, close]: [f64; 4]) -> Candle {
    let open_time = Timestamp::from_ms(minute * 60_000);
    Candle { open_time, open, high, low, close, volume: 1_000.0 }
}

/// A venue with these candles of a minute, 10,000 USDT and 10 BTC.
pub(crate) fn settings(history: Vec<Candle>) -> SimulatorSettings {
    let mut settings = SimulatorSettings::new(Dialect::Coinbase);
    let market = SimulatedMarket::new(Dialect::Coinbase, symbol(), Timeframe::M1, history);
    settings.markets = vec![market.unwrap()];
    settings.key = Some(SimulatorKey::known(Dialect::Coinbase));
    settings.weight_limit = 1_000_000;
    settings.balances.insert("USDT".into(), "10000".parse().unwrap());
    settings.balances.insert("BTC".into(), "10".parse().unwrap());
    settings
}

pub(crate) async fn start(settings: SimulatorSettings) -> VenueSimulator {
    // For clients that tests make themselves; an error means that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    VenueSimulator::start(LOOPBACK, 0, settings).await.unwrap()
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
    let simulator = start(settings(vec![candle(0, [100.0; 4])])).await;
    let exchange = exchange(&simulator).await.unwrap();
    (simulator, exchange)
}

pub(crate) fn id(sequence: u32) -> ClientOrderId {
    ClientOrderId::new(RunTag::new(7), sequence)
}

pub(crate) fn request(
    sequence: u32,
    side: Side,
    quantity: &str,
    kind: RequestKind,
) -> OrderRequest {
    let quantity = quantity.parse().unwrap();
    let reduce_only = false;
    OrderRequest { id: id(sequence), symbol: symbol(), side, quantity, kind, reduce_only }
}

pub(crate) fn approved(request: OrderRequest) -> Approved<OrderRequest> {
    RiskGate::new(RiskRules::default()).pass(request)
}
