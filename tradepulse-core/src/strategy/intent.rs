use serde::{Deserialize, Serialize};

use crate::order::Side;

/// What a strategy wants.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// Open a position. While one is open: the same side is ignored, the other closes and reverses.
    Enter(Entry),
    /// Close the position.
    Exit,
}

/// The plan of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Long or short.
    pub side: Side,
    /// Price of the protective stop; strictly on the losing side of the close.
    pub stop: f64,
    /// Price of the target, if there is one; strictly on the winning side of the close.
    pub target: Option<f64>,
    /// Candles after which the position is closed (the entry candle is the first), if limited.
    pub max_holding: Option<u32>,
}

impl Entry {
    /// Whether stop and target are finite and on their proper sides of `close`.
    pub fn is_consistent_with(&self, close: f64) -> bool {
        let beyond = |a: f64, b: f64| match self.side {
            Side::Long => a < b,
            Side::Short => a > b,
        };
        self.stop.is_finite()
            && beyond(self.stop, close)
            && self.target.is_none_or(|target| target.is_finite() && beyond(close, target))
    }
}
