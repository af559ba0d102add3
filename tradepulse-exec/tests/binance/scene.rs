//! A simulated venue, and an adapter of it.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use tradepulse_core::market::{Candle, Symbol};
use tradepulse_core::money::Quantity;
use tradepulse_core::order::{ClientOrderId, OrderRequest, RequestKind, RunTag, Side};
use tradepulse_core::risk::{Approved, RiskGate, RiskRules};
use tradepulse_core::time::{Timeframe, Timestamp};
use tradepulse_exec::exchange::binance::{
    BinanceError, BinanceExchange, BinanceMarketData, BinanceSettings, BinanceVenue, Credentials,
};
use tradepulse_exec::secret::Secret;
use tradepulse_exec::simulator::{
    Dialect, SimulatedMarket, SimulatorKey, SimulatorSettings, VenueSimulator,
};

pub(crate) const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
pub(crate) const KEY: &str = "simulated-key";
pub(crate) const SECRET: &str = "simulated-secret";

/// The dialects of these venues.
pub(crate) const DIALECTS: [Dialect; 3] =
    [Dialect::Binance, Dialect::BinanceUs, Dialect::BinanceUsdM];

pub(crate) fn symbol() -> Symbol {
    "BTC/USDT".parse().unwrap()
}

pub(crate) fn candle(minute: i64, [open, high, low, close]: [f64; 4]) -> Candle {
    let open_time = Timestamp::from_ms(minute * 60_000);
    Candle { open_time, open, high, low, close, volume: 1_000.0 }
}

pub(crate) const fn venue(dialect: Dialect) -> BinanceVenue {
    match dialect {
        Dialect::BinanceUs => BinanceVenue::Us,
        Dialect::BinanceUsdM => BinanceVenue::UsdFutures,
        _ => BinanceVenue::Spot,
    }
}

/// A venue with these candles of a minute, 10,000 USDT and, where coins are held, 10 BTC.
pub(crate) fn settings(dialect: Dialect, history: Vec<Candle>) -> SimulatorSettings {
    let mut settings = SimulatorSettings::new(dialect);
    settings.markets =
        vec![SimulatedMarket::new(dialect, symbol(), Timeframe::M1, history).unwrap()];
    settings.key = Some(SimulatorKey { key: KEY.into(), secret: Secret::new(SECRET) });
    settings.weight_limit = 1_000_000;
    settings.balances.insert("USDT".into(), "10000".parse().unwrap());
    if dialect != Dialect::BinanceUsdM {
        settings.balances.insert("BTC".into(), "10".parse().unwrap());
    }
    settings
}

pub(crate) async fn start(settings: SimulatorSettings) -> VenueSimulator {
    VenueSimulator::start(LOOPBACK, 0, settings).await.unwrap()
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
    let simulator = start(settings(dialect, vec![candle(0, [100.0; 4])])).await;
    let exchange = exchange(dialect, &simulator).await.unwrap();
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
