use serde::{Deserialize, Serialize};

use super::record::record;
use crate::store::Json;
use crate::time::Timestamp;

/// How much an event matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventLevel {
    /// Good to know.
    Info,
    /// Someone should look at it.
    Warning,
    /// Something failed.
    Error,
}

impl EventLevel {
    /// Its word: `info`, `warning` or `error`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

record! {
    /// A refusal of the risk gate, a breaker that opened, an error, a start or an end.
    SystemEventRecord: SystemEvent in "system_events",
    key ["run", "sequence"], time "at", changes [],
    {
        /// The run in which it happened.
        run: String,
        /// Place among the events of this run that come of its journal, counted from 1; of others
        /// their time, ms, or the next free number behind it.
        sequence: u64,
        /// The wallet it concerns, if it concerns one.
        wallet: Option<String>,
        /// When, ms.
        at: Timestamp,
        /// How much it matters.
        level: EventLevel,
        /// What kind of event, such as `refusal`.
        kind: String,
        /// What happened, in words.
        text: String,
        /// What happened, for machines: of a refusal the rule, the figure and the limit.
        data: Option<Json>,
    }
}
