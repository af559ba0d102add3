use serde::{Deserialize, Serialize};

use crate::order::OrderReport;
use crate::time::Timestamp;

/// Why a venue refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RejectKind {
    /// Price, quantity or notional is off the market's grid or outside its limits.
    Filter,
    /// Not enough money, or nothing to reduce.
    Balance,
    /// An order of this id is, or was, there.
    Duplicate,
    /// No such market.
    Symbol,
    /// The key is wrong or may not do this.
    Permission,
    /// The signature's time was outside the venue's window.
    Clock,
    /// The market is closed or the venue does not take orders now.
    Closed,
    /// A stop that would trigger at once, or another rule of the venue.
    Other,
}

/// What went wrong at a venue, by what the caller can do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// The venue refused. Sending the same again gives the same answer.
    #[error("the venue refused ({kind:?}{}): {reason}", code_text(.code))]
    Rejected {
        /// Kind of refusal.
        kind: RejectKind,
        /// The venue's code, such as `-2010`.
        code: Option<String>,
        /// The venue's words.
        reason: String,
    },
    /// It did not leave (no connection): it may be sent again.
    #[error("not sent: {0}")]
    NotSent(String),
    /// It left, and what became of it is not known: ask, and do not send it as a new one.
    #[error("the outcome is not known: {0}")]
    OutcomeUnknown(String),
    /// Too many requests; nothing was done. It may be sent again after `until`.
    #[error("the venue limits requests until {until}")]
    RateLimited {
        /// When to come back.
        until: Timestamp,
    },
    /// The venue cannot do this at all.
    #[error("{0} is not supported by this venue")]
    Unsupported(&'static str),
    /// A question that changes nothing was not answered, or not intelligibly: ask again.
    #[error("the venue did not answer: {0}")]
    Unavailable(String),
}

fn code_text(code: &Option<String>) -> String {
    code.as_ref().map_or_else(String::new, |code| format!(", {code}"))
}

impl ExchangeError {
    /// Whether a request that ended so may have had an effect.
    pub const fn outcome_is_unknown(&self) -> bool {
        matches!(self, Self::OutcomeUnknown(_) | Self::Unavailable(_))
    }
}

/// What became of an order that was to be cancelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CancelOutcome {
    /// It is cancelled; the report says what had filled before. Both legs, for a pair.
    Cancelled(Vec<OrderReport>),
    /// It had already ended; the reports say how.
    TooLate(Vec<OrderReport>),
    /// The venue knows no such order.
    NotFound,
}

/// What went wrong with market data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MarketDataError {
    /// The venue does not have this market.
    #[error("no such market: {0}")]
    Symbol(String),
    /// The venue does not have candles of this length.
    #[error("no candles of {0}")]
    Timeframe(String),
    /// Too many requests; come back after `until`.
    #[error("the venue limits requests until {until}")]
    RateLimited {
        /// When to come back.
        until: Timestamp,
    },
    /// No answer, or not an intelligible one: ask again.
    #[error("the venue did not answer: {0}")]
    Unavailable(String),
    /// The venue's data cannot be true.
    #[error("impossible data: {0}")]
    Impossible(String),
    /// The venue cannot do this at all.
    #[error("{0} is not supported by this venue")]
    Unsupported(&'static str),
}
