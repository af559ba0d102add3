//! Performance: what a series of trades and an equity curve amount to.
//!
//! Figures that are not defined (a Sharpe ratio of one day, a profit factor without losses) are
//! `None`, never NaN or infinity.

mod curve;
mod metrics;
mod monte_carlo;
mod statistics;

pub use curve::EquityCurve;
pub use metrics::Metrics;
pub use monte_carlo::{MonteCarlo, Percentiles};
pub use statistics::{DAYS_PER_YEAR, DailyStatistics};
