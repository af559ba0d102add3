use serde::{Deserialize, Serialize};

use crate::market::Instrument;
use crate::simulation::Costs;
use crate::sizing::Sizing;

/// How the engine turns intents into orders.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// Sizing method.
    pub sizing: Sizing,
    /// Notional may be this many times equity.
    pub max_leverage: f64,
    /// An entry's target must be at least this many round-trip costs away; 0 turns it off.
    pub min_edge: f64,
    /// Whether profit changes the size of later trades; if not, sizes come from the capital.
    pub compounding: bool,
    /// Costs reckoned with when sizing and when judging the edge.
    pub costs: Costs,
    /// The market's steps and minimums.
    pub instrument: Instrument,
    /// A trailing stop: at each close the stop follows the best price since the entry at this
    /// distance, a fraction of that price. It never moves away from the price. The best price is
    /// the highest high for a long, the lowest low for a short, the entry candle's included; where
    /// the close is already beyond the new stop, the position is closed at market.
    #[doc(alias = "callback rate")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trailing_stop: Option<f64>,
    /// Moves the stop to the entry price plus the costs of a round trip, at the first close at
    /// which the best price has come this multiple of the initial risk (the distance from entry
    /// price to stop) and the close is still beyond that new stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub break_even: Option<f64>,
    /// Closes a position at the first close this many milliseconds, or more, after its entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_duration_ms: Option<i64>,
}

impl Default for Rules {
    /// 2 % risk, no leverage, a target worth two round trips, compounding, a stop that stays.
    fn default() -> Self {
        Self {
            sizing: Sizing::default(),
            max_leverage: 1.0,
            min_edge: 2.0,
            compounding: true,
            costs: Costs::default(),
            instrument: Instrument::default(),
            trailing_stop: None,
            break_even: None,
            max_duration_ms: None,
        }
    }
}

impl Rules {
    /// Whether the stop of an open position may move.
    pub(super) fn moves_stops(&self) -> bool {
        self.trailing_stop.is_some() || self.break_even.is_some()
    }
}
