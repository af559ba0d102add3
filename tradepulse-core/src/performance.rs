//! Performance: what a series of trades and an equity curve amount to.
//!
//! Figures that are not defined (a Sharpe ratio of one day, a profit factor without losses) are
//! `None`, never NaN or infinity.

mod bootstrap;
mod curve;
mod metrics;
mod monte_carlo;
mod normal;
mod statistics;

pub use bootstrap::{BlockLength, BootstrapInterval, Interval, Resampling, Statistic};
pub use curve::EquityCurve;
pub use metrics::Metrics;
pub use monte_carlo::{Band, MonteCarlo, MonteCarloFan, Percentiles};
pub use statistics::{DAYS_PER_YEAR, DailyStatistics};

pub(crate) use normal::{normal_cdf, normal_quantile};
pub(crate) use statistics::{finite, mean, mean_over_deviation, quantile};
