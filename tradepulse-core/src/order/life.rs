use serde::{Deserialize, Serialize};

use super::{ClientOrderId, Execution, OrderReport, OrderStatus};
use crate::money::Quantity;

/// How far an order has come, as far as we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// Decided and written down; it has not left.
    Intended,
    /// It may have left; there is no answer.
    Sent,
    /// Sent, and the answer lost. Neither rejected nor accepted: the venue has to be asked.
    Unknown,
    /// Resting at the venue.
    Accepted,
    /// Resting, and a part of it filled.
    PartiallyFilled,
    /// All of it filled.
    Filled,
    /// Taken back.
    Cancelled,
    /// Ended by the venue's rules.
    Expired,
    /// Refused.
    Rejected,
}

impl OrderState {
    /// Whether nothing more will happen to it.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Filled | Self::Cancelled | Self::Expired | Self::Rejected)
    }

    /// The name in JSON and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Intended => "intended",
            Self::Sent => "sent",
            Self::Unknown => "unknown",
            Self::Accepted => "accepted",
            Self::PartiallyFilled => "partially_filled",
            Self::Filled => "filled",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Rejected => "rejected",
        }
    }
}

/// The life of one order, or of one leg of a pair, put together from whatever arrives.
///
/// Reports may come twice, late and out of order. A life only moves forward: it counts each
/// execution once, never unfills, and does not leave a final state but to learn of executions it
/// had missed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLife {
    id: ClientOrderId,
    quantity: Quantity,
    state: OrderState,
    told: Quantity,
    filled: Quantity,
    executions: Vec<String>,
    venue_id: Option<String>,
}

impl OrderLife {
    /// An order that has been decided.
    pub fn new(id: ClientOrderId, quantity: Quantity) -> Self {
        Self {
            id,
            quantity,
            state: OrderState::Intended,
            told: Quantity::ZERO,
            filled: Quantity::ZERO,
            executions: Vec::new(),
            venue_id: None,
        }
    }

    /// Its id.
    pub fn id(&self) -> ClientOrderId {
        self.id
    }

    /// Base currency ordered.
    pub fn quantity(&self) -> Quantity {
        self.quantity
    }

    /// The venue's id of it, once it told one.
    pub fn venue_id(&self) -> Option<&str> {
        self.venue_id.as_deref()
    }

    /// How far it has come.
    pub fn state(&self) -> OrderState {
        self.state
    }

    /// Base currency in executions we know of.
    pub fn filled(&self) -> Quantity {
        self.filled
    }

    /// Whether the venue has filled more than the executions we know of: it has to be asked.
    pub fn misses_executions(&self) -> bool {
        self.told > self.filled
    }

    /// Whether nothing more will happen to it, and all of its executions are known.
    pub fn is_settled(&self) -> bool {
        self.state.is_final() && !self.misses_executions()
    }

    /// Whether the venue may hold it, or may be about to.
    pub fn may_be_live(&self) -> bool {
        !self.state.is_final() && self.state != OrderState::Intended
    }

    /// It is about to leave.
    pub fn sent(&mut self) {
        if self.state == OrderState::Intended {
            self.state = OrderState::Sent;
        }
    }

    /// The answer to sending it was lost.
    pub fn lost(&mut self) {
        if matches!(self.state, OrderState::Intended | OrderState::Sent) {
            self.state = OrderState::Unknown;
        }
    }

    /// It is certain that the venue does not have it and will not get it.
    pub fn refused(&mut self) {
        if !self.state.is_final() && self.told.is_zero() {
            self.state = OrderState::Rejected;
        }
    }

    /// The venue had it and has forgotten it: it ended there without telling how.
    pub fn vanished(&mut self) {
        if !self.state.is_final() {
            self.state = OrderState::Cancelled;
            self.told = self.filled;
        }
    }

    /// Takes what is new in `report`, and returns the executions that had not been known.
    ///
    /// ```
    /// use tradepulse_core::order::{ClientOrderId, OrderLife, OrderReport, OrderState, OrderStatus, RunTag};
    /// let id = ClientOrderId::new(RunTag::new(1), 1);
    /// let mut life = OrderLife::new(id, "2".parse()?);
    /// life.sent();
    /// life.lost();
    /// let report = OrderReport {
    ///     id,
    ///     symbol: "BTC/USDT".parse()?,
    ///     venue_id: None,
    ///     status: OrderStatus::Open,
    ///     filled: "0".parse()?,
    ///     executions: Vec::new(),
    ///     reason: None,
    ///     at: Default::default(),
    /// };
    /// assert!(life.report(&report).is_empty());
    /// assert_eq!(life.state(), OrderState::Accepted);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn report<'a>(&mut self, report: &'a OrderReport) -> Vec<&'a Execution> {
        self.told = self.told.max(report.filled);
        if self.venue_id.is_none() {
            self.venue_id.clone_from(&report.venue_id);
        }
        let mut new = Vec::new();
        for execution in &report.executions {
            if !self.executions.contains(&execution.id) {
                self.executions.push(execution.id.clone());
                self.filled = self.filled.plus(execution.quantity);
                new.push(execution);
            }
        }
        self.told = self.told.max(self.filled);
        if !self.state.is_final() || self.state == OrderState::Rejected {
            self.state = self.next(report.status);
        }
        new
    }

    fn next(&self, status: OrderStatus) -> OrderState {
        if self.told >= self.quantity {
            return OrderState::Filled;
        }
        match status {
            OrderStatus::Open if self.told.is_zero() => OrderState::Accepted,
            OrderStatus::Open => OrderState::PartiallyFilled,
            OrderStatus::Filled => OrderState::Filled,
            OrderStatus::Cancelled => OrderState::Cancelled,
            OrderStatus::Expired => OrderState::Expired,
            OrderStatus::Rejected => OrderState::Rejected,
        }
    }
}
