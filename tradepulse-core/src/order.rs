//! Orders: what the engine asks a venue for, and what became of it.
//!
//! [`Order`] and [`Fill`] are as the engine decides and books, in research precision. On the way to
//! a venue an order passes the money door ([`crate::money`]) and becomes an [`OrderRequest`], exact
//! and on the venue's grid; what comes back are [`OrderReport`]s, put together in an [`OrderLife`].

mod client_order_id;
mod life;
mod report;
mod request;

pub use client_order_id::{ClientOrderId, ClientOrderIdError, RunTag};
pub use life::{OrderLife, OrderState};
pub use report::{Execution, OrderReport, OrderStatus, Simulated};
pub use request::{OrderRequest, RequestKind};

use serde::{Deserialize, Serialize};

/// Direction of a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Profits when the price rises.
    #[doc(alias = "buy")]
    Long,
    /// Profits when the price falls.
    #[doc(alias = "sell")]
    Short,
}

impl Side {
    /// 1 for long, −1 for short.
    #[inline]
    pub const fn sign(self) -> f64 {
        match self {
            Self::Long => 1.0,
            Self::Short => -1.0,
        }
    }

    /// The name in JSON and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Long => "long",
            Self::Short => "short",
        }
    }

    /// The other side.
    #[inline]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Long => Self::Short,
            Self::Short => Self::Long,
        }
    }
}

/// Number of an order within a run; numbers rise in the order of submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderId(pub u64);

/// What is asked of the venue.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderKind {
    /// Execute at once at the price there is.
    Market,
    /// Two protective orders of which at most one fills: a stop (a market order once the price
    /// reaches it) and, if given, a target (a limit order). Both only reduce the position.
    #[doc(alias = "bracket")]
    Oco {
        /// Trigger price of the stop.
        stop: f64,
        /// Limit price of the target.
        target: Option<f64>,
    },
}

/// A request to a venue.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// Its number.
    pub id: OrderId,
    /// The side of the trade it makes: `Long` buys, `Short` sells.
    pub side: Side,
    /// Base currency to buy or sell.
    pub quantity: f64,
    /// Market, or a protective pair.
    pub kind: OrderKind,
}

/// Whether a fill took liquidity or made it; venues charge them differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Liquidity {
    /// Was resting in the book.
    Maker,
    /// Executed against the book.
    Taker,
}

/// Where within a candle a fill happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// At its open.
    Open,
    /// Between open and close.
    Inside,
    /// At its close.
    Close,
}

/// Which leg of a protective pair was filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leg {
    /// The stop.
    Stop,
    /// The target.
    Target,
}

/// An order, or part of it, executed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fill {
    /// The order.
    pub order: OrderId,
    /// `Long` bought, `Short` sold.
    pub side: Side,
    /// Base currency executed.
    pub quantity: f64,
    /// Price paid or received.
    pub price: f64,
    /// Price without slippage.
    pub reference: f64,
    /// Fee in quote currency.
    pub fee: f64,
    /// Took or made liquidity.
    pub liquidity: Liquidity,
    /// The leg, if the order was a protective pair.
    pub leg: Option<Leg>,
    /// Whether the candle could as well have reached the other leg first.
    pub ambiguous: bool,
    /// Open time of the candle in which it happened, milliseconds since the Unix epoch; the close
    /// time for a fill at the close of the last candle.
    pub time_ms: i64,
    /// Where in that candle.
    pub moment: Moment,
}

/// Why a trade ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ExitReason {
    /// The protective stop filled.
    Stop,
    /// The target filled.
    Target,
    /// Held as long as the strategy allows.
    MaxHolding,
    /// The strategy wanted out, or to the other side.
    Signal,
    /// The data ended.
    EndOfData,
    /// Marked equity fell to zero or below.
    Ruined,
    /// The position was left without a stop.
    Unprotected,
    /// The price went beyond the stop, and the venue's stop did not fill.
    Watchdog,
    /// An emergency shutdown closed everything.
    Emergency,
    /// A person wanted out.
    Manual,
    /// Held as long as the rules allow.
    MaxDuration,
}

impl ExitReason {
    /// The name in JSON and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Target => "target",
            Self::MaxHolding => "max_holding",
            Self::Signal => "signal",
            Self::EndOfData => "end_of_data",
            Self::Ruined => "ruined",
            Self::Unprotected => "unprotected",
            Self::Watchdog => "watchdog",
            Self::Emergency => "emergency",
            Self::Manual => "manual",
            Self::MaxDuration => "max_duration",
        }
    }
}
