use serde::{Deserialize, Serialize};

use super::{ClientOrderId, Leg, Side};
use crate::market::Symbol;
use crate::money::{Price, Quantity};

/// An order as a venue gets it: exact, on the venue's grid, under our own id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRequest {
    /// Our id. The same id is the same order: sent twice, it exists once.
    pub id: ClientOrderId,
    /// The market.
    pub symbol: Symbol,
    /// `Long` buys, `Short` sells.
    pub side: Side,
    /// Base currency.
    pub quantity: Quantity,
    /// What kind of order.
    pub kind: RequestKind,
    /// It may make a position smaller, never larger or turn it. On a spot market, where there is
    /// nothing to go short with, selling does that by itself.
    pub reduce_only: bool,
}

/// Kinds of orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RequestKind {
    /// At once, at the price there is.
    Market,
    /// At this price or better, for as long as it takes.
    Limit {
        /// Worst price.
        price: Price,
    },
    /// A market order once the price has reached the trigger from the other side.
    Stop {
        /// Trigger.
        trigger: Price,
    },
    /// A limit order once the price has reached the trigger from the other side.
    StopLimit {
        /// Trigger.
        trigger: Price,
        /// Worst price.
        price: Price,
    },
    /// A stop and a target, of which at most one fills: the legs are the orders `id.leg(Stop)`, a
    /// [`Stop`](Self::Stop), and `id.leg(Target)`, a [`Limit`](Self::Limit).
    Oco {
        /// Trigger of the stop.
        stop: Price,
        /// Limit price of the target.
        target: Price,
    },
}

impl OrderRequest {
    /// The ids under which a venue reports on it: its own, or those of the two legs.
    pub fn reported_as(&self) -> impl Iterator<Item = ClientOrderId> {
        let (first, second) = match self.kind {
            RequestKind::Oco { .. } => (self.id.leg(Leg::Stop), Some(self.id.leg(Leg::Target))),
            _ => (self.id, None),
        };
        std::iter::once(first).chain(second)
    }
}

impl RequestKind {
    /// The prices it names.
    pub const fn prices(self) -> [Option<Price>; 2] {
        match self {
            Self::Market => [None, None],
            Self::Limit { price } => [Some(price), None],
            Self::Stop { trigger } => [Some(trigger), None],
            Self::StopLimit { trigger, price } => [Some(trigger), Some(price)],
            Self::Oco { stop, target } => [Some(stop), Some(target)],
        }
    }
}
