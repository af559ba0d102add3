use serde_json::{Value, json};
use tradepulse_core::exchange::{ExchangeError, RejectKind};

use super::super::server::Answer;

/// Why a request is not carried out, in the venue's words.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    status: u16,
    body: Value,
}

impl Refusal {
    pub(super) fn into_answer(self) -> Answer {
        Answer { status: self.status, body: self.body, retry_after_s: None }
    }

    fn error(status: u16, error: &str, message: &str) -> Self {
        let body = json!({ "error": error, "error_details": message, "message": message });
        Self { status, body }
    }

    pub(super) fn unauthorized() -> Self {
        Self { status: 401, body: Value::String("Unauthorized\n".to_owned()) }
    }

    pub(super) fn not_found(message: &str) -> Self {
        Self::error(404, "NOT_FOUND", message)
    }

    pub(super) fn invalid(message: &str) -> Self {
        Self::error(400, "INVALID_ARGUMENT", message)
    }

    pub(super) fn missing(name: &str) -> Self {
        Self::invalid(&format!("{name} is required"))
    }

    pub(super) fn no_such_product() -> Self {
        Self::not_found("valid product_id is required")
    }

    pub(super) fn too_many_requests() -> Self {
        Self { status: 429, body: limited() }
    }
}

/// The body of an answer to too many requests.
pub(in crate::simulator) fn limited() -> Value {
    json!({ "errors": [{ "id": "rate_limit_exceeded", "message": "Too many requests" }] })
}

/// The body of the answer of a venue that fails.
pub(in crate::simulator) fn failure() -> Value {
    json!({ "error": "INTERNAL", "error_details": "", "message": "internal server error" })
}

/// Why an order is not taken. The answer is one of success all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OrderRefusal {
    name: &'static str,
    message: String,
}

impl OrderRefusal {
    pub(super) fn new(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, message: message.into() }
    }

    pub(super) fn unsupported(message: &str) -> Self {
        Self::new("UNSUPPORTED_ORDER_CONFIGURATION", message)
    }

    /// What the venue behind the dialect has refused.
    pub(super) fn of_venue(error: &ExchangeError) -> Self {
        match error {
            ExchangeError::Rejected { kind: RejectKind::Balance, .. } => {
                Self::new("INSUFFICIENT_FUND", "Insufficient balance in source account")
            }
            ExchangeError::Rejected { kind: RejectKind::Filter, reason, .. } => {
                Self::new("INVALID_REQUEST", reason.as_str())
            }
            ExchangeError::Rejected { kind: RejectKind::Closed, .. } => {
                Self::new("ORDER_ENTRY_DISABLED", "the market is closed")
            }
            error => Self::new("INVALID_REQUEST", error.to_string()),
        }
    }

    /// The answer. Names that only the check before an order knows stand in one place only.
    pub(super) fn answer(self, configuration: &Value) -> Value {
        let Self { name, message } = self;
        let (error, preview) = match name.strip_prefix("PREVIEW_") {
            Some(_) => ("UNKNOWN_FAILURE_REASON", name.to_owned()),
            None => (name, format!("PREVIEW_{name}")),
        };
        json!({
            "success": false, "failure_reason": "UNKNOWN_FAILURE_REASON", "order_id": "",
            "error_response": {
                "error": error, "message": message, "error_details": "",
                "preview_failure_reason": preview, "new_order_failure_reason": error,
            },
            "order_configuration": configuration,
        })
    }
}
