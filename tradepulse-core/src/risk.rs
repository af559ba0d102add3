//! Risk: what must be true before an entry reaches a venue.
//!
//! [`RiskGate`] holds entries against [`RiskRules`] and what has happened so far ([`RiskState`]);
//! what it lets pass is [`Approved`], and venues take nothing else. Exits and protective orders
//! always pass. What is not known blocks the entry where a rule needs it.

mod approved;
mod breaker;
mod context;
mod correlation;
mod gate;
mod refusal;
mod rules;
mod state;

pub use approved::Approved;
pub use breaker::{BreakerRules, CircuitBreaker};
pub use context::{EntryContext, OpenPosition};
pub use correlation::ReturnWindow;
pub(crate) use gate::Entry;
pub use gate::RiskGate;
pub use refusal::{RiskRefusal, RiskRule};
pub use rules::{RiskRules, RiskRulesError};
pub use state::{PastTrade, RiskMark, RiskState, Shutdown};
