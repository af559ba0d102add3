//! Market data: candles as columns, their checks, and aggregation to longer timeframes.

mod aggregate;
mod candle;
mod columns;
mod data_error;
mod exchange_name;
mod funding;
mod instrument;
mod series;
mod symbol;
mod synthetic;

pub use aggregate::{AggregateError, Aggregator, aggregate};
pub use candle::Candle;
pub use columns::Columns;
pub use data_error::DataError;
pub use exchange_name::{ExchangeName, ExchangeNameError};
pub use funding::{FundingError, FundingSeries};
pub use instrument::{Instrument, InstrumentKind};
pub use series::{Gaps, Repair, Series};
pub use symbol::{Symbol, SymbolError};
pub use synthetic::SyntheticMarket;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::Timeframe;

/// What a candle history is the history of.
///
/// ```
/// use tradepulse_core::market::Market;
/// use tradepulse_core::time::Timeframe;
/// let market = Market {
///     exchange: "binance".parse()?,
///     symbol: "BTC/USDT".parse()?,
///     timeframe: Timeframe::M5,
/// };
/// assert_eq!(market.to_string(), "binance BTC/USDT 5m");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Market {
    /// Where it is traded.
    pub exchange: ExchangeName,
    /// What is traded.
    pub symbol: Symbol,
    /// The length of a candle.
    pub timeframe: Timeframe,
}

impl fmt::Display for Market {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.exchange, self.symbol, self.timeframe)
    }
}
