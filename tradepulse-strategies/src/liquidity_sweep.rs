//! Stop hunts: a level where stops cluster is pierced on volume, and price rejects.

use std::collections::VecDeque;

use tradepulse_core::order::Side;
use tradepulse_core::parameter::{ParameterError, Parameters};
use tradepulse_core::strategy::{
    About, Entry, Funnel, Input, Inputs, Intent, Source, Strategy, View,
};
use tradepulse_core::variable::Variable;

use crate::mirror::{Mirror, only_one};

#[rustfmt::skip] // a table
const VARIABLES: &[Variable] = &[
    Variable::real("pierce_depth", 0.05, 0.50, 0.01, 0.18, "% of the level", "how far beyond the level a sweep must reach"),
    Variable::integer("rejection_candles", 1, 5, 1, 3, "candles", "how long a rejection may take, the sweep candle included"),
    Variable::real("volume_spike_threshold", 1.5, 5.0, 0.1, 2.8, "× SMA(volume, 20)", "volume the sweep candle must exceed"),
    Variable::real("reversal_candle_size", 0.5, 2.0, 0.1, 1.0, "ATR(14)", "least range of the rejection candle"),
    Variable::integer("key_level_lookback", 20, 200, 5, 100, "candles", "age up to which a swing is still a level"),
    Variable::real("stop_distance", 0.5, 2.0, 0.1, 1.0, "ATR(14)", "distance of the stop from the close"),
    Variable::real("target_multiple", 1.5, 4.0, 0.1, 2.5, "× stop distance", "distance of the target from the close"),
    Variable::real("min_stop_density_score", 0.50, 0.95, 0.05, 0.70, "score", "least density of stops at the level: 1 − 2^(−touches)"),
    Variable::integer("max_spread_tolerance", 1, 10, 1, 5, "bps", "widest spread to enter at, where a quote is known"),
    Variable::integer("max_holding", 5, 200, 5, 30, "candles", "candles after which the position is closed"),
];

const CONDITIONS: [&str; 6] = [
    "volume spike",
    "pierces a swing level that the close before respected",
    "stops are dense at the level (sweep)",
    "rejection in time",
    "spread tolerable",
    "stop and target in place (intent)",
];

/// Liquidity sweep: a stop hunt, and the turn after it. Long and short.
///
/// Stops rest below lows that the market has turned at more than once. Whoever needs size drives
/// the price through such a level, fills against the stops and lets it go; the candle that comes
/// back above the level on a wide range shows that there was nothing behind the move. Buying that
/// close puts the stop where the hunt has just been.
///
/// 1. *Levels* are swing lows of strength 2 within the lookback; their density of stops grows with
///    the number of swing lows within a quarter of an average range.
/// 2. A *sweep* pierces a dense level by `pierce_depth` on a volume spike, from above.
/// 3. The *rejection* is the first bullish candle of `reversal_candle_size` that closes above the
///    level within `rejection_candles`. A newer sweep replaces an older one.
///
/// Stop and target are multiples of ATR(14) from the close. Also known as a stop run; Connors and
/// Raschke's *Turtle Soup* (Street Smarts, 1995) trades the same idea on 20-day lows.
#[derive(Clone, Debug)]
pub struct LiquiditySweep {
    rules: Rules,
    long: Hunt,
    short: Hunt,
}

#[derive(Clone, Debug)]
struct Rules {
    pierce_depth: f64,
    rejection_candles: usize,
    volume_spike_threshold: f64,
    reversal_candle_size: f64,
    key_level_lookback: usize,
    stop_distance: f64,
    target_multiple: f64,
    min_stop_density_score: f64,
    max_spread_tolerance: f64,
    max_holding: u32,
    average_volume: Input,
    average_range: Input,
}

/// Candles a level must be below on each side.
const STRENGTH: usize = 2;

impl Strategy for LiquiditySweep {
    fn about() -> About {
        About {
            name: "liquidity_sweep",
            version: 1,
            summary: "a level where stops cluster is pierced on volume, and price rejects",
            variables: VARIABLES,
            optional_inputs: &["quote (bid and ask): without it the spread is not checked"],
        }
    }

    fn new(parameters: &Parameters, inputs: &mut Inputs) -> Result<Self, ParameterError> {
        let rules = Rules {
            pierce_depth: parameters.get("pierce_depth")?,
            rejection_candles: parameters.get("rejection_candles")?,
            volume_spike_threshold: parameters.get("volume_spike_threshold")?,
            reversal_candle_size: parameters.get("reversal_candle_size")?,
            key_level_lookback: parameters.get("key_level_lookback")?,
            stop_distance: parameters.get("stop_distance")?,
            target_multiple: parameters.get("target_multiple")?,
            min_stop_density_score: parameters.get("min_stop_density_score")?,
            max_spread_tolerance: parameters.get("max_spread_tolerance")?,
            max_holding: parameters.get("max_holding")?,
            average_volume: inputs.sma(Source::Volume, 20),
            average_range: inputs.atr(14),
        };
        Ok(Self { rules, long: Hunt::default(), short: Hunt::default() })
    }

    fn warm_up(&self) -> usize {
        let Rules { key_level_lookback, rejection_candles, .. } = self.rules;
        key_level_lookback + STRENGTH + rejection_candles + 21 * 14
    }

    #[inline]
    fn on_candle(&mut self, view: &View<'_>) -> Option<Intent> {
        let spike = self.rules.volume_spike(view);
        let long = self.long.step(&self.rules, Mirror::new(view, Side::Long), spike);
        let short = self.short.step(&self.rules, Mirror::new(view, Side::Short), spike);
        let entry = only_one(view, long, short)?;
        match entry.side {
            Side::Long => self.long.passed[5] += 1,
            Side::Short => self.short.passed[5] += 1,
        }
        Some(Intent::Enter(entry))
    }

    fn funnel(&self) -> Funnel {
        Funnel::new(CONDITIONS, self.long.passed, Some(self.short.passed))
    }
}

impl Rules {
    /// The average range before this candle, if this candle's volume is a spike.
    #[inline]
    fn volume_spike(&self, view: &View<'_>) -> Option<f64> {
        let spike = self.volume_spike_threshold * view.input(self.average_volume, 1)?;
        if view.volume(0) > spike { view.input(self.average_range, 1) } else { None }
    }
}

#[derive(Clone, Copy, Debug)]
struct Swing {
    at: usize,
    low: f64,
}

#[derive(Clone, Copy, Debug)]
struct Sweep {
    at: usize,
    level: f64,
}

/// One side's levels, and its sweep that waits for a rejection.
#[derive(Clone, Debug, Default)]
struct Hunt {
    swings: VecDeque<Swing>,
    pending: Option<Sweep>,
    passed: [u64; CONDITIONS.len()],
}

impl Hunt {
    #[inline]
    fn step(&mut self, rules: &Rules, market: Mirror<'_>, spike: Option<f64>) -> Option<Entry> {
        if let Some(average_range) = spike {
            self.sweep(rules, market, average_range);
        }
        let entry = if self.pending.is_some() { self.reject(rules, market) } else { None };
        // A swing becomes known at this close: a level from the next candle on.
        if let Some(low) = market.swing_low::<STRENGTH>() {
            let at = market.index();
            while self.swings.front().is_some_and(|swing| swing.at + rules.key_level_lookback < at)
            {
                self.swings.pop_front();
            }
            self.swings.push_back(Swing { at: at - STRENGTH, low });
        }
        entry
    }

    /// Registers the sweep that this candle makes, if it makes one.
    fn sweep(&mut self, rules: &Rules, market: Mirror<'_>, average_range: f64) {
        self.passed[0] += 1;
        let at = market.index();
        let lows = || {
            let young = self.swings.iter().filter(|s| s.at + rules.key_level_lookback >= at);
            young.map(|swing| swing.low)
        };
        let near = 0.25 * average_range;
        let mut pierced = false;
        let mut best = None;
        for level in lows() {
            let swept = market.low(0) < market.below(level, rules.pierce_depth);
            if !(swept && market.close(1) > level) {
                continue;
            }
            pierced = true;
            let touches = lows().filter(|low| (low - level).abs() <= near).count();
            let density = 1.0 - 0.5_f64.powi(touches as i32);
            let dense = density >= rules.min_stop_density_score;
            if dense && best.is_none_or(|best| (density, level) > best) {
                best = Some((density, level));
            }
        }
        self.passed[1] += u64::from(pierced);
        if let Some((_, level)) = best {
            self.passed[2] += 1;
            self.pending = Some(Sweep { at, level });
        }
    }

    /// Ends the pending sweep if this candle rejects it, or comes too late to.
    fn reject(&mut self, rules: &Rules, market: Mirror<'_>) -> Option<Entry> {
        let sweep = self.pending?;
        if market.index() >= sweep.at + rules.rejection_candles {
            self.pending = None;
            return None;
        }
        let range = market.high(0) - market.low(0);
        let least = rules.reversal_candle_size * market.input(rules.average_range, 1)?;
        if !(market.close(0) > sweep.level && market.is_bullish() && range >= least) {
            return None;
        }
        self.pending = None;
        self.passed[3] += 1;
        if market.spread_bps().is_some_and(|spread| spread > rules.max_spread_tolerance) {
            return None;
        }
        self.passed[4] += 1;
        let (close, range) = (market.close(0), market.input(rules.average_range, 0)?);
        let stop = close - rules.stop_distance * range;
        let target = close + rules.target_multiple * rules.stop_distance * range;
        Some(market.entry(stop, target, rules.max_holding))
    }
}

#[cfg(test)]
mod tests;
