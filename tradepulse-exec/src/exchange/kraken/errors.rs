//! What the venue's errors mean to a caller.

use tradepulse_core::exchange::RejectKind;
use tradepulse_core::time::Timestamp;

use crate::exchange::call_error::{self, Refusal};
use crate::exchange::http::shortened;

/// A request that was not answered with what was asked for.
pub(super) type CallError = call_error::CallError<Words>;

/// A refusal in the venue's words, such as `EOrder:Insufficient funds`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Words(pub(super) String);

/// For how long to stay away where the venue does not say, milliseconds.
const COUNTER_MS: i64 = 5_000;
const FIREWALL_MS: i64 = 60_000;
const LOCKOUT_MS: i64 = 15 * 60_000;

/// What the venue says of a request of whose effect it says nothing.
const UNKNOWN: [&str; 6] = [
    "EService:Unavailable",
    "EService:Busy",
    "EService:Timeout",
    "EGeneral:Internal error",
    "EGeneral:Unknown error",
    "EDatabase:Internal error",
];

impl CallError {
    /// What the list of errors of an answer says; `None` if there are warnings at most.
    pub(super) fn of_errors(errors: &[String], now: Timestamp) -> Option<Self> {
        let error = errors.iter().find(|error| !error.starts_with('W'))?;
        let until = |ms: i64| Timestamp::from_ms(now.as_ms().saturating_add(ms));
        if let Some(time) = error.strip_prefix("EService:Throttled:") {
            let seconds = time.trim().parse::<i64>().ok();
            let told = seconds.map(|s| Timestamp::from_ms(s.saturating_mul(1_000)));
            return Some(Self::RateLimited { until: told.unwrap_or_else(|| until(COUNTER_MS)) });
        }
        Some(match error.as_str() {
            "EAPI:Rate limit exceeded" | "EOrder:Rate limit exceeded" => {
                Self::RateLimited { until: until(COUNTER_MS) }
            }
            "EGeneral:Too many requests" => Self::RateLimited { until: until(FIREWALL_MS) },
            "EGeneral:Temporary lockout" => Self::RateLimited { until: until(LOCKOUT_MS) },
            error if UNKNOWN.contains(&error) => Self::Lost(error.to_owned()),
            error => Self::Refused(Words(error.to_owned())),
        })
    }

    /// What an answer that is not 2xx says, where there is no list of errors in it.
    pub(super) fn of_status(status: u16, body: &str, now: Timestamp) -> Self {
        match status {
            403 | 429 => {
                let until = Timestamp::from_ms(now.as_ms().saturating_add(FIREWALL_MS));
                Self::RateLimited { until }
            }
            _ => Self::Lost(format!("HTTP {status}: {}", shortened(body))),
        }
    }

    /// Whether the venue refused a signed request for its nonce, and did nothing.
    pub(super) fn is_nonce(&self) -> bool {
        matches!(self, Self::Refused(Words(error)) if error.starts_with("EAPI:Invalid nonce"))
    }

    /// Whether the venue knows no such order.
    pub(super) fn is_no_such_order(&self) -> bool {
        let known = ["EOrder:Unknown order", "EOrder:Invalid order"];
        matches!(self, Self::Refused(Words(error)) if known.iter().any(|words| error.starts_with(words)))
    }
}

/// What kind of refusal the venue's words are.
fn kind(error: &str) -> RejectKind {
    const KINDS: [(&str, RejectKind); 24] = [
        ("EOrder:Insufficient", RejectKind::Balance),
        ("EOrder:Order minimum not met", RejectKind::Filter),
        ("EOrder:Cost minimum not met", RejectKind::Filter),
        ("EOrder:Tick size check failed", RejectKind::Filter),
        ("EOrder:Invalid price", RejectKind::Filter),
        ("EGeneral:Invalid arguments:price", RejectKind::Filter),
        ("EGeneral:Invalid arguments:volume", RejectKind::Filter),
        ("EQuery:Unknown asset", RejectKind::Symbol),
        ("EQuery:Invalid asset", RejectKind::Symbol),
        ("EAPI:Invalid key", RejectKind::Permission),
        ("EAPI:Invalid signature", RejectKind::Permission),
        ("EGeneral:Permission denied", RejectKind::Permission),
        ("EGeneral:Invalid User", RejectKind::Permission),
        ("EAuth:", RejectKind::Permission),
        ("EAccount:", RejectKind::Permission),
        ("ESession:", RejectKind::Permission),
        ("ETrade:User Locked", RejectKind::Permission),
        ("ETrade:Locked", RejectKind::Permission),
        ("EAPI:Invalid nonce", RejectKind::Clock),
        ("EService:Deadline elapsed", RejectKind::Clock),
        ("EService:Market in", RejectKind::Closed),
        ("EOrder:Trading agreement required", RejectKind::Permission),
        ("EOrder:Duplicate", RejectKind::Duplicate),
        ("EGeneral:Duplicate", RejectKind::Duplicate),
    ];
    let found = KINDS.iter().find(|(words, _)| error.starts_with(words));
    match found {
        Some((_, kind)) => *kind,
        None if error.to_ascii_lowercase().contains("duplicate") => RejectKind::Duplicate,
        None => RejectKind::Other,
    }
}

impl Refusal for Words {
    fn kind(&self) -> RejectKind {
        kind(&self.0)
    }

    fn told(self) -> (Option<String>, String) {
        match self.0.split_once(':') {
            Some((code, reason)) if !code.is_empty() => (Some(code.to_owned()), reason.to_owned()),
            _ => (None, self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use tradepulse_core::exchange::{ExchangeError, MarketDataError};

    use super::*;

    fn answer(error: &str) -> CallError {
        let now = Timestamp::from_ms(90_000);
        CallError::of_errors(&[error.to_owned()], now).unwrap()
    }

    #[test]
    fn what_may_have_happened_is_unknown() {
        for error in UNKNOWN {
            let command = answer(error).of_command();
            assert!(matches!(command, ExchangeError::OutcomeUnknown(_)), "{error}");
            assert!(matches!(answer(error).of_question(), ExchangeError::Unavailable(_)));
        }
        for status in [500, 502, 503, 504, 520, 525, 400] {
            let error = CallError::of_status(status, "<html>", Timestamp::from_ms(0)).of_command();
            assert!(matches!(error, ExchangeError::OutcomeUnknown(_)), "{status}");
        }
    }

    #[test]
    fn limits_say_when_to_come_back() {
        let until = |ms| CallError::RateLimited { until: Timestamp::from_ms(ms) };
        assert_eq!(answer("EService:Throttled: 1700000000"), until(1_700_000_000_000));
        assert_eq!(answer("EService:Throttled: soon"), until(95_000));
        assert_eq!(answer("EAPI:Rate limit exceeded"), until(95_000));
        assert_eq!(answer("EGeneral:Temporary lockout"), until(990_000));
        let now = Timestamp::from_ms(0);
        assert_eq!(CallError::of_status(429, "", now), until(60_000));
    }

    #[test]
    fn warnings_are_no_errors() {
        let now = Timestamp::from_ms(0);
        assert_eq!(CallError::of_errors(&[], now), None);
        assert_eq!(CallError::of_errors(&["WDatabase:Replica lag".to_owned()], now), None);
        let both = ["WOrder:Late".to_owned(), "EOrder:Unknown order".to_owned()];
        assert!(CallError::of_errors(&both, now).unwrap().is_no_such_order());
    }

    #[test]
    fn refusals_have_kinds() {
        for (error, kind) in [
            ("EOrder:Insufficient funds", RejectKind::Balance),
            ("EOrder:Tick size check failed", RejectKind::Filter),
            ("EGeneral:Invalid arguments:volume minimum not met", RejectKind::Filter),
            ("EQuery:Unknown asset pair", RejectKind::Symbol),
            ("EAPI:Invalid signature", RejectKind::Permission),
            ("EAPI:Invalid nonce", RejectKind::Clock),
            ("EService:Market in cancel_only mode", RejectKind::Closed),
            ("EOrder:Duplicate order", RejectKind::Duplicate),
            ("EGeneral:Invalid arguments", RejectKind::Other),
        ] {
            let ExchangeError::Rejected { kind: told, code, reason } = answer(error).of_command()
            else {
                panic!("{error}");
            };
            assert_eq!(told, kind, "{error}");
            assert_eq!(format!("{}:{reason}", code.unwrap()), error);
        }
        let symbol = answer("EQuery:Unknown asset pair").of_market_data("NO/SUCH");
        assert_eq!(symbol, MarketDataError::Symbol("NO/SUCH".into()));
    }
}
