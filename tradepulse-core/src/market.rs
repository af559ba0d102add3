//! Market data: candles as columns, their checks, and aggregation to longer timeframes.

mod candle;
mod instrument;
mod series;
mod synthetic;

pub use candle::Candle;
pub use instrument::{Instrument, InstrumentKind};
pub use series::{Columns, DataError, Gaps, Repair, Series};
pub use synthetic::SyntheticMarket;
