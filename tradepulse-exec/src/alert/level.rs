use std::{fmt, str::FromStr};

use serde::Serialize;

/// What an alert is about; targets choose by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AlertLevel {
    /// A position was opened or closed.
    Trade,
    /// Something failed.
    Error,
    /// The circuit breaker or the emergency stop moved.
    CircuitBreaker,
    /// Something needs a look.
    Warning,
    /// The day in figures.
    DailySummary,
    /// Start, stop, recovery.
    System,
}

impl AlertLevel {
    /// Every level.
    pub const ALL: [Self; 6] = [
        Self::Trade,
        Self::Error,
        Self::CircuitBreaker,
        Self::Warning,
        Self::DailySummary,
        Self::System,
    ];

    /// Its word: `TRADE`, `ERROR`, `CIRCUIT_BREAKER`, `WARNING`, `DAILY_SUMMARY` or `SYSTEM`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trade => "TRADE",
            Self::Error => "ERROR",
            Self::CircuitBreaker => "CIRCUIT_BREAKER",
            Self::Warning => "WARNING",
            Self::DailySummary => "DAILY_SUMMARY",
            Self::System => "SYSTEM",
        }
    }
}

impl fmt::Display for AlertLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for AlertLevel {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        let found = Self::ALL.into_iter().find(|level| level.as_str().eq_ignore_ascii_case(text));
        found.ok_or_else(|| UnknownLevel(text.to_owned()))
    }
}

/// A word that is no level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a level: expected TRADE, ERROR, CIRCUIT_BREAKER, WARNING, DAILY_SUMMARY or SYSTEM"
)]
pub struct UnknownLevel(String);
