//! Venues that misbehave: [`FaultyExchange`] puts scripted or seeded faults in front of any
//! [`Exchange`](crate::exchange::Exchange).

mod exchange;
mod plan;
mod stream;

pub use exchange::FaultyExchange;
pub use plan::{Call, Fault, FaultPlan, FaultRates};

#[cfg(test)]
mod tests;
