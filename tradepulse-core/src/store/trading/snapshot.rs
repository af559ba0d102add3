use super::record::record;
use crate::market::Symbol;
use crate::store::Json;
use crate::time::{Timeframe, Timestamp};

record! {
    /// What was known of a market when a candle had closed: what decisions were made on.
    SnapshotRecord: Snapshot in "snapshots",
    key ["run", "symbol", "timeframe", "at"], time "at", changes [],
    {
        /// The run.
        run: String,
        /// The market.
        symbol: Symbol,
        /// The length of a candle.
        timeframe: Timeframe,
        /// Close time of the last candle, ms.
        at: Timestamp,
        /// Candles, indicators, regime.
        data: Json,
    }
}
