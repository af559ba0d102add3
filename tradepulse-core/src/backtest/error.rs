use crate::indicator::BatchError;
use crate::parameter::ParameterError;
use crate::risk::RiskRulesError;

/// Why a backtest cannot run.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BacktestError {
    /// The strategy does not take these parameters.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// An indicator cannot be computed.
    #[error(transparent)]
    Input(#[from] BatchError),
    /// Not enough data for the strategy to say anything.
    #[error(
        "too few candles: there are {candles}; the strategy needs at least {needed} for its first \
         trade and {warm_up} to warm up"
    )]
    TooFewCandles {
        /// Candles there are.
        candles: usize,
        /// Candles needed for the first intent to fill.
        needed: usize,
        /// Candles until the strategy's state no longer depends on where the data began.
        warm_up: usize,
    },
    /// Rows that are not there.
    #[error("rows {start}..{end} are empty or not among the {candles} candles")]
    Rows {
        /// First row.
        start: usize,
        /// The row after the last.
        end: usize,
        /// Candles there are.
        candles: usize,
    },
    /// Marks that do not belong to the candles.
    #[error("{marks} marks for {candles} candles")]
    Marks {
        /// Marks given.
        marks: usize,
        /// Candles there are.
        candles: usize,
    },
    /// A setting out of its range.
    #[error("{name} = {value}: expected {expected}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// The value given.
        value: f64,
        /// What it should be.
        expected: &'static str,
    },
    /// A risk rule out of its range.
    #[error(transparent)]
    Risk(#[from] RiskRulesError),
    /// It was told to end before its last candle.
    #[error("stopped after {candles} candles")]
    Stopped {
        /// Candles it had run on.
        candles: usize,
    },
    /// A detail series that does not divide the candles.
    #[error("candles of {fine} cannot show what happened inside candles of {coarse}")]
    Detail {
        /// Timeframe of the backtest.
        coarse: String,
        /// Timeframe of the detail series.
        fine: String,
    },
}
