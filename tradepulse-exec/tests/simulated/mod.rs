//! Simulated venues, and what their adapters have in common: each venue's tests are a program of
//! its own, and use a part.

#![allow(dead_code)]

pub(crate) mod suite;
pub(crate) mod traps;

use std::net::{IpAddr, Ipv4Addr};

use tradepulse_core::market::{Candle, Symbol};
use tradepulse_core::order::{ClientOrderId, OrderRequest, RequestKind, RunTag, Side};
use tradepulse_core::risk::{Approved, RiskGate, RiskRules};
use tradepulse_core::time::{Timeframe, Timestamp};
use tradepulse_exec::simulator::{
    Dialect, SimulatedMarket, SimulatorKey, SimulatorSettings, VenueSimulator,
};

/// The name of the key of every simulated account.
pub(crate) const KEY: &str = "simulated-key";

pub(crate) fn symbol() -> Symbol {
    "BTC/USDT".parse().unwrap()
}

pub(crate) fn candle(minute: i64, [open, high, low, close]: [f64; 4]) -> Candle {
    let open_time = Timestamp::from_ms(minute * 60_000);
    Candle { open_time, open, high, low, close, volume: 1_000.0 }
}

/// A venue with these candles of a minute, 10,000 USDT and, where coins are held, 10 BTC.
pub(crate) fn settings(dialect: Dialect, history: Vec<Candle>) -> SimulatorSettings {
    let mut settings = SimulatorSettings::new(dialect);
    let market = SimulatedMarket::new(dialect, symbol(), Timeframe::M1, history);
    settings.markets = vec![market.unwrap()];
    settings.key = Some(SimulatorKey::known(dialect));
    settings.weight_limit = 1_000_000;
    settings.balances.insert("USDT".into(), "10000".parse().unwrap());
    if dialect != Dialect::BinanceUsdM {
        settings.balances.insert("BTC".into(), "10".parse().unwrap());
    }
    settings
}

pub(crate) async fn start(settings: SimulatorSettings) -> VenueSimulator {
    // For clients that tests make themselves; an error means that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    VenueSimulator::start(IpAddr::V4(Ipv4Addr::LOCALHOST), 0, settings).await.unwrap()
}

/// A venue where the last price is 100.
pub(crate) async fn standing_at_hundred(dialect: Dialect) -> VenueSimulator {
    start(settings(dialect, vec![candle(0, [100.0; 4])])).await
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

/// An order that buys one at market.
pub(crate) fn market(sequence: u32) -> Approved<OrderRequest> {
    approved(request(sequence, Side::Long, "1", RequestKind::Market))
}
