use serde::{Deserialize, Serialize};

use crate::ensemble::DecisionMode;
use crate::market::Instrument;
use crate::money::Price;
use crate::order::Side;
use crate::simulation::Costs;
use crate::sizing::Sizing;
use crate::strategy::Entry;

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
    /// Smallest notional of an entry, quote currency, besides the market's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_notional: Option<f64>,
    /// Largest notional of an entry, quote currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_notional: Option<f64>,
    /// Prices of stops and targets are multiples of this, if given. Both are rounded towards the
    /// entry: a loss is never larger, and a gain never larger, than it was reckoned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_tick: Option<Price>,
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
    /// Whose word an entry needs.
    #[serde(default, skip_serializing_if = "DecisionMode::is_default")]
    pub decision: DecisionMode,
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
            min_notional: None,
            max_notional: None,
            price_tick: None,
            trailing_stop: None,
            break_even: None,
            max_duration_ms: None,
            decision: DecisionMode::StrategiesOnly,
        }
    }
}

impl Rules {
    /// Whether the stop of an open position may move.
    pub(super) fn moves_stops(&self) -> bool {
        self.trailing_stop.is_some() || self.break_even.is_some()
    }

    /// The stop of a position of `side` on the tick: for a long the next price that is not below.
    pub(super) fn stop_on_tick(&self, side: Side, stop: f64) -> f64 {
        self.on_tick(side == Side::Long, stop)
    }

    /// The entry with stop and target on the tick.
    pub(super) fn entry_on_tick(&self, entry: Entry) -> Entry {
        let Entry { side, stop, target, .. } = entry;
        let target = target.map(|target| self.on_tick(side == Side::Short, target));
        Entry { stop: self.stop_on_tick(side, stop), target, ..entry }
    }

    /// A price that is none (zero or below, no number) has no tick, and stays.
    fn on_tick(&self, up: bool, price: f64) -> f64 {
        let Some(tick) = self.price_tick else { return price };
        match Price::from_f64(price) {
            Ok(price) if up => price.ceil_to(tick).to_f64(),
            Ok(price) => price.floor_to(tick).to_f64(),
            Err(_) => price,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// On the tick, a stop is no farther and a target no farther from the entry than before.
        #[test]
        fn ticks_are_towards_the_entry(
            short in any::<bool>(), price in 1.0..1e5_f64,
            stop in 0.01..0.5_f64, target in 0.01..0.5_f64, scale in 0_u32..5,
        ) {
            let side = if short { Side::Short } else { Side::Long };
            let tick = 0.1_f64.powi(scale.cast_signed());
            let tick: Price = format!("{tick:.*}", scale as usize).parse().unwrap();
            let sign = side.sign();
            let (stop, target) = (price * (1.0 - sign * stop), price * (1.0 + sign * target));
            let entry = Entry { side, stop, target: Some(target), max_holding: None };
            prop_assert_eq!(Rules::default().entry_on_tick(entry), entry);
            let rules = Rules { price_tick: Some(tick), ..Rules::default() };
            let on_tick = rules.entry_on_tick(entry);
            let (near_stop, near_target) = (on_tick.stop, on_tick.target.unwrap());
            prop_assert!(sign * (near_stop - stop) >= 0.0);
            prop_assert!(sign * (target - near_target) >= 0.0 || near_target == tick.to_f64());
            prop_assert!((near_stop - stop).abs() <= tick.to_f64() * (1.0 + 1e-9));
            prop_assert_eq!(rules.entry_on_tick(on_tick), on_tick);
        }
    }
}
