//! Sweeps of a higher timeframe's swing, confirmed by a structure shift on the base timeframe.

use std::collections::VecDeque;

use tradepulse_core::order::Side;
use tradepulse_core::parameter::{ParameterError, Parameters};
use tradepulse_core::strategy::{About, Entry, Funnel, Inputs, Intent, Strategy, View};
use tradepulse_core::variable::{Value, Variable};

use crate::mirror::{Mirror, only_one};

#[rustfmt::skip] // a table
const VARIABLES: &[Variable] = &[
    Variable::choice("higher_timeframe_multiple", &[4, 6, 12, 24], 12, "× base timeframe", "length of the higher candles"),
    Variable::integer("swing_lookback", 5, 60, 1, 20, "higher candles", "age up to which a swing can be swept"),
    Variable::integer("swing_strength", 1, 3, 1, 1, "higher candles each side", "candles a swing must stand out from"),
    Variable::real("min_sweep", 0.02, 0.50, 0.01, 0.10, "% of the swing", "how far beyond the swing a sweep must reach"),
    Variable::bool("structure_shift", true, "wait for a close beyond the minor swing on the base timeframe"),
    Variable::integer("confirmation_window", 1, 24, 1, 12, "base candles", "how long the structure shift may take")
        .only_if("structure_shift", &[Value::Bool(true)]),
    Variable::real("stop_buffer", 0.00, 0.30, 0.01, 0.00, "% of the sweep low", "distance of the stop from the extreme of the sweep"),
    Variable::real("risk_reward", 1.5, 4.0, 0.1, 2.5, "× risk", "distance of the target in distances of the stop"),
    Variable::integer("max_holding", 12, 576, 12, 288, "base candles", "candles after which the position is closed"),
];

const CONDITIONS: [&str; 5] = [
    "higher candle complete",
    "a recent swing is pierced",
    "and closes back inside (sweep)",
    "structure shift in time",
    "stop and target in place (intent)",
];

/// Higher-timeframe liquidity sweep: a stop hunt seen on, say, 1h and entered on 5m. Long and
/// short.
///
/// The higher timeframe shows where the stops are: its last swing. A higher candle that dips below
/// that swing and closes above it has taken them. The base timeframe then says when the turn is
/// real: the first close above the last high that the fall left behind (a market-structure shift).
/// The stop goes below the sweep, which makes it tight for the size of the move.
///
/// 1. *Sweep*: a closed higher candle reaches `min_sweep` below the most recent swing low of the
///    lookback, and closes above it.
/// 2. *Minor swing high*: the highest base high after the base candle that made the sweep's low.
/// 3. *Shift*: within `confirmation_window` base candles the first close above it enters; a low
///    below the sweep's low cancels; a newer sweep replaces. Without `structure_shift` the entry
///    is at the close of the sweep itself.
///
/// Higher candles are made of the base candles as they close, on the UTC grid; one with a missing
/// base candle does not exist, and lookbacks count those that do. Where such candles are rare
/// (many gaps), the lookback reaches further back than [`warm_up`](Strategy::warm_up) says.
#[derive(Clone, Debug)]
pub struct HtfSweep {
    rules: Rules,
    window: Window,
    /// Higher candles so far.
    higher: usize,
    long: Hunt,
    short: Hunt,
}

#[derive(Clone, Debug)]
struct Rules {
    multiple: usize,
    swing_lookback: usize,
    swing_strength: usize,
    min_sweep: f64,
    structure_shift: bool,
    confirmation_window: usize,
    stop_buffer: f64,
    risk_reward: f64,
    max_holding: u32,
}

impl Strategy for HtfSweep {
    fn about() -> About {
        About {
            name: "htf_sweep",
            version: 1,
            summary: "a higher candle sweeps a swing, the base timeframe confirms the turn",
            variables: VARIABLES,
            optional_inputs: &[],
        }
    }

    fn new(parameters: &Parameters, _: &mut Inputs) -> Result<Self, ParameterError> {
        let rules = Rules {
            multiple: parameters.get("higher_timeframe_multiple")?,
            swing_lookback: parameters.get("swing_lookback")?,
            swing_strength: parameters.get("swing_strength")?,
            min_sweep: parameters.get("min_sweep")?,
            structure_shift: parameters.get("structure_shift")?,
            confirmation_window: parameters.get("confirmation_window")?,
            stop_buffer: parameters.get("stop_buffer")?,
            risk_reward: parameters.get("risk_reward")?,
            max_holding: parameters.get("max_holding")?,
        };
        let (window, higher) = (Window::default(), 0);
        Ok(Self { rules, window, higher, long: Hunt::default(), short: Hunt::default() })
    }

    /// The oldest swing with its left side, the sweep, a higher candle that has just begun, and
    /// the wait for the shift.
    fn warm_up(&self) -> usize {
        let Rules { multiple, swing_lookback, swing_strength, confirmation_window, .. } =
            self.rules;
        (swing_lookback + swing_strength + 3) * multiple + confirmation_window
    }

    #[inline]
    fn on_candle(&mut self, view: &View<'_>) -> Option<Intent> {
        let (long, short) = (Mirror::new(view, Side::Long), Mirror::new(view, Side::Short));
        let mut entries = (None, None);
        if self.window.closes(view, self.rules.multiple) {
            self.higher += 1;
            entries.0 = self.long.on_higher_candle(&self.rules, long, self.higher);
            entries.1 = self.short.on_higher_candle(&self.rules, short, self.higher);
        }
        if self.long.pending.is_some() {
            entries.0 = self.long.confirm(&self.rules, long);
        }
        if self.short.pending.is_some() {
            entries.1 = self.short.confirm(&self.rules, short);
        }
        let entry = only_one(view, entries.0, entries.1)?;
        match entry.side {
            Side::Long => self.long.passed[4] += 1,
            Side::Short => self.short.passed[4] += 1,
        }
        Some(Intent::Enter(entry))
    }

    fn funnel(&self) -> Funnel {
        Funnel::new(CONDITIONS, self.long.passed, Some(self.short.passed))
    }
}

/// The higher candle that is forming: which one, and how many of its base candles there were.
#[derive(Clone, Debug)]
struct Window {
    end_ms: i64,
    seen: usize,
}

impl Default for Window {
    fn default() -> Self {
        Self { end_ms: i64::MIN, seen: 0 }
    }
}

impl Window {
    /// Whether this base candle completes a higher one.
    #[inline]
    fn closes(&mut self, view: &View<'_>, multiple: usize) -> bool {
        let time = view.open_time().as_ms();
        if time >= self.end_ms {
            let length = view.timeframe().as_ms() * multiple as i64;
            self.end_ms = time - time.rem_euclid(length) + length;
            self.seen = 0;
        }
        self.seen += 1;
        self.seen == multiple
    }
}

#[derive(Clone, Copy, Debug)]
struct Swing {
    at: usize,
    low: f64,
}

#[derive(Clone, Copy, Debug)]
struct Sweep {
    /// Index of the base candle that closed it.
    at: usize,
    low: f64,
    /// Close that makes the structure shift.
    minor_high: f64,
}

/// One side's swings on the higher timeframe, and its sweep that waits for the shift.
#[derive(Clone, Debug, Default)]
struct Hunt {
    /// Lows of the higher candles that can decide on a swing.
    lows: VecDeque<f64>,
    swing: Option<Swing>,
    pending: Option<Sweep>,
    passed: [u64; CONDITIONS.len()],
}

impl Hunt {
    /// Takes the higher candle number `s` made of the last base candles; the entry at its close,
    /// if no structure shift is asked for.
    fn on_higher_candle(&mut self, rules: &Rules, market: Mirror<'_>, s: usize) -> Option<Entry> {
        self.passed[0] += 1;
        let (lows, highs) = (market.lows(rules.multiple)?, market.highs(rules.multiple)?);
        let mut lowest = (0, f64::INFINITY);
        for (at, low) in lows.enumerate() {
            if low < lowest.1 {
                lowest = (at, low);
            }
        }
        let (lowest_at, low) = lowest;
        let swept = self.sweeps(rules, market, s, low);
        self.learn(rules.swing_strength, s, low);
        if !swept {
            return None;
        }
        if !rules.structure_shift {
            self.passed[3] += 1;
            return Some(rules.entry(market, low));
        }
        // After the lowest candle, or, if that is the last, its own high.
        let from = (lowest_at + 1).min(rules.multiple - 1);
        let minor_high = highs.skip(from).fold(f64::NEG_INFINITY, f64::max);
        self.pending = Some(Sweep { at: market.index(), low, minor_high });
        None
    }

    /// Whether the higher candle number `s` sweeps the most recent swing known before it.
    fn sweeps(&mut self, rules: &Rules, market: Mirror<'_>, s: usize, low: f64) -> bool {
        let Some(swing) = self.swing.filter(|swing| swing.at + rules.swing_lookback + 1 >= s)
        else {
            return false;
        };
        let pierced = low < market.below(swing.low, rules.min_sweep);
        let swept = pierced && market.close(0) > swing.low;
        self.passed[1] += u64::from(pierced);
        self.passed[2] += u64::from(swept);
        swept
    }

    /// Adds the low of the higher candle number `s`, and the swing that it makes known.
    fn learn(&mut self, strength: usize, s: usize, low: f64) {
        self.lows.push_back(low);
        if self.lows.len() > 2 * strength + 1 {
            self.lows.pop_front();
        }
        if self.lows.len() == 2 * strength + 1 {
            let pivot = self.lows[strength];
            let others = self.lows.iter().enumerate().filter(|(k, _)| *k != strength);
            if others.fold(true, |all, (_, low)| all && pivot < *low) {
                self.swing = Some(Swing { at: s - strength, low: pivot });
            }
        }
    }

    /// Tests a pending sweep on a base candle after it.
    fn confirm(&mut self, rules: &Rules, market: Mirror<'_>) -> Option<Entry> {
        let sweep = self.pending?;
        let age = market.index() - sweep.at;
        if age == 0 {
            return None;
        }
        if market.low(0) < sweep.low || age > rules.confirmation_window {
            self.pending = None;
            return None;
        }
        if market.close(0) <= sweep.minor_high {
            return None;
        }
        self.pending = None;
        self.passed[3] += 1;
        Some(rules.entry(market, sweep.low))
    }
}

impl Rules {
    fn entry(&self, market: Mirror<'_>, low: f64) -> Entry {
        let stop = market.below(low, self.stop_buffer);
        market.entry_at_risk_reward(stop, self.risk_reward, self.max_holding)
    }
}

#[cfg(test)]
mod tests;
