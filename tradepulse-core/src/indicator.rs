//! Technical indicators: one file each, streaming and batch by the same code.
//!
//! Every indicator is a small state machine behind [`Indicator`]: hand it one closed candle (or one
//! value of a column) at a time, and it answers `None` until it has seen enough. `batch` of the
//! same type drives the same state machine over whole columns and writes `NaN` where streaming
//! answers `None`; all other values are the same bit for bit.
//!
//! A sum over a window is never carried along by subtracting what leaves: it is put together from
//! sums over the values inside the window alone, so a price jump leaves no trace once it is out of
//! the window. No operation is fused, so results are the same on every machine.
//!
//! ```
//! use tradepulse_core::indicator::{Ema, Indicator};
//!
//! let closes = [1.0, 2.0, 3.0, 4.0];
//! let mut ema = Ema::new(3)?;
//! let streamed: Vec<_> = closes.iter().map(|&close| ema.next(close)).collect();
//! assert_eq!(streamed, [None, None, Some(2.0), Some(3.0)]);
//!
//! let mut column = [0.0; 4];
//! Ema::batch(3, &closes, &mut column)?;
//! assert!(column[1].is_nan());
//! assert_eq!(column[2..], [2.0, 3.0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod adx;
mod aggregate;
mod atr;
mod batch;
mod bollinger;
pub mod catalogue;
mod cci;
mod ema;
mod linear_regression_slope;
mod macd;
mod mfi;
mod momentum;
mod natr;
mod obv;
mod past;
mod rate_of_change;
mod rolling_extreme;
mod rsi;
mod signal_line;
mod sma;
mod smoothing;
mod standard_deviation;
mod stochastic;
mod swing;
mod true_range;
mod vwap;
mod williams_r;
mod window;
mod wma;

pub use adx::{Adx, AdxLines};
pub use atr::Atr;
pub use bollinger::{Bands, Bollinger};
pub use cci::Cci;
pub use ema::Ema;
pub use linear_regression_slope::LinearRegressionSlope;
pub use macd::{Macd, MacdLines};
pub use mfi::Mfi;
pub use momentum::Momentum;
pub use natr::Natr;
pub use obv::Obv;
pub use rate_of_change::RateOfChange;
pub use rolling_extreme::{RollingMax, RollingMin};
pub use rsi::Rsi;
pub use sma::Sma;
pub use standard_deviation::StandardDeviation;
pub use stochastic::{Stochastic, StochasticLines};
pub use swing::{SwingHigh, SwingLow};
pub use true_range::TrueRange;
pub use vwap::Vwap;
pub use williams_r::WilliamsR;
pub use wma::Wma;

/// A value computed from a series, one input at a time.
///
/// Equal inputs give equal outputs: an indicator knows nothing but what it was handed. Once warm it
/// never answers `NaN` for finite inputs; each type says what it answers where its formula divides
/// by zero. Its memory is bounded by its period, and `next` does not allocate.
pub trait Indicator {
    /// What is observed: `f64` for one column, [`Candle`](crate::market::Candle) for several.
    type Input: Copy;
    /// What is answered: `f64`, or a struct with a field for each line.
    type Output: Copy;

    /// Takes the next closed candle (or value); `None` until warm.
    ///
    /// [`SwingLow`] and [`SwingHigh`] report events: they also answer `None` where there is none.
    fn next(&mut self, input: Self::Input) -> Option<Self::Output>;

    /// Number of inputs before the first one that can have an answer.
    fn warm_up(&self) -> usize;
}

/// A parameter outside what an indicator is defined for.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PeriodError {
    /// A number of candles.
    #[error("{name} {found} is not possible: expected {least} to {most}")]
    Period {
        /// The parameter.
        name: &'static str,
        /// What was asked for.
        found: usize,
        /// Smallest possible value.
        least: usize,
        /// Largest possible value.
        most: usize,
    },
    /// A multiple of a deviation.
    #[error("multiplier {found} is not possible: expected a finite number from 0 up")]
    Multiplier {
        /// What was asked for.
        found: f64,
    },
}

/// Why a column of an indicator could not be computed.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// A parameter outside what the indicator is defined for.
    #[error(transparent)]
    Period(#[from] PeriodError),
    /// Columns that differ in length.
    #[error("a column of {found} rows beside one of {expected}")]
    Length {
        /// Length of the column that differs.
        found: usize,
        /// Length of the first input column.
        expected: usize,
    },
}

/// Longest period of any indicator.
const LONGEST: usize = 100_000;

/// Checks that `found` candles are `least` to 100,000.
fn checked(name: &'static str, found: usize, least: usize) -> Result<usize, PeriodError> {
    if (least..=LONGEST).contains(&found) {
        Ok(found)
    } else {
        Err(PeriodError::Period { name, found, least, most: LONGEST })
    }
}
