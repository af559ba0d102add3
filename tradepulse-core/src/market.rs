//! Market data: candles as columns, their checks, and aggregation to longer timeframes.

mod candle;
mod series;

pub use candle::Candle;
pub use series::{Columns, DataError, Gaps, Repair, Series};
