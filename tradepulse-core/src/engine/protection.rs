use super::Rules;
use crate::order::Side;
use crate::strategy::Entry;

/// What an open position is protected by, and how its stop moves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Protection {
    side: Side,
    entry_price: f64,
    stop: f64,
    pub(super) target: Option<f64>,
    initial_risk: f64,
    /// Highest high since the entry for a long, lowest low for a short.
    best: f64,
}

/// What becomes of a stop at a close.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum StopMove {
    Stay,
    To(f64),
    /// The close is beyond where the stop should be.
    Crossed,
}

impl Protection {
    pub(super) fn new(entry: &Entry, price: f64) -> Self {
        Self {
            side: entry.side,
            entry_price: price,
            stop: entry.stop,
            target: entry.target,
            initial_risk: (price - entry.stop).abs(),
            best: price,
        }
    }

    /// Looks at a candle that has closed, and moves the stop as the rules want.
    pub(super) fn at_close(&mut self, rules: &Rules, high: f64, low: f64, close: f64) -> StopMove {
        let sign = self.side.sign();
        let better = |a: f64, b: f64| sign * (a - b) > 0.0;
        let reached = if self.side == Side::Long { high } else { low };
        if better(reached, self.best) {
            self.best = reached;
        }
        let mut stop = self.stop;
        if let Some(multiple) = rules.break_even
            && sign * (self.best - self.entry_price) >= multiple * self.initial_risk
        {
            let even = self.entry_price * (1.0 + sign * rules.costs.round_trip());
            let even = rules.stop_on_tick(self.side, even);
            if better(even, stop) && better(close, even) {
                stop = even;
            }
        }
        if let Some(callback) = rules.trailing_stop {
            let trailing = rules.stop_on_tick(self.side, self.best * (1.0 - sign * callback));
            if better(trailing, stop) {
                stop = trailing;
            }
        }
        if stop == self.stop {
            return StopMove::Stay;
        }
        if !better(close, stop) {
            return StopMove::Crossed;
        }
        self.stop = stop;
        StopMove::To(stop)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::simulation::Costs;

    fn entry(side: Side, stop: f64) -> Entry {
        Entry { side, stop, target: None, max_holding: None }
    }

    fn rules(trailing_stop: Option<f64>, break_even: Option<f64>) -> Rules {
        Rules { trailing_stop, break_even, ..Rules::default() }
    }

    #[test]
    fn the_stop_trails_the_best_price() {
        let rules = rules(Some(0.1), None);
        let mut long = Protection::new(&entry(Side::Long, 95.0), 100.0);
        assert_eq!(long.at_close(&rules, 104.0, 99.0, 103.0), StopMove::Stay);
        assert_eq!(long.at_close(&rules, 110.0, 100.0, 108.0), StopMove::To(110.0 * 0.9));
        assert_eq!(long.at_close(&rules, 105.0, 100.0, 100.0), StopMove::Stay);
        assert_eq!(long.at_close(&rules, 130.0, 100.0, 116.0), StopMove::Crossed);
        let mut short = Protection::new(&entry(Side::Short, 105.0), 100.0);
        assert_eq!(short.at_close(&rules, 101.0, 90.0, 92.0), StopMove::To(90.0 * 1.1));
    }

    #[test]
    fn a_trade_that_went_well_cannot_lose_any_more() {
        let rules = rules(None, Some(2.0));
        let even = 100.0 * (1.0 + Costs::default().round_trip());
        let mut long = Protection::new(&entry(Side::Long, 95.0), 100.0);
        assert_eq!(long.at_close(&rules, 109.9, 99.0, 109.0), StopMove::Stay);
        assert_eq!(long.at_close(&rules, 110.0, 100.0, 100.1), StopMove::Stay, "close below it");
        assert_eq!(long.at_close(&rules, 105.0, 100.0, 105.0), StopMove::To(even));
        assert_eq!(long.at_close(&rules, 120.0, 100.0, 119.0), StopMove::Stay);
    }

    proptest! {
        /// A stop never moves away from the price, and always lies on the losing side of the close.
        #[test]
        fn a_stop_never_loosens(
            short in any::<bool>(),
            callback in 0.001..0.3_f64,
            multiple in prop::option::of(0.1..3.0_f64),
            candles in prop::collection::vec((0.9..1.1_f64, 0.0..0.05_f64, 0.0..0.05_f64), 1..50),
        ) {
            let side = if short { Side::Short } else { Side::Long };
            let (rules, sign) = (rules(Some(callback), multiple), side.sign());
            let mut stop = 100.0 * (1.0 - sign * 0.2);
            let mut protection = Protection::new(&entry(side, stop), 100.0);
            let mut close = 100.0;
            for (change, up, down) in candles {
                close *= change;
                match protection.at_close(&rules, close * (1.0 + up), close * (1.0 - down), close) {
                    StopMove::To(moved) => {
                        prop_assert!(sign * (moved - stop) > 0.0 && sign * (close - moved) > 0.0);
                        stop = moved;
                    }
                    StopMove::Crossed => break,
                    StopMove::Stay => {}
                }
            }
        }
    }
}
