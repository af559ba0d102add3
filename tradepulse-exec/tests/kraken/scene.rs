//! A simulated Kraken, and an adapter of it.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use tradepulse_core::market::{Candle, Symbol};
use tradepulse_core::money::Quantity;
use tradepulse_core::order::{ClientOrderId, OrderRequest, RequestKind, RunTag, Side};
use tradepulse_core::risk::{Approved, RiskGate, RiskRules};
use tradepulse_core::time::{Timeframe, Timestamp};
use tradepulse_exec::exchange::kraken::{
    Credentials, KrakenError, KrakenExchange, KrakenMarketData, KrakenSettings,
};
use tradepulse_exec::exchange::rate_limit::FallingCounter;
use tradepulse_exec::secret::Secret;
use tradepulse_exec::simulator::{
    Dialect, SimulatedMarket, SimulatorKey, SimulatorSettings, VenueSimulator,
};

pub(crate) const KEY: &str = "simulated-key";
pub(crate) const SECRET: &str = "c2ltdWxhdGVkLXNlY3JldA==";
const UNLIMITED: FallingCounter = FallingCounter { most: 1e9, per_second: 1.0 };

pub(crate) fn symbol() -> Symbol {
    "BTC/USDT".parse().unwrap()
}

pub(crate) fn candle(minute: i64, [open, high, low, close]: [f64; 4]) -> Candle {
    let open_time = Timestamp::from_ms(minute * 60_000);
    Candle { open_time, open, high, low, close, volume: 1_000.0 }
}

/// A venue with these candles of a minute, 10,000 USDT and 10 BTC.
pub(crate) fn settings(history: Vec<Candle>) -> SimulatorSettings {
    let mut settings = SimulatorSettings::new(Dialect::Kraken);
    let market = SimulatedMarket::new(Dialect::Kraken, symbol(), Timeframe::M1, history);
    settings.markets = vec![market.unwrap()];
    settings.key = Some(SimulatorKey { key: KEY.into(), secret: Secret::new(SECRET) });
    settings.weight_limit = 1_000_000;
    settings.balances.insert("USDT".into(), "10000".parse().unwrap());
    settings.balances.insert("BTC".into(), "10".parse().unwrap());
    settings
}

pub(crate) async fn start(settings: SimulatorSettings) -> VenueSimulator {
    VenueSimulator::start(IpAddr::V4(Ipv4Addr::LOCALHOST), 0, settings).await.unwrap()
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
    let quantity: Quantity = quantity.parse().unwrap();
    let reduce_only = false;
    OrderRequest { id: id(sequence), symbol: symbol(), side, quantity, kind, reduce_only }
}

pub(crate) fn approved(request: OrderRequest) -> Approved<OrderRequest> {
    RiskGate::new(RiskRules::default()).pass(request)
}

pub(crate) fn market(sequence: u32) -> Approved<OrderRequest> {
    approved(request(sequence, Side::Long, "1", RequestKind::Market))
}
