use std::fmt;

use tradepulse_core::exchange::{ExchangeError, MarketDataError, RejectKind};
use tradepulse_core::time::Timestamp;

use super::http::{describe, shortened};

/// A refusal in a venue's own terms, which it is shown in.
pub(super) trait Refusal: fmt::Display {
    /// What kind of refusal it is.
    fn kind(&self) -> RejectKind;

    /// The venue's code, if it has one, and its words.
    fn told(self) -> (Option<String>, String);
}

/// A request that was not answered with what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CallError<R: Refusal> {
    /// It did not leave.
    #[error("not sent: {0}")]
    NotSent(String),
    /// It left; whether anything came of it is not known.
    #[error("no answer: {0}")]
    Lost(String),
    /// Not taken: too many requests.
    #[error("the venue limits requests until {until}")]
    RateLimited { until: Timestamp },
    /// Refused.
    #[error("{0}")]
    Refused(R),
}

impl<R: Refusal> CallError<R> {
    /// Of a request that was to be sent.
    pub(super) fn of_transport(error: reqwest::Error) -> Self {
        match error.is_connect() || error.is_builder() {
            true => Self::NotSent(describe(error)),
            false => Self::Lost(describe(error)),
        }
    }

    /// An answer that nobody can read.
    pub(super) fn not_understood(body: &str, why: impl fmt::Display) -> Self {
        Self::Lost(format!("an answer that is not understood ({why}): {}", shortened(body)))
    }

    /// Of a question on which something depends that is yet to be sent.
    pub(super) fn before_sending(self) -> Self {
        match self {
            Self::Lost(reason) => Self::NotSent(reason),
            other => other,
        }
    }

    /// Whether a question is worth asking again at once.
    pub(super) const fn may_pass(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::NotSent(_))
    }

    /// For whoever wanted to change something.
    pub(super) fn of_command(self) -> ExchangeError {
        match self {
            Self::NotSent(reason) => ExchangeError::NotSent(reason),
            Self::Lost(reason) => ExchangeError::OutcomeUnknown(reason),
            Self::RateLimited { until } => ExchangeError::RateLimited { until },
            Self::Refused(refusal) => {
                let kind = refusal.kind();
                let (code, reason) = refusal.told();
                ExchangeError::Rejected { kind, code, reason }
            }
        }
    }

    /// For whoever asked.
    pub(super) fn of_question(self) -> ExchangeError {
        match self {
            Self::NotSent(reason) | Self::Lost(reason) => ExchangeError::Unavailable(reason),
            other => other.of_command(),
        }
    }

    /// For whoever asked for market data.
    pub(super) fn of_market_data(self, symbol: &str) -> MarketDataError {
        match self {
            Self::NotSent(reason) | Self::Lost(reason) => MarketDataError::Unavailable(reason),
            Self::RateLimited { until } => MarketDataError::RateLimited { until },
            Self::Refused(refusal) if refusal.kind() == RejectKind::Symbol => {
                MarketDataError::Symbol(symbol.to_owned())
            }
            Self::Refused(refusal) => MarketDataError::Unavailable(refusal.to_string()),
        }
    }
}
