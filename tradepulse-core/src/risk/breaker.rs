use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// When losses in a row stop trading, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BreakerRules {
    /// Losing trades in a row that open the breaker, at least 1.
    pub consecutive_losses: u32,
    /// How long it stays open, seconds.
    pub cool_down_seconds: u32,
}

impl Default for BreakerRules {
    /// Five losses, one hour.
    fn default() -> Self {
        Self { consecutive_losses: 5, cool_down_seconds: 3600 }
    }
}

impl BreakerRules {
    /// When a breaker that opened at `since` becomes half-open.
    pub fn half_open_at(&self, since: Timestamp) -> Timestamp {
        Timestamp::from_ms(since.as_ms().saturating_add(i64::from(self.cool_down_seconds) * 1000))
    }
}

/// Stops trading after a number of losses in a row.
///
/// `Closed` lets entries pass. Enough losses open it; after the cool-down it is half-open, which
/// lets one trade pass. The next trade that ends decides: a win closes the breaker, anything else
/// opens it for another cool-down. A trade that ends while it is open changes nothing.
///
/// A win is a profit above zero. A trade that neither won nor lost leaves the count of losses as it
/// is; a profit that is no number counts as a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CircuitBreaker {
    /// Entries pass.
    Closed {
        /// Losses in a row so far.
        losses: u32,
    },
    /// Entries are stopped until the cool-down is over; from then on one may pass.
    Open {
        /// When it opened.
        since: Timestamp,
    },
    /// The one trade of the half-open breaker is under way.
    HalfOpen {
        /// When the breaker had opened.
        since: Timestamp,
    },
}

impl Default for CircuitBreaker {
    /// Closed, without losses.
    fn default() -> Self {
        Self::Closed { losses: 0 }
    }
}

impl CircuitBreaker {
    /// Whether an entry may pass at `at`.
    pub fn permits(&self, rules: &BreakerRules, at: Timestamp) -> bool {
        match *self {
            Self::Closed { .. } => true,
            Self::Open { since } => at >= rules.half_open_at(since),
            Self::HalfOpen { .. } => false,
        }
    }

    /// An entry was made.
    pub(super) fn entered(&mut self, rules: &BreakerRules, at: Timestamp) {
        if let Self::Open { since } = *self
            && at >= rules.half_open_at(since)
        {
            *self = Self::HalfOpen { since };
        }
    }

    /// The entry that was made last came to nothing: the half-open breaker may let another pass.
    pub(super) fn abandoned(&mut self) {
        if let Self::HalfOpen { since } = *self {
            *self = Self::Open { since };
        }
    }

    /// A trade has ended.
    pub(super) fn closed(&mut self, rules: &BreakerRules, at: Timestamp, profit: f64) {
        match self {
            Self::Closed { losses } if profit > 0.0 => *losses = 0,
            Self::Closed { losses } if profit != 0.0 => {
                *losses = losses.saturating_add(1);
                if *losses >= rules.consecutive_losses {
                    *self = Self::Open { since: at };
                }
            }
            Self::HalfOpen { .. } if profit > 0.0 => *self = Self::default(),
            Self::HalfOpen { .. } => *self = Self::Open { since: at },
            Self::Closed { .. } | Self::Open { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULES: BreakerRules = BreakerRules { consecutive_losses: 3, cool_down_seconds: 60 };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_ms(second * 1000)
    }

    fn after_losses(last: i64) -> CircuitBreaker {
        let mut breaker = CircuitBreaker::default();
        (0..3).for_each(|i| breaker.closed(&RULES, at(last - 2 + i), -1.0));
        breaker
    }

    #[test]
    fn losses_in_a_row_open_it_and_wins_start_anew() {
        let mut breaker = CircuitBreaker::default();
        for profit in [-1.0, -1.0, 1.0, -1.0, 0.0, f64::NAN] {
            breaker.closed(&RULES, at(0), profit);
        }
        assert_eq!(breaker, CircuitBreaker::Closed { losses: 2 });
        breaker.closed(&RULES, at(5), -1.0);
        assert_eq!(breaker, CircuitBreaker::Open { since: at(5) });
        assert!(!breaker.permits(&RULES, at(64)) && breaker.permits(&RULES, at(65)));
    }

    #[test]
    fn the_half_open_trade_decides() {
        let half_open = || {
            let mut breaker = after_losses(10);
            breaker.entered(&RULES, at(70));
            breaker
        };
        let mut won = half_open();
        assert!(!won.permits(&RULES, at(1_000_000)));
        won.closed(&RULES, at(80), 0.1);
        assert_eq!(won, CircuitBreaker::default());
        for profit in [0.0, -1.0, f64::NAN] {
            let mut lost = half_open();
            lost.closed(&RULES, at(80), profit);
            assert_eq!(lost, CircuitBreaker::Open { since: at(80) });
        }
        let mut abandoned = half_open();
        abandoned.abandoned();
        assert!(abandoned.permits(&RULES, at(71)));
    }

    proptest! {
        /// Whatever happens: nothing passes while it is open, and between its opening and its
        /// closing at most one trade passes per cool-down. A copy read back from JSON at every step
        /// goes on the same.
        #[test]
        fn never_trades_while_open(
            steps in prop::collection::vec((0_i64..40, 0_u8..4, -2.0..2.0_f64), 1..200),
        ) {
            let mut breaker = CircuitBreaker::default();
            let (mut now, mut losses, mut opened) = (0, 0, None::<i64>);
            let mut under_way = false;
            for (wait, what, profit) in steps {
                now += wait;
                let text = serde_json::to_string(&breaker).unwrap();
                breaker = serde_json::from_str(&text).unwrap();
                if what < 2 {
                    let expected = opened.is_none_or(|since| now >= since + 60 && !under_way);
                    prop_assert_eq!(breaker.permits(&RULES, at(now)), expected);
                    if expected {
                        breaker.entered(&RULES, at(now));
                        under_way = opened.is_some();
                    }
                } else {
                    breaker.closed(&RULES, at(now), profit);
                    match opened {
                        None => {
                            losses = if profit > 0.0 { 0 } else { losses + i32::from(profit < 0.0) };
                            if losses >= 3 {
                                opened = Some(now);
                            }
                        }
                        Some(_) if under_way => {
                            (under_way, losses) = (false, 0);
                            opened = (profit <= 0.0).then_some(now);
                        }
                        Some(_) => {}
                    }
                }
            }
        }
    }
}
