use super::{RecordId, Stage};

/// Why a store did not do what it was asked to. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no such record: ask for another.
    #[error("there is no {what} {id}")]
    NotFound {
        /// What was looked for, such as "study".
        what: &'static str,
        /// Its id.
        id: RecordId,
    },
    /// What is stored forbids it: read it again and decide anew.
    #[error("{0}")]
    Conflict(String),
    /// The record cannot be stored as it is: correct it.
    #[error("{record} cannot be stored: {reason}")]
    Invalid {
        /// What kind of record, such as "trial 7".
        record: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Someone else is writing: try again.
    #[error("{place} is in use by another process; nothing was changed: try again ({reason})")]
    Busy {
        /// What is in use.
        place: String,
        /// What was waited for.
        reason: String,
    },
    /// There is no room: make some, then go on. What was stored before is intact.
    #[error("no room to write {place}: free some space and go on; what was stored is intact")]
    Full {
        /// What could not be written.
        place: String,
    },
    /// The store is damaged: restore a backup.
    #[error("{place} is damaged: restore a backup ({reason})")]
    Corrupt {
        /// What is damaged.
        place: String,
        /// What was found.
        reason: String,
    },
    /// Written by a later version of the program: use that. Nothing was touched.
    #[error(
        "{place} has schema version {found}, this program knows versions up to {known}: \
         use a later one"
    )]
    Newer {
        /// What was written by it.
        place: String,
        /// Its schema version.
        found: u32,
        /// The latest that is known.
        known: u32,
    },
    /// Not a store of this program: name another place. Nothing was touched.
    #[error("{place} is not a database of TradePulse ({reason}); it was left as it is")]
    Foreign {
        /// The place.
        place: String,
        /// What it is instead.
        reason: String,
    },
    /// The system refuses.
    #[error("cannot access {place}")]
    Io {
        /// What was accessed.
        place: String,
        /// What the system says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StoreError {
    /// Whether the same call may succeed later without anybody doing anything.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Busy { .. })
    }

    /// No record of this id.
    pub fn not_found(what: &'static str, id: &RecordId) -> Self {
        Self::NotFound { what, id: id.clone() }
    }

    /// A record that cannot be stored.
    pub fn invalid(record: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid { record: record.into(), reason: reason.into() }
    }

    /// A study of this id was deleted.
    pub fn deleted_study(id: &RecordId) -> Self {
        Self::Conflict(format!("study {id} was deleted: make a new study under another id"))
    }

    /// A running study is not deleted.
    pub fn running_study(id: &RecordId) -> Self {
        Self::Conflict(format!("study {id} is running: cancel it first"))
    }

    /// An active configuration is not deleted.
    pub fn active_configuration(id: &RecordId) -> Self {
        Self::Conflict(format!("configuration {id} is active: deactivate it first"))
    }

    /// A configuration is in stage `stored`, not `expected`.
    pub fn other_stage(id: &RecordId, stored: Stage, expected: Stage) -> Self {
        Self::Conflict(format!("configuration {id} is in stage {stored}, not {expected}"))
    }
}
