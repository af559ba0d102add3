use serde::{Deserialize, Serialize};

use crate::ensemble::Veto;
use crate::order::Side;
use crate::risk::RiskRule;

/// Why an entry was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RefusalReason {
    /// Stop or target is not on its proper side of the close.
    WrongSide,
    /// The target is not worth the costs.
    Edge,
    /// Entries are not allowed on this candle ([`Engine::allow_entries`](super::Engine::allow_entries)).
    NotAllowed,
    /// There is no usable advice of models, without which entries are not made.
    NoAdvice,
    /// Models advise to hold.
    NotConfirmed,
    /// Models advise the other side.
    Opposed,
    /// There is no equity to trade with.
    NoEquity,
    /// The size rounds to nothing.
    BelowStep,
    /// The size is below the market's minimum, or the smallest notional wanted.
    BelowMinimum,
    /// The configuration may trade with none of the equity.
    Allocation,
    /// The size needs the average true range, which is not known yet.
    UnknownVolatility,
    /// A rule of the risk gate.
    Risk(RiskRule),
    /// The venue rejected the order.
    Rejected,
    /// The order was cancelled before it filled.
    Cancelled,
    /// The order expired before it filled.
    Expired,
}

impl RefusalReason {
    /// The name in JSON and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WrongSide => "wrong_side",
            Self::Edge => "edge",
            Self::NotAllowed => "not_allowed",
            Self::NoAdvice => "no_advice",
            Self::NotConfirmed => "not_confirmed",
            Self::Opposed => "opposed",
            Self::NoEquity => "no_equity",
            Self::BelowStep => "below_step",
            Self::BelowMinimum => "below_minimum",
            Self::Allocation => "allocation",
            Self::UnknownVolatility => "unknown_volatility",
            Self::Risk(rule) => rule.name(),
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }
}

impl From<Veto> for RefusalReason {
    fn from(veto: Veto) -> Self {
        match veto {
            Veto::NoAdvice => Self::NoAdvice,
            Veto::NotConfirmed => Self::NotConfirmed,
            Veto::Opposed => Self::Opposed,
        }
    }
}

/// An entry that was not made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    /// Open time of the candle on which it was wanted, milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// Side of the entry.
    pub side: Side,
    /// Why.
    pub reason: RefusalReason,
    /// The figure that did not suffice: reward in percent for `edge`, that of the rule for a rule
    /// of the risk gate, confidence where models were asked, quantity or equity else; 0 where there is none.
    pub figure: f64,
    /// What it was held against; 0 where there is nothing.
    pub limit: f64,
}
