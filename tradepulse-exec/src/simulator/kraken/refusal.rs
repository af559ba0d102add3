use tradepulse_core::exchange::{ExchangeError, RejectKind};

/// Why a request is not carried out, in the venue's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal(pub(super) String);

impl Refusal {
    pub(super) fn new(error: impl Into<String>) -> Self {
        Self(error.into())
    }

    /// A parameter that is missing or makes no sense.
    pub(super) fn argument(name: &str) -> Self {
        Self(format!("EGeneral:Invalid arguments:{name}"))
    }

    pub(super) fn no_such_pair() -> Self {
        Self::new("EQuery:Unknown asset pair")
    }

    pub(super) fn no_such_order() -> Self {
        Self::new("EOrder:Unknown order")
    }

    /// What the venue behind the dialect has refused.
    pub(super) fn of_venue(error: &ExchangeError) -> Self {
        match error {
            ExchangeError::Rejected { kind: RejectKind::Balance, .. } => {
                Self::new("EOrder:Insufficient funds")
            }
            ExchangeError::Rejected { kind: RejectKind::Filter, .. } => {
                Self::new("EOrder:Order minimum not met")
            }
            ExchangeError::Rejected { kind: RejectKind::Closed, .. } => {
                Self::new("EService:Market in cancel_only mode")
            }
            error => Self(format!("EOrder:Invalid order:{error}")),
        }
    }
}
