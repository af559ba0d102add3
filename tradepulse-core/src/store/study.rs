use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{Cell, Json, RecordId, StoreError};
use crate::time::Timestamp;

/// How a study stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StudyStatus {
    /// Being worked on, or left by a process that died: it can be resumed.
    Running,
    /// All trials are there.
    Done,
    /// It could not go on; the note says why.
    Failed,
    /// Someone stopped it: it can be resumed.
    Cancelled,
}

impl StudyStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Running, Self::Done, Self::Failed, Self::Cancelled];

    /// Its word: `running`, `done`, `failed` or `cancelled`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for StudyStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for StudyStatus {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        let found = Self::ALL.into_iter().find(|s| s.as_str() == text);
        found.ok_or_else(|| UnknownStatus(text.to_owned()))
    }
}

/// A word that is no status.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the status of a study: expected running, done, failed or cancelled")]
pub struct UnknownStatus(String);

/// A study: one search for the parameters of one strategy on one market and regime.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudyRecord {
    /// Its id.
    pub id: RecordId,
    /// What is trained, for what.
    #[serde(flatten)]
    pub cell: Cell,
    /// Version of the strategy.
    pub strategy_version: u32,
    /// The searched space: variables and their restrictions.
    pub space: Json,
    /// The optimiser and its settings.
    pub method: Json,
    /// Seed of everything random.
    pub seed: u64,
    /// How many trials it shall have.
    pub trials_wanted: u64,
    /// What is maximised.
    pub objective: Json,
    /// The windows of the walk-forward; null without.
    pub windows: Json,
    /// SHA-256 of the candles ([`Series::sha256`](crate::market::Series::sha256)).
    pub data_fingerprint: String,
    /// Open time of the first candle, ms.
    pub data_from: Timestamp,
    /// Close time of the last candle, ms.
    pub data_to: Timestamp,
    /// Version of the engine.
    pub engine_version: String,
    /// How it stands.
    pub status: StudyStatus,
    /// What a reader should know, such as the first error.
    pub note: Option<String>,
    /// When it was made, ms.
    pub created_at: Timestamp,
    /// When it last changed, ms.
    pub updated_at: Timestamp,
}

impl StudyRecord {
    /// The first field in which `other` defines another study; `None` if both are the same study,
    /// at whatever status, note, number of trials wanted and time of update.
    pub fn differs_in(&self, other: &Self) -> Option<&'static str> {
        let fields = [
            ("id", self.id == other.id),
            ("cell", self.cell == other.cell),
            ("strategy_version", self.strategy_version == other.strategy_version),
            ("space", self.space == other.space),
            ("method", self.method == other.method),
            ("seed", self.seed == other.seed),
            ("objective", self.objective == other.objective),
            ("windows", self.windows == other.windows),
            ("data_fingerprint", self.data_fingerprint == other.data_fingerprint),
            ("data_from", self.data_from == other.data_from),
            ("data_to", self.data_to == other.data_to),
            ("engine_version", self.engine_version == other.engine_version),
            ("created_at", self.created_at == other.created_at),
        ];
        fields.iter().find(|(_, same)| !same).map(|(name, _)| *name)
    }

    /// Whether `new` may take this study's place.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if it defines another study.
    pub fn accept(&self, new: &Self) -> Result<(), StoreError> {
        match self.differs_in(new) {
            None => Ok(()),
            Some(field) => Err(StoreError::Conflict(format!(
                "study {} is stored with another {field}: make a new study",
                self.id
            ))),
        }
    }

    /// Whether it can be stored.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if a number is too large for a database.
    pub fn check(&self) -> Result<(), StoreError> {
        if i64::try_from(self.trials_wanted).is_err() {
            let reason = format!("trials_wanted = {} is too large", self.trials_wanted);
            return Err(StoreError::invalid(format!("study {}", self.id), reason));
        }
        Ok(())
    }
}
