use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use tradepulse_core::market::{Candle, Symbol};
use tradepulse_core::time::{Timeframe, Timestamp};

/// What a model is told of a market.
#[derive(Clone, Debug, Serialize)]
pub struct MarketSnapshot<'a> {
    /// The market.
    pub symbol: &'a Symbol,
    /// The length of a candle.
    pub timeframe: Timeframe,
    /// The last closed candles, oldest first.
    #[serde(serialize_with = "all")]
    pub candles: &'a [Candle],
    /// Indicators by name, of the last candle.
    pub indicators: BTreeMap<String, f64>,
    /// What belongs to no candle of the market.
    pub meta: SnapshotMeta<'a>,
}

/// What belongs to no candle of the market.
#[derive(Clone, Debug, Serialize)]
pub struct SnapshotMeta<'a> {
    /// When it was made.
    #[serde(serialize_with = "words")]
    pub utc: Timestamp,
    /// The last closed candles of one hour, oldest first.
    #[serde(serialize_with = "all")]
    pub candles_1h: &'a [Candle],
}

impl<'a> MarketSnapshot<'a> {
    /// Candles alone. It was made when the last of them closed.
    pub fn new(symbol: &'a Symbol, timeframe: Timeframe, candles: &'a [Candle]) -> Self {
        let meta = SnapshotMeta { utc: Timestamp::EARLIEST, candles_1h: &[] };
        let snapshot = Self { symbol, timeframe, candles, indicators: BTreeMap::new(), meta };
        let utc = snapshot.close_time();
        Self { meta: SnapshotMeta { utc, ..snapshot.meta }, ..snapshot }
    }

    /// When the last candle closed.
    pub fn close_time(&self) -> Timestamp {
        let last = self.candles.last();
        Timestamp::from_ms(last.map_or(0, |c| c.open_time.as_ms() + self.timeframe.as_ms()))
    }
}

/// A candle as it is sent.
#[derive(Serialize)]
struct Sent {
    timestamp: Timestamp,
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    volume: f64,
}

fn all<S: Serializer>(candles: &&[Candle], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(candles.iter().map(|&candle| {
        let Candle { open_time, open, high, low, close, volume } = candle;
        Sent { timestamp: open_time, open, high, low, close, volume }
    }))
}

fn words<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}
