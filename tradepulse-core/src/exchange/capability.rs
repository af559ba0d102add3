use serde::{Deserialize, Serialize};

use crate::market::{ExchangeName, InstrumentKind};

/// How a stop and a target can be kept at a venue so that at most one of them fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protection {
    /// The venue has pairs itself ([`RequestKind::Oco`](crate::order::RequestKind::Oco)).
    NativeOco,
    /// Stop and target rest as two reduce-only orders; whoever watches them cancels the other one.
    TwoOrders,
    /// The stop rests at the venue; the target is watched by us.
    StopOnly,
    /// Nothing but market orders: both are watched by us.
    Watched,
}

/// What a venue can do, said by its adapter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// The venue.
    pub exchange: ExchangeName,
    /// Spot or perpetual.
    pub kind: InstrumentKind,
    /// How protective orders are kept.
    pub protection: Protection,
    /// Limit orders.
    pub limit: bool,
    /// Stop-limit orders.
    pub stop_limit: bool,
    /// Orders that can only make a position smaller.
    pub reduce_only: bool,
    /// A place to try without money.
    pub testnet: bool,
    /// For how long after it was sent an order may still arrive, milliseconds: after that, an
    /// order that the venue does not know will never be there (Binance: `recvWindow`).
    pub arrival_window_ms: i64,
    /// Whether it refuses an id that it has ever seen, and not only ids of orders that rest: then
    /// nothing is doubled by sending anything again.
    pub remembers_ids: bool,
}

impl Capabilities {
    /// What a venue that can do everything declares: native pairs, every kind of order.
    pub const fn full(exchange: ExchangeName, kind: InstrumentKind) -> Self {
        Self {
            exchange,
            kind,
            protection: Protection::NativeOco,
            limit: true,
            stop_limit: true,
            reduce_only: true,
            testnet: true,
            arrival_window_ms: 0,
            remembers_ids: true,
        }
    }
}
