use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Json, RecordId};
use crate::lifecycle::Stage;
use crate::time::Timestamp;

/// What can happen to a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It was stored for the first time.
    Created,
    /// It became the active one of its cell.
    Activated,
    /// It ceased to be active.
    Deactivated,
    /// It moved from one stage to another.
    Stage,
}

impl ChangeKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Created, Self::Activated, Self::Deactivated, Self::Stage];

    /// Its word, such as `activated`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Activated => "activated",
            Self::Deactivated => "deactivated",
            Self::Stage => "stage",
        }
    }
}

impl FromStr for ChangeKind {
    type Err = UnknownChange;

    fn from_str(text: &str) -> Result<Self, UnknownChange> {
        let found = Self::ALL.into_iter().find(|k| k.as_str() == text);
        found.ok_or_else(|| UnknownChange(text.to_owned()))
    }
}

/// A word that is no kind of change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a change: expected created, activated, deactivated or stage")]
pub struct UnknownChange(String);

/// A change of a configuration's life, to be made.
#[derive(Clone, Debug, PartialEq)]
pub enum ConfigurationChange {
    /// Make it the active one of its cell.
    Activate {
        /// The configuration.
        id: RecordId,
        /// When, ms.
        at: Timestamp,
        /// Why, for machines.
        causes: Json,
        /// Why, in words.
        note: Option<String>,
    },
    /// Make it inactive.
    Deactivate {
        /// The configuration.
        id: RecordId,
        /// When, ms.
        at: Timestamp,
        /// Why, for machines.
        causes: Json,
        /// Why, in words.
        note: Option<String>,
    },
    /// Move it to another stage.
    Stage {
        /// The configuration.
        id: RecordId,
        /// When, ms.
        at: Timestamp,
        /// The stage it is thought to be in.
        from: Stage,
        /// The stage to move to.
        to: Stage,
        /// Why, for machines: the rules that led to it and their figures.
        causes: Json,
        /// Why, in words.
        note: Option<String>,
    },
}

impl ConfigurationChange {
    /// The configuration to change.
    pub fn id(&self) -> &RecordId {
        match self {
            Self::Activate { id, .. } | Self::Deactivate { id, .. } | Self::Stage { id, .. } => id,
        }
    }
}

/// A change of a configuration's life, as it was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfigurationEvent {
    /// The configuration.
    pub configuration_id: RecordId,
    /// Place among the events of this configuration, counted from 1 without gaps.
    pub sequence: u64,
    /// When, ms.
    pub at: Timestamp,
    /// What happened.
    pub kind: ChangeKind,
    /// The stage before; `None` when it was created.
    pub from_stage: Option<Stage>,
    /// The stage after: the same, unless the stage changed.
    pub to_stage: Stage,
    /// Why, for machines.
    pub causes: Json,
    /// Why, in words.
    pub note: Option<String>,
}
