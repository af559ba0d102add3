use serde::{Deserialize, Serialize};

use crate::ensemble::Advice;
use crate::exchange::{CancelOutcome, ExchangeError, RejectKind};
use crate::market::{Candle, Symbol};
use crate::order::{ClientOrderId, OrderReport};
use crate::strategy::Quote;
use crate::time::{Timeframe, Timestamp};

/// Something the desk is told, and when. This is what a journal is made of: the same events give
/// the same commands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeskEvent {
    /// When it was told; never before the event told last.
    pub at: Timestamp,
    /// What.
    pub kind: DeskEventKind,
}

/// What a desk can be told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeskEventKind {
    /// A candle of the past, to warm strategies up: nothing is traded on it.
    WarmUp {
        /// The market.
        symbol: Symbol,
        /// Its length.
        timeframe: Timeframe,
        /// The candle.
        candle: Candle,
    },
    /// A candle has closed, and models are asked about it: what watches prices and clocks looks at
    /// it now; [`Candle`](Self::Candle) follows with what they advise.
    Closing {
        /// The market.
        symbol: Symbol,
        /// Its length.
        timeframe: Timeframe,
        /// The candle.
        candle: Candle,
    },
    /// A candle has closed.
    Candle {
        /// The market.
        symbol: Symbol,
        /// Its length.
        timeframe: Timeframe,
        /// The candle.
        candle: Candle,
        /// What models advise, if any were asked and there is something to say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        advice: Option<Advice>,
    },
    /// Best bid and ask have changed.
    Quote {
        /// The market.
        symbol: Symbol,
        /// The quote.
        quote: Quote,
    },
    /// The venue said something of an order.
    Report(OrderReport),
    /// Reports of the venue may have been lost.
    Gap,
    /// What came of [`Command::Submit`](super::Command::Submit).
    Submitted {
        /// The order.
        id: ClientOrderId,
        /// The answer.
        answer: SubmitAnswer,
    },
    /// What came of [`Command::Cancel`](super::Command::Cancel).
    CancelAnswered {
        /// The order.
        id: ClientOrderId,
        /// The answer.
        answer: CancelAnswer,
    },
    /// What came of [`Command::Ask`](super::Command::Ask).
    Asked {
        /// The order.
        id: ClientOrderId,
        /// The answer.
        answer: AskAnswer,
    },
    /// What can be spent, by currency, as the venue says.
    Free {
        /// The quote currency.
        currency: String,
        /// Of it, free to use; `None` if the venue could not be asked.
        free: Option<f64>,
    },
    /// Time has passed.
    Tick,
    /// A process began to work with this desk: whatever was on its way then may be lost.
    Recovered {
        /// Orders of ours, of any run, that rest at the venue.
        open: Vec<OrderReport>,
        /// Orders at the venue that are not ours, by the venue's id.
        foreign: Vec<String>,
    },
    /// A person wants something.
    Control(Control),
}

impl DeskEventKind {
    /// Its name in the journal.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::WarmUp { .. } => "warm_up",
            Self::Closing { .. } => "closing",
            Self::Candle { .. } => "candle",
            Self::Quote { .. } => "quote",
            Self::Report(_) => "report",
            Self::Gap => "gap",
            Self::Submitted { .. } => "submitted",
            Self::CancelAnswered { .. } => "cancel_answered",
            Self::Asked { .. } => "asked",
            Self::Free { .. } => "free",
            Self::Tick => "tick",
            Self::Recovered { .. } => "recovered",
            Self::Control(_) => "control",
        }
    }
}

/// What a person can tell a desk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "control", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Control {
    /// No entries until [`Resume`](Self::Resume); exits go on.
    Pause,
    /// Entries again.
    Resume,
    /// Close positions at market: of one market, or all.
    Close {
        /// Which market; all if none is named.
        symbol: Option<Symbol>,
    },
    /// Cancel orders, close positions, no entries until [`ResetEmergency`](Self::ResetEmergency).
    EmergencyStop,
    /// Entries again after an emergency stop.
    ResetEmergency,
    /// Closes the circuit breaker.
    ResetBreaker,
    /// The feed of a run has ended: close what is open, as of the last candle.
    EndOfData,
}

/// The answer to giving an order to a venue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum SubmitAnswer {
    /// The venue has it.
    Accepted {
        /// How it stands.
        reports: Vec<OrderReport>,
    },
    /// The venue will not take it.
    Rejected {
        /// Kind of refusal.
        kind: RejectKind,
        /// The venue's words.
        reason: String,
    },
    /// It did not leave, or was turned away unread.
    NotSent {
        /// When it may be tried again, if the venue said so.
        until: Option<Timestamp>,
        /// Why.
        reason: String,
    },
    /// Nobody knows.
    Unknown {
        /// What happened.
        reason: String,
    },
}

impl From<Result<Vec<OrderReport>, ExchangeError>> for SubmitAnswer {
    fn from(result: Result<Vec<OrderReport>, ExchangeError>) -> Self {
        match result {
            Ok(reports) => Self::Accepted { reports },
            Err(error) => {
                let reason = error.to_string();
                match error {
                    ExchangeError::Rejected { kind, .. } => Self::Rejected { kind, reason },
                    ExchangeError::Unsupported(_) => {
                        Self::Rejected { kind: RejectKind::Other, reason }
                    }
                    ExchangeError::NotSent(_) => Self::NotSent { until: None, reason },
                    ExchangeError::RateLimited { until } => {
                        Self::NotSent { until: Some(until), reason }
                    }
                    ExchangeError::OutcomeUnknown(_) | ExchangeError::Unavailable(_) => {
                        Self::Unknown { reason }
                    }
                }
            }
        }
    }
}

/// The answer to taking an order back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum CancelAnswer {
    /// It has ended, now or before.
    Ended {
        /// How it stands.
        reports: Vec<OrderReport>,
    },
    /// The venue knows no such order.
    NotFound,
    /// It may or may not have been cancelled.
    Failed {
        /// What happened.
        reason: String,
    },
}

impl From<Result<CancelOutcome, ExchangeError>> for CancelAnswer {
    fn from(result: Result<CancelOutcome, ExchangeError>) -> Self {
        match result {
            Ok(CancelOutcome::Cancelled(reports) | CancelOutcome::TooLate(reports)) => {
                Self::Ended { reports }
            }
            Ok(CancelOutcome::NotFound) => Self::NotFound,
            Err(error) => Self::Failed { reason: error.to_string() },
        }
    }
}

/// The answer to asking for an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum AskAnswer {
    /// The venue has it, or had it.
    Found {
        /// How it stands.
        report: OrderReport,
    },
    /// The venue knows no such order.
    NotFound,
    /// The venue could not be asked.
    Failed {
        /// What happened.
        reason: String,
    },
}

impl From<Result<Option<OrderReport>, ExchangeError>> for AskAnswer {
    fn from(result: Result<Option<OrderReport>, ExchangeError>) -> Self {
        match result {
            Ok(Some(report)) => Self::Found { report },
            Ok(None) => Self::NotFound,
            Err(error) => Self::Failed { reason: error.to_string() },
        }
    }
}
