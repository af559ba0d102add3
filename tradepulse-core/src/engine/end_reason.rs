use serde::{Deserialize, Serialize};

use super::RefusalReason;
use crate::risk::{RiskRefusal, RiskRule};

/// Why an order ended without filling, or without filling any further.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
#[non_exhaustive]
pub enum EndReason {
    /// The risk gate did not let it pass.
    Refused {
        /// The rule.
        rule: RiskRule,
        /// What there is; `None` where it is not known.
        figure: Option<f64>,
        /// What it was held against.
        limit: Option<f64>,
    },
    /// The venue did not take it.
    Rejected,
    /// It was taken back.
    Cancelled,
    /// It ended by the venue's rules.
    Expired,
}

impl From<&RiskRefusal> for EndReason {
    fn from(refusal: &RiskRefusal) -> Self {
        let RiskRefusal { rule, figure, limit, .. } = *refusal;
        Self::Refused { rule, figure, limit }
    }
}

impl EndReason {
    /// The same as a refused entry: reason, figure, limit.
    pub(super) fn refusal(self) -> (RefusalReason, f64, f64) {
        match self {
            Self::Refused { rule, figure, limit } => {
                let shown = |value: Option<f64>| value.unwrap_or(0.0);
                (RefusalReason::Risk(rule), shown(figure), shown(limit))
            }
            Self::Rejected => (RefusalReason::Rejected, 0.0, 0.0),
            Self::Cancelled => (RefusalReason::Cancelled, 0.0, 0.0),
            Self::Expired => (RefusalReason::Expired, 0.0, 0.0),
        }
    }
}
