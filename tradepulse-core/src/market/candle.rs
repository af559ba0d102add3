use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// One closed OHLCV bar.
///
/// Prices are in the quote currency, volume in the base currency. `close_time` is not stored:
/// it is `open_time` plus the timeframe.
#[doc(alias = "bar")]
#[doc(alias = "kline")]
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candle {
    /// First instant of the candle.
    pub open_time: Timestamp,
    /// First price.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
    /// Base currency traded.
    pub volume: f64,
}
