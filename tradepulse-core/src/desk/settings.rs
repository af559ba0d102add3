use serde::{Deserialize, Serialize};

/// How patient a desk is. All times in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeskSettings {
    /// How long a position may be without a protective order at its venue before it is closed.
    pub naked_limit_ms: i64,
    /// How long the price may be beyond the stop without the stop firing, before the desk closes
    /// the position itself.
    pub watchdog_grace_ms: i64,
    /// How long an entry may take to be accepted and filled; what is not filled then is taken back.
    pub entry_patience_ms: i64,
    /// An order that may be live and of which nothing was heard for so long is asked for; 0 never.
    pub order_check_ms: i64,
    /// First pause before something that failed is tried again; it doubles up to
    /// `max_retry_pause_ms`.
    pub retry_pause_ms: i64,
    /// Longest pause before something that failed is tried again.
    pub max_retry_pause_ms: i64,
    /// Whether entries stop until a person resumes, once something cannot be explained.
    pub halt_on_unexplained: bool,
}

impl Default for DeskSettings {
    fn default() -> Self {
        Self {
            naked_limit_ms: 5_000,
            watchdog_grace_ms: 3_000,
            entry_patience_ms: 4_000,
            order_check_ms: 10_000,
            retry_pause_ms: 250,
            max_retry_pause_ms: 5_000,
            halt_on_unexplained: true,
        }
    }
}

impl DeskSettings {
    /// The pause before try number `tries` (the first is 0).
    pub(super) fn pause_ms(&self, tries: u32) -> i64 {
        self.retry_pause_ms
            .saturating_mul(1_i64 << tries.min(20))
            .clamp(1, self.max_retry_pause_ms.max(1))
    }
}
