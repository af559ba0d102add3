use serde::{Deserialize, Serialize};

use crate::market::Candle;
use crate::order::{Leg, Moment, Side};

/// Which leg is taken to fill first in a candle that reaches both after opening between them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// The stop: the careful guess.
    #[default]
    StopFirst,
    /// The target: what the other guess would have earned.
    TargetFirst,
}

/// How a protective pair meets a candle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LegFill {
    /// The leg that fills.
    pub leg: Leg,
    /// Its price before slippage.
    pub reference: f64,
    /// At the open (a gap), or inside the candle.
    pub moment: Moment,
    /// Whether the candle reaches the other leg too, having opened between them.
    pub ambiguous: bool,
}

impl LegFill {
    /// Which of several orders fills first in a candle; lower is earlier. The same order as that
    /// of the rules.
    pub(crate) fn rank(&self, priority: Priority) -> u8 {
        match (self.moment, self.leg, priority) {
            (Moment::Open, Leg::Stop, _) => 0,
            (Moment::Open, Leg::Target, _) => 1,
            (_, Leg::Stop, Priority::StopFirst) | (_, Leg::Target, Priority::TargetFirst) => 2,
            _ => 3,
        }
    }
}

/// The fill rule of protective orders, for a position of `side`; the first that applies:
///
/// 1. the open is at or beyond the stop: the stop fills at the open (a gap is paid in full);
/// 2. the open is at or beyond the target: the target fills at the open (a limit order gets the
///    better price);
/// 3. the candle reaches the stop: it fills at its price;
/// 4. the candle reaches the target: it fills at its price.
///
/// `priority` exchanges 3 and 4.
///
/// ```
/// use tradepulse_core::market::Candle;
/// use tradepulse_core::order::{Leg, Side};
/// use tradepulse_core::simulation::{Priority, leg_fill};
/// use tradepulse_core::time::Timestamp;
///
/// let candle = Candle {
///     open_time: Timestamp::default(),
///     open: 100.0, high: 106.0, low: 97.0, close: 101.0, volume: 1.0,
/// };
/// let fill = leg_fill(&candle, Side::Long, 98.0, Some(105.0), Priority::StopFirst).unwrap();
/// assert_eq!((fill.leg, fill.reference, fill.ambiguous), (Leg::Stop, 98.0, true));
/// assert_eq!(leg_fill(&candle, Side::Long, 96.0, Some(107.0), Priority::StopFirst), None);
/// ```
#[inline]
pub fn leg_fill(
    candle: &Candle,
    side: Side,
    stop: f64,
    target: Option<f64>,
    priority: Priority,
) -> Option<LegFill> {
    let (stop_reached, target_reached, stop_gap, target_gap) = match side {
        Side::Long => {
            let target = target.unwrap_or(f64::INFINITY);
            (candle.low <= stop, candle.high >= target, candle.open <= stop, candle.open >= target)
        }
        Side::Short => {
            let target = target.unwrap_or(f64::NEG_INFINITY);
            (candle.high >= stop, candle.low <= target, candle.open >= stop, candle.open <= target)
        }
    };
    if !stop_reached && !target_reached {
        return None;
    }
    let gap = |leg| LegFill { leg, reference: candle.open, moment: Moment::Open, ambiguous: false };
    if stop_gap {
        return Some(gap(Leg::Stop));
    }
    if target_gap {
        return Some(gap(Leg::Target));
    }
    let ambiguous = stop_reached && target_reached;
    let first = match priority {
        Priority::StopFirst if stop_reached => Leg::Stop,
        Priority::TargetFirst if !target_reached => Leg::Stop,
        _ => Leg::Target,
    };
    let reference = match (first, target) {
        (Leg::Target, Some(target)) => target,
        _ => stop,
    };
    Some(LegFill { leg: first, reference, moment: Moment::Inside, ambiguous })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::Timestamp;

    fn candle(open: f64, high: f64, low: f64) -> Candle {
        Candle { open_time: Timestamp::default(), open, high, low, close: open, volume: 1.0 }
    }

    fn meets(c: Candle, side: Side, stop: f64, target: f64) -> Option<(Leg, f64, Moment, bool)> {
        leg_fill(&c, side, stop, Some(target), Priority::StopFirst)
            .map(|f| (f.leg, f.reference, f.moment, f.ambiguous))
    }

    #[test]
    fn the_four_rules_in_order() {
        use Moment::{Inside, Open};
        let long = |c| meets(c, Side::Long, 98.0, 105.0);
        assert_eq!(long(candle(97.0, 106.0, 96.0)), Some((Leg::Stop, 97.0, Open, false)));
        assert_eq!(long(candle(98.0, 99.0, 98.0)), Some((Leg::Stop, 98.0, Open, false)));
        assert_eq!(long(candle(107.0, 108.0, 90.0)), Some((Leg::Target, 107.0, Open, false)));
        assert_eq!(long(candle(100.0, 101.0, 98.0)), Some((Leg::Stop, 98.0, Inside, false)));
        assert_eq!(long(candle(100.0, 105.0, 99.0)), Some((Leg::Target, 105.0, Inside, false)));
        assert_eq!(long(candle(100.0, 105.0, 98.0)), Some((Leg::Stop, 98.0, Inside, true)));
        assert_eq!(long(candle(100.0, 104.9, 98.1)), None);
    }

    proptest! {
        /// A short is a long in the mirror.
        #[test]
        fn shorts_mirror_longs(
            open in -9.0..9.0_f64, up in 0.0..9.0_f64, down in 0.0..9.0_f64,
            stop in -9.0..0.0_f64, target in 0.0..9.0_f64, target_first in any::<bool>(),
        ) {
            let priority =
                if target_first { Priority::TargetFirst } else { Priority::StopFirst };
            let long = leg_fill(
                &candle(open, open + up, open - down), Side::Long, stop, Some(target), priority);
            let short = leg_fill(
                &candle(-open, -open + down, -open - up), Side::Short, -stop, Some(-target), priority);
            prop_assert_eq!(long.map(|f| (f.leg, f.reference, f.moment, f.ambiguous)),
                short.map(|f| (f.leg, -f.reference, f.moment, f.ambiguous)));
        }

        /// Stop before target, and never a better price than the market gave.
        #[test]
        fn the_careful_guess(
            open in 90.0..110.0_f64, up in 0.0..9.0_f64, down in 0.0..9.0_f64,
            stop in 90.0..100.0_f64, target in 100.0..110.0_f64,
        ) {
            let c = candle(open, open + up, open - down);
            let fill = leg_fill(&c, Side::Long, stop, Some(target), Priority::StopFirst);
            if c.low <= stop && open < target {
                let fill = fill.unwrap();
                prop_assert_eq!(fill.leg, Leg::Stop);
                prop_assert!(fill.reference <= stop);
            }
            if let Some(fill) = fill {
                prop_assert!(c.low <= fill.reference && fill.reference <= c.high);
            }
        }
    }
}
