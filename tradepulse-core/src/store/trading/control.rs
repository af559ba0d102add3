use serde::{Deserialize, Serialize};

use super::record::record;
use crate::desk::Control;
use crate::market::Symbol;
use crate::time::Timestamp;

/// What a person can want of a coordinator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ControlKind {
    /// No entries until `Resume`.
    Pause,
    /// Entries again.
    Resume,
    /// Positions closed at market.
    Close,
    /// Orders cancelled, positions closed, no entries until `ResetEmergency`.
    EmergencyStop,
    /// Entries again after an emergency stop.
    ResetEmergency,
    /// The circuit breaker closed.
    ResetBreaker,
}

impl ControlKind {
    /// Its word, such as `emergency_stop`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Close => "close",
            Self::EmergencyStop => "emergency_stop",
            Self::ResetEmergency => "reset_emergency",
            Self::ResetBreaker => "reset_breaker",
        }
    }
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ControlResult {
    /// The desks were told.
    Done,
    /// The coordinator does not do it.
    Refused,
    /// Nobody took it in time.
    Expired,
}

record! {
    /// A command of a person to a coordinator: stored by one process, taken and answered by another.
    ControlRecord: Control in "controls",
    key ["id"], time "created_at", changes ["taken_at", "answer", "result", "ended_at"],
    {
        /// Its id.
        id: String,
        /// The wallet it is for; `None` for all.
        wallet: Option<String>,
        /// What is wanted.
        kind: ControlKind,
        /// Of this market only; `None` for all.
        symbol: Option<Symbol>,
        /// When it was given, ms.
        created_at: Timestamp,
        /// When it is not to be begun any more, ms; `None` if it waits for a coordinator that
        /// starts later.
        expires_at: Option<Timestamp>,
        /// When a coordinator took it, ms.
        taken_at: Option<Timestamp>,
        /// What came of it, in words.
        answer: Option<String>,
        /// What came of it.
        result: Option<ControlResult>,
        /// When it was answered, ms; `None` while it waits.
        ended_at: Option<Timestamp>,
    }
}

impl ControlRecord {
    /// What a desk is told.
    pub fn control(&self) -> Control {
        match self.kind {
            ControlKind::Pause => Control::Pause,
            ControlKind::Resume => Control::Resume,
            ControlKind::Close => Control::Close { symbol: self.symbol.clone() },
            ControlKind::EmergencyStop => Control::EmergencyStop,
            ControlKind::ResetEmergency => Control::ResetEmergency,
            ControlKind::ResetBreaker => Control::ResetBreaker,
        }
    }

    /// Whether it is for this wallet.
    pub fn is_for(&self, wallet: &str) -> bool {
        self.wallet.as_deref().is_none_or(|own| own == wallet)
    }
}
