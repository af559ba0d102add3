use serde::{Deserialize, Serialize};

use super::LaneId;
use crate::account::Trade;
use crate::engine::Refusal;
use crate::market::Symbol;
use crate::money::Quantity;
use crate::order::{ClientOrderId, Execution, OrderRequest, OrderState, Side};
use crate::risk::Approved;
use crate::store::trading::EventLevel as Level;

/// What a desk wants done, in the order in which it wants it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Command {
    /// Give this order to the venue, and tell the desk the answer.
    Submit(Approved<OrderRequest>),
    /// Take this order back, and tell the desk the answer.
    Cancel {
        /// The market.
        symbol: Symbol,
        /// The order.
        id: ClientOrderId,
    },
    /// Ask the venue for this order, and tell the desk the answer.
    Ask {
        /// The market.
        symbol: Symbol,
        /// The order.
        id: ClientOrderId,
    },
    /// Keep this.
    Record(Record),
}

/// Something worth keeping.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Record {
    /// An order was decided, or came further.
    Order {
        /// Whose it is.
        lane: LaneId,
        /// The order.
        request: OrderRequest,
        /// The order itself, or the leg of a pair.
        id: ClientOrderId,
        /// How far it has come.
        state: OrderState,
        /// Base currency of it executed, as far as is known.
        filled: Quantity,
        /// The venue's id of it, once it told one.
        venue_id: Option<String>,
        /// Why it ended, if somebody said.
        reason: Option<String>,
    },
    /// A part of an order was executed.
    Execution {
        /// Whose it is.
        lane: LaneId,
        /// The order, or the leg of a pair.
        id: ClientOrderId,
        /// `Long` bought, `Short` sold.
        side: Side,
        /// The execution.
        execution: Execution,
    },
    /// A trade has ended.
    Trade {
        /// Whose it is.
        lane: LaneId,
        /// The trade.
        trade: Trade,
    },
    /// An entry was not made.
    Refusal {
        /// Whose it is.
        lane: LaneId,
        /// What and why.
        refusal: Refusal,
        /// In words.
        text: String,
    },
    /// Something a person should know.
    Notice(Notice),
}

/// Something a person should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// How bad it is.
    pub level: Level,
    /// What it is about: one word for filters and counters.
    pub kind: NoticeKind,
    /// Whose it is, if one's.
    pub lane: Option<LaneId>,
    /// In words.
    pub text: String,
}

/// What notices are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NoticeKind {
    /// The outcome of an order was not known; the venue is asked.
    OutcomeUnknown,
    /// An order was refused by the venue.
    OrderRejected,
    /// A position could not be protected in time, and is closed.
    Unprotected,
    /// The stop did not fire though the price was beyond it.
    Watchdog,
    /// An order that should not be there, or an execution that no order explains.
    Unexplained,
    /// An order at the venue that is not ours.
    Foreign,
    /// A fee was taken in a currency whose price is not known.
    FeeUnknown,
    /// The circuit breaker opened or closed.
    Breaker,
    /// Emergency stop.
    Emergency,
    /// Paused, resumed, or closed by a person.
    Control,
    /// A position was open for too long.
    Overdue,
    /// A process took the desk over.
    Recovered,
}

impl NoticeKind {
    /// The name in records, logs and counters.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OutcomeUnknown => "outcome_unknown",
            Self::OrderRejected => "order_rejected",
            Self::Unprotected => "unprotected",
            Self::Watchdog => "watchdog",
            Self::Unexplained => "unexplained",
            Self::Foreign => "foreign",
            Self::FeeUnknown => "fee_unknown",
            Self::Breaker => "breaker",
            Self::Emergency => "emergency",
            Self::Control => "control",
            Self::Overdue => "overdue",
            Self::Recovered => "recovered",
        }
    }
}
