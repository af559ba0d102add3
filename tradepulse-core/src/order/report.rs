use serde::{Deserialize, Serialize};

use super::{ClientOrderId, Liquidity, Moment};
use crate::market::Symbol;
use crate::money::{Amount, Price, Quantity};
use crate::time::Timestamp;

/// Where an order stands, as its venue says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// Resting: nothing or a part of it filled.
    Open,
    /// All of it filled.
    Filled,
    /// Taken back; a part may have filled before.
    Cancelled,
    /// Ended by the venue's rules; a part may have filled before.
    Expired,
    /// Refused: it never was in the book.
    Rejected,
}

impl OrderStatus {
    /// Whether nothing more will happen to it.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Open)
    }
}

/// What a venue says of one order: a message of its stream, or the answer to a question.
///
/// Reports may come twice, late and out of order; whoever reads them takes what is new
/// ([`OrderLife::report`](super::OrderLife::report)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderReport {
    /// Our id; that of the leg, for a leg of a pair.
    pub id: ClientOrderId,
    /// The market.
    pub symbol: Symbol,
    /// The venue's id, where it has told one.
    pub venue_id: Option<String>,
    /// Where it stands.
    pub status: OrderStatus,
    /// Base currency filled since it was accepted, in all.
    pub filled: Quantity,
    /// Executions that this report tells of: the newest in a message of the stream, all of them in
    /// the answer to a question.
    pub executions: Vec<Execution>,
    /// The venue's words, where it gave a reason.
    pub reason: Option<String>,
    /// When, by the venue's clock.
    pub at: Timestamp,
}

/// One execution: an order, or part of it, met its counterpart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    /// The venue's id of it, unique within the order.
    pub id: String,
    /// Base currency.
    pub quantity: Quantity,
    /// Price.
    pub price: Price,
    /// Fee, in `fee_currency`; negative for a rebate.
    pub fee: Amount,
    /// What the fee was taken in: the quote currency, the base currency, or another.
    pub fee_currency: String,
    /// Took or made liquidity.
    pub liquidity: Liquidity,
    /// When, by the venue's clock; of a simulated venue, the open time of the candle.
    pub at: Timestamp,
    /// What a simulated venue knows besides.
    pub simulated: Option<Simulated>,
}

/// What only a simulation knows of an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Simulated {
    /// Price without slippage.
    pub reference: Price,
    /// Whether the candle could as well have reached the other leg of the pair first.
    pub ambiguous: bool,
    /// Where within the candle.
    pub moment: Moment,
}
