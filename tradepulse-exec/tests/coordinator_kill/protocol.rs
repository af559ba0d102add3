//! What trader and venue say to each other: one line of JSON a question, one an answer.

use serde::{Deserialize, Serialize};
use tradepulse_core::{
    exchange::{Balance, RejectKind, VenuePosition},
    market::{Candle, Symbol},
    order::{ClientOrderId, OrderReport, OrderRequest},
    time::Timeframe,
};

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Question {
    Begin { symbol: Symbol, timeframe: Timeframe, candle: Candle },
    Submit(OrderRequest),
    Cancel { symbol: Symbol, id: ClientOrderId },
    Order { symbol: Symbol, id: ClientOrderId },
    OpenOrders { symbol: Symbol },
    Balances,
    Positions,
    Drain,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    Begun,
    Submitted(Vec<OrderReport>),
    Cancelled(Vec<OrderReport>),
    TooLate(Vec<OrderReport>),
    NotFound,
    Order(Option<OrderReport>),
    OpenOrders { ours: Vec<OrderReport>, foreign: Vec<String> },
    Balances(Vec<Balance>),
    Positions(Vec<VenuePosition>),
    Drained(Vec<OrderReport>),
    Rejected { kind: RejectKind, code: Option<String>, reason: String },
    Failed(String),
}
