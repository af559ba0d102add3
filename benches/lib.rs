//! What the benchmarks share.

use tradepulse_core::market::{DataError, Series, SyntheticMarket};
use tradepulse_core::random::Seed;
use tradepulse_core::time::Timeframe;

/// A synthetic market of `candles` five-minute candles.
///
/// # Errors
/// Never for a number of candles that fits into memory.
pub fn market(candles: usize) -> Result<Series, DataError> {
    SyntheticMarket { candles, ..SyntheticMarket::new(Seed(1), Timeframe::M5) }.generate()
}
