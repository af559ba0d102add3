use serde_json::json;
use tradepulse_core::exchange::{ExchangeError, RejectKind};

use super::super::server::Answer;

/// Why a request is not carried out, in the venue's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: i64,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(code: i64, message: impl Into<String>) -> Self {
        Self { status: 400, code, message: message.into() }
    }

    pub(super) fn into_answer(self, now_ms: i64) -> Answer {
        let until_next_minute = 60 - now_ms.div_euclid(1_000).rem_euclid(60);
        let retry_after_s = (self.status == 429).then_some(until_next_minute);
        Answer {
            status: self.status,
            body: json!({ "code": self.code, "msg": self.message }),
            retry_after_s: retry_after_s.and_then(|seconds| u32::try_from(seconds).ok()),
        }
    }

    pub(super) fn no_such_path() -> Self {
        Self { status: 404, ..Self::new(-1000, "There is no such path at this simulated venue.") }
    }

    pub(super) fn gone() -> Self {
        Self { status: 410, ..Self::new(-1020, "This operation is not supported.") }
    }

    pub(super) fn too_many_requests(limit: u64) -> Self {
        let message = format!(
            "Too much request weight used; current limit is {limit} request weight per 1 MINUTE. \
             Please use WebSocket Streams for live updates to avoid polling the API."
        );
        Self { status: 429, ..Self::new(-1003, message) }
    }

    pub(super) fn missing(name: &str) -> Self {
        let message =
            format!("Mandatory parameter '{name}' was not sent, was empty/null, or malformed.");
        Self::new(-1102, message)
    }

    pub(super) fn illegal(name: &str) -> Self {
        Self::new(-1100, format!("Illegal characters found in parameter '{name}'."))
    }

    pub(super) fn no_such_symbol() -> Self {
        Self::new(-1121, "Invalid symbol.")
    }

    pub(super) fn no_such_order() -> Self {
        Self::new(-2013, "Order does not exist.")
    }

    pub(super) fn not_cancelled() -> Self {
        Self::new(-2011, "Unknown order sent.")
    }

    pub(super) fn duplicate(futures: bool) -> Self {
        if futures {
            Self::new(-4116, "ClientOrderId is duplicated.")
        } else {
            Self::new(-2010, "Duplicate order sent.")
        }
    }

    /// What the venue behind the dialect has refused.
    pub(super) fn of_venue(error: &ExchangeError, futures: bool) -> Self {
        match error {
            ExchangeError::Rejected { kind: RejectKind::Balance, reason, .. } if futures => {
                if reason.contains("reduce") {
                    Self::new(-2022, "ReduceOnly Order is rejected.")
                } else {
                    Self::new(-2019, "Margin is insufficient.")
                }
            }
            ExchangeError::Rejected { kind: RejectKind::Balance, .. } => {
                Self::new(-2010, "Account has insufficient balance for requested action.")
            }
            ExchangeError::Rejected { kind: RejectKind::Filter, reason, .. } => {
                Self::new(-1013, format!("Filter failure: {reason}"))
            }
            ExchangeError::Rejected { kind: RejectKind::Closed, .. } => {
                Self::new(-2010, "Market is closed.")
            }
            error => Self::new(-2010, error.to_string()),
        }
    }
}
