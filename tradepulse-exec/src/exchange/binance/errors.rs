//! What the venue's errors mean to a caller.

use serde::Deserialize;
use tradepulse_core::exchange::RejectKind;
use tradepulse_core::time::Timestamp;

use crate::exchange::call_error::{self, Refusal};
use crate::exchange::http::shortened;

/// A request that was not answered with what was asked for.
pub(super) type CallError = call_error::CallError<ErrorMessage>;

/// An error as the venue writes it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, thiserror::Error)]
#[error("{code}: {msg}")]
pub(super) struct ErrorMessage {
    pub(super) code: i64,
    #[serde(default)]
    pub(super) msg: String,
}

/// For how long to stay away where the venue does not say, milliseconds.
const OVERLOADED_MS: i64 = 1_000;
const FIREWALL_MS: i64 = 60_000;
const ORDER_WINDOW_MS: i64 = 10_000;
const MINUTE_MS: i64 = 60_000;

impl CallError {
    /// What an answer that is not 2xx says.
    pub(super) fn of_answer(
        status: u16,
        retry_after_s: Option<i64>,
        body: &str,
        now: Timestamp,
    ) -> Self {
        let message: Option<ErrorMessage> = serde_json::from_str(body).ok();
        let until = |ms: i64| {
            let ms = retry_after_s.map_or(ms, |seconds| seconds.saturating_mul(1_000));
            Timestamp::from_ms(now.as_ms().saturating_add(ms))
        };
        let next_minute = MINUTE_MS - now.as_ms().rem_euclid(MINUTE_MS);
        match (status, message) {
            (418 | 429, _) => Self::RateLimited { until: until(next_minute) },
            (403, None) => Self::RateLimited { until: until(FIREWALL_MS) },
            (500.., message) => {
                let text = message.map_or_else(|| shortened(body), |m| m.msg);
                Self::Lost(format!("HTTP {status}: {text}"))
            }
            (_, Some(ErrorMessage { code, msg })) => match code {
                -1000 | -1001 | -1006 | -1007 => Self::Lost(format!("{code}: {msg}")),
                -1003 => Self::RateLimited { until: until(next_minute) },
                -1008 => Self::RateLimited { until: until(OVERLOADED_MS) },
                -1015 => Self::RateLimited { until: until(ORDER_WINDOW_MS) },
                _ => Self::Refused(ErrorMessage { code, msg }),
            },
            (_, None) => Self::Lost(format!("HTTP {status}: {}", shortened(body))),
        }
    }
}

impl Refusal for ErrorMessage {
    /// By the venue's code and, where one code says many things, its words.
    fn kind(&self) -> RejectKind {
        let says = |words: &str| self.msg.to_ascii_lowercase().contains(words);
        match self.code {
            -1013 | -1111 | -4005..=-4001 | -4013 | -4014 | -4023 | -4024 | -4131 | -4164 => {
                RejectKind::Filter
            }
            -1021 => RejectKind::Clock,
            -1002 | -1022 | -2014 | -2015 => RejectKind::Permission,
            -1121 | -1122 => RejectKind::Symbol,
            -1016 | -4108 => RejectKind::Closed,
            -4111 | -4116 => RejectKind::Duplicate,
            -2018 | -2019 | -2022 => RejectKind::Balance,
            _ if says("duplicate") => RejectKind::Duplicate,
            _ if says("insufficient balance") => RejectKind::Balance,
            _ if says("market is closed") => RejectKind::Closed,
            _ if says("may not place") || says("action is disabled") => RejectKind::Permission,
            _ => RejectKind::Other,
        }
    }

    fn told(self) -> (Option<String>, String) {
        (Some(self.code.to_string()), self.msg)
    }
}

#[cfg(test)]
mod tests {
    use tradepulse_core::exchange::ExchangeError;

    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_ms(90_000)
    }

    fn answer(status: u16, body: &str) -> CallError {
        CallError::of_answer(status, None, body, now())
    }

    fn kind(code: i64, message: &str) -> RejectKind {
        let body = format!(r#"{{"code":{code},"msg":{message:?}}}"#);
        match answer(400, &body).of_command() {
            ExchangeError::Rejected { kind, code: Some(told), .. } => {
                assert_eq!(told, code.to_string());
                kind
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_may_have_happened_is_unknown() {
        for (status, body) in [
            (500, ""),
            (502, "<html>bad gateway</html>"),
            (503, r#"{"code":-1008,"msg":"Server is currently overloaded."}"#),
            (400, r#"{"code":-1007,"msg":"Timeout waiting for response from backend server."}"#),
            (400, r#"{"code":-1006,"msg":"An unexpected response was received."}"#),
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
        let banned = CallError::of_answer(418, Some(120), "{}", now());
        assert_eq!(banned, CallError::RateLimited { until: Timestamp::from_ms(210_000) });
        let minute = CallError::RateLimited { until: Timestamp::from_ms(120_000) };
        assert_eq!(answer(429, r#"{"code":-1003,"msg":"Too many requests."}"#), minute);
        assert_eq!(answer(400, r#"{"code":-1003,"msg":"Too many requests."}"#), minute);
        for (status, body) in
            [(403, "<html>"), (400, r#"{"code":-1015,"msg":"Too many new orders."}"#)]
        {
            assert!(matches!(answer(status, body), CallError::RateLimited { .. }), "{body}");
        }
    }

    #[test]
    fn refusals_have_kinds() {
        assert_eq!(kind(-1013, "Filter failure: LOT_SIZE"), RejectKind::Filter);
        assert_eq!(kind(-1021, "Timestamp for this request is outside"), RejectKind::Clock);
        assert_eq!(kind(-1022, "Signature for this request is not valid."), RejectKind::Permission);
        assert_eq!(kind(-1121, "Invalid symbol."), RejectKind::Symbol);
        let balance = "Account has insufficient balance for requested action.";
        assert_eq!(kind(-2010, balance), RejectKind::Balance);
        assert_eq!(kind(-2010, "Duplicate order sent."), RejectKind::Duplicate);
        assert_eq!(kind(-2010, "Market is closed."), RejectKind::Closed);
        assert_eq!(kind(-2010, "Order would trigger immediately."), RejectKind::Other);
        assert_eq!(kind(-2019, "Margin is insufficient."), RejectKind::Balance);
        assert_eq!(kind(-4120, "Order type not supported for this endpoint."), RejectKind::Other);
        assert_eq!(kind(-4164, "Order's notional must be no smaller"), RejectKind::Filter);
    }
}
