//! Venues: adapters of the port [`Exchange`](tradepulse_core::exchange::Exchange).

#[cfg(feature = "paper")]
pub mod paper;
