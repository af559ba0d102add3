//! What the venue's errors mean to a caller.

use serde::Deserialize;
use tradepulse_core::exchange::RejectKind;
use tradepulse_core::time::Timestamp;

use crate::exchange::call_error::{self, Refusal};
use crate::exchange::http::shortened;

/// A request that was not answered with what was asked for.
pub(super) type CallError = call_error::CallError<Refused>;

/// A refusal under the venue's name of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub(super) struct Refused {
    pub(super) code: String,
    pub(super) message: String,
}

/// The venue's word for a token that it does not accept: wrong, too old, or too new.
pub(super) const UNAUTHORIZED: &str = "UNAUTHORIZED";
const NOT_FOUND: &str = "NOT_FOUND";

/// An error in any of the forms in which the venue writes it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ErrorMessage {
    error: Option<String>,
    message: Option<String>,
    error_description: Option<String>,
    error_details: Option<String>,
    errors: Vec<ListedError>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ListedError {
    id: String,
    message: String,
}

impl ErrorMessage {
    /// The code, in capitals, and the words; `None` if it has none.
    pub(super) fn told(&self) -> Option<(String, String)> {
        if let Some(listed) = self.errors.first() {
            return Some((listed.id.to_ascii_uppercase(), listed.message.clone()));
        }
        let code = self.error.as_ref()?.to_ascii_uppercase();
        let words = [&self.message, &self.error_details, &self.error_description];
        let words = words.into_iter().flatten().find(|text| !text.is_empty());
        Some((code, words.cloned().unwrap_or_default()))
    }
}

/// Why an order was not taken: `error_response` of an answer with `success: false`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OrderFailure {
    error: Option<String>,
    message: Option<String>,
    error_details: Option<String>,
    preview_failure_reason: Option<String>,
    new_order_failure_reason: Option<String>,
}

impl OrderFailure {
    /// The venue's refusal. Of its names the first that says something counts.
    pub(super) fn refusal(self, otherwise: Option<String>) -> CallError {
        let names =
            [self.error, self.new_order_failure_reason, self.preview_failure_reason, otherwise];
        let says = |name: &String| !name.is_empty() && !name.starts_with("UNKNOWN");
        let code = names.into_iter().flatten().find(says);
        let words = [self.message, self.error_details].into_iter().flatten();
        let words = words.filter(|text| !text.is_empty()).collect::<Vec<_>>().join(": ");
        let code = code.unwrap_or_else(|| "UNKNOWN_FAILURE_REASON".to_owned());
        CallError::Refused(Refused { code, message: words })
    }
}

/// For how long to stay away where the venue does not say, milliseconds.
const LIMITED_MS: i64 = 1_000;
const FIREWALL_MS: i64 = 60_000;

impl CallError {
    /// What an answer that is not 2xx says.
    pub(super) fn of_answer(
        status: u16,
        retry_after_s: Option<i64>,
        body: &str,
        now: Timestamp,
    ) -> Self {
        let told = serde_json::from_str::<ErrorMessage>(body).ok().and_then(|m| m.told());
        let until = |ms: i64| {
            let ms = retry_after_s.map_or(ms, |seconds| seconds.saturating_mul(1_000));
            Timestamp::from_ms(now.as_ms().saturating_add(ms))
        };
        match (status, told) {
            (418 | 429, _) => Self::RateLimited { until: until(LIMITED_MS) },
            (_, Some((code, _)))
                if matches!(&*code, "RATE_LIMIT_EXCEEDED" | "RESOURCE_EXHAUSTED") =>
            {
                Self::RateLimited { until: until(LIMITED_MS) }
            }
            (401, told) => {
                let message = told.map_or_else(|| shortened(body), |(_, message)| message);
                Self::Refused(Refused { code: UNAUTHORIZED.to_owned(), message })
            }
            (408 | 500.., told) => {
                let text =
                    told.map_or_else(|| shortened(body), |(code, words)| format!("{code} {words}"));
                Self::Lost(format!("HTTP {status}: {text}"))
            }
            (_, Some((code, message))) => Self::Refused(Refused { code, message }),
            (403, None) => Self::RateLimited { until: until(FIREWALL_MS) },
            (404, None) => {
                Self::Refused(Refused { code: NOT_FOUND.to_owned(), message: shortened(body) })
            }
            (_, None) => Self::Lost(format!("HTTP {status}: {}", shortened(body))),
        }
    }

    /// Whether what was asked for is not there.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(refused) if refused.code == NOT_FOUND)
    }
}

impl Refusal for Refused {
    fn kind(&self) -> RejectKind {
        kind(&self.code, &self.message)
    }

    fn told(self) -> (Option<String>, String) {
        (Some(self.code), self.message)
    }
}

/// The kind of a refusal, by the venue's name of it and, where that says too little, its words.
fn kind(code: &str, message: &str) -> RejectKind {
    let name = code.strip_prefix("PREVIEW_").unwrap_or(code);
    let has = |part: &str| name.contains(part);
    let says = |words: &str| message.to_ascii_lowercase().contains(words);
    match name {
        UNAUTHORIZED | "PERMISSION_DENIED" | "UNAUTHENTICATED" | "INVALID_SCOPE" => {
            RejectKind::Permission
        }
        "INVALID_PRODUCT_ID" | "INELIGIBLE_PAIR" => RejectKind::Symbol,
        "NOT_FOUND" | "INVALID_ARGUMENT" if says("product") => RejectKind::Symbol,
        "ORDER_ENTRY_DISABLED"
        | "MISSING_PRODUCT_PRICE_BOOK"
        | "MISSING_MARKET_TRADE_DATA"
        | "NOT_ALLOWED_BY_MARKET_STATE"
        | "UNTRADABLE_PRODUCT" => RejectKind::Closed,
        "INVALID_LIMIT_PRICE_POST_ONLY" => RejectKind::Other,
        _ if has("INSUFFICIENT") || has("LEDGER_BALANCE") => RejectKind::Balance,
        _ if has("PRECISION")
            || has("SIZE_TOO")
            || has("PRICE_TOO")
            || has("INVALID_LIMIT_PRICE")
            || has("INVALID_BRACKET_LIMIT")
            || has("INVALID_BRACKET_STOP")
            || has("PRICE_OUT_OF_BOUNDS")
            || has("BREACHED_PRICE_LIMIT") =>
        {
            RejectKind::Filter
        }
        _ if says("insufficient balance") => RejectKind::Balance,
        _ if says("not enabled for trading") => RejectKind::Permission,
        _ => RejectKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use tradepulse_core::exchange::{ExchangeError, MarketDataError};

    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_ms(90_000)
    }

    fn answer(status: u16, body: &str) -> CallError {
        CallError::of_answer(status, None, body, now())
    }

    fn refused(status: u16, body: &str) -> (RejectKind, String) {
        match answer(status, body).of_command() {
            ExchangeError::Rejected { kind, code: Some(code), .. } => (kind, code),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_may_have_happened_is_unknown() {
        for (status, body) in [
            (500, ""),
            (502, "<html>bad gateway</html>"),
            (500, r#"{"error":"INTERNAL","message":"try later"}"#),
            (408, ""),
            (400, "not JSON"),
        ] {
            let error = answer(status, body).of_command();
            assert!(matches!(error, ExchangeError::OutcomeUnknown(_)), "{status} {body}");
            let error = answer(status, body).of_question();
            assert!(matches!(error, ExchangeError::Unavailable(_)), "{status} {body}");
        }
    }

    #[test]
    fn limits_say_when_to_come_back() {
        let body = r#"{"errors":[{"id":"rate_limit_exceeded","message":"Too many requests"}]}"#;
        let second = CallError::RateLimited { until: Timestamp::from_ms(91_000) };
        assert_eq!(answer(429, body), second);
        assert_eq!(answer(400, body), second);
        let told = CallError::of_answer(429, Some(5), "", now());
        assert_eq!(told, CallError::RateLimited { until: Timestamp::from_ms(95_000) });
        assert!(matches!(answer(403, "<html>"), CallError::RateLimited { .. }));
    }

    #[test]
    fn refusals_have_kinds() {
        assert_eq!(refused(401, "Unauthorized\n"), (RejectKind::Permission, UNAUTHORIZED.into()));
        let missing = r#"{"errors":[{"id":"not_found","message":"Not found"}]}"#;
        assert_eq!(refused(404, missing), (RejectKind::Other, "NOT_FOUND".into()));
        assert!(answer(404, missing).is_not_found() && answer(404, "").is_not_found());
        let denied = r#"{"error":"PERMISSION_DENIED","message":"no"}"#;
        assert_eq!(refused(403, denied).0, RejectKind::Permission);
        let argument =
            r#"{"error":"INVALID_ARGUMENT","error_details":"valid product_id is required"}"#;
        assert_eq!(refused(400, argument).0, RejectKind::Symbol);
        let error = answer(400, argument).of_market_data("NO/SUCH");
        assert_eq!(error, MarketDataError::Symbol("NO/SUCH".into()));
        for (name, expected) in [
            ("PREVIEW_INSUFFICIENT_FUND", RejectKind::Balance),
            ("INSUFFICIENT_FUND", RejectKind::Balance),
            ("PREVIEW_INVALID_LEDGER_BALANCE", RejectKind::Balance),
            ("INVALID_SIZE_PRECISION", RejectKind::Filter),
            ("PREVIEW_INVALID_PRICE_PRECISION", RejectKind::Filter),
            ("PREVIEW_INVALID_BASE_SIZE_TOO_SMALL", RejectKind::Filter),
            ("PREVIEW_INVALID_QUOTE_SIZE_TOO_LARGE", RejectKind::Filter),
            ("INVALID_LIMIT_PRICE_POST_ONLY", RejectKind::Other),
            ("PREVIEW_INVALID_PRODUCT_ID", RejectKind::Symbol),
            ("ORDER_ENTRY_DISABLED", RejectKind::Closed),
            ("PREVIEW_NOT_ALLOWED_BY_MARKET_STATE", RejectKind::Closed),
            ("PREVIEW_INVALID_BRACKET_LIMIT_PRICE", RejectKind::Filter),
            ("PREVIEW_INVALID_BRACKET_STOP_TRIGGER_PRICE", RejectKind::Filter),
            ("PREVIEW_BRACKET_LIMIT_PRICE_OUT_OF_BOUNDS", RejectKind::Filter),
            ("PREVIEW_STOP_TRIGGER_PRICE_OUT_OF_BOUNDS", RejectKind::Filter),
            ("PREVIEW_STOP_PRICE_ABOVE_LAST_TRADE_PRICE", RejectKind::Other),
        ] {
            assert_eq!(kind(name, ""), expected, "{name}");
        }
    }
}
