//! Panic candles, and the close that takes their midpoint back.

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
    Variable::real("volume_explosion", 1.3, 8.0, 0.1, 3.0, "× SMA(volume, 20)", "volume that earns 30 points"),
    Variable::real("price_velocity", 0.5, 5.0, 0.1, 1.5, "× ATR(14)", "body that earns 25 points"),
    Variable::real("range_explosion", 1.2, 6.0, 0.1, 2.5, "× ATR(14)", "true range that earns 20 points"),
    Variable::real("exhaustion_wick_ratio", 1.0, 5.0, 0.1, 2.0, "× body", "wick that earns 15 points"),
    Variable::integer("rsi_extreme", 10, 35, 1, 25, "RSI(14)", "RSI that earns 10 points; 100 minus it for shorts"),
    Variable::real("panic_score_min", 0.40, 0.90, 0.05, 0.65, "score", "share of 100 points that makes a panic"),
    Variable::integer("panic_window", 3, 20, 1, 10, "candles", "how long after the panic the midpoint may be recovered"),
    Variable::real("stop_buffer_atr", 0.1, 2.0, 0.1, 0.5, "ATR(14)", "distance of the stop from the panic's extreme"),
    Variable::real("risk_reward", 1.5, 4.0, 0.1, 2.5, "× risk", "distance of the target in distances of the stop"),
    Variable::integer("max_holding", 10, 200, 10, 50, "candles", "candles after which the position is closed"),
];

const CONDITIONS: [&str; 4] = [
    "panic score reached",
    "at the lowest low of 20 candles (panic)",
    "midpoint recovered in time",
    "stop and target in place (intent)",
];

/// Capitulation reversal: a panic candle, then the first close that takes its midpoint back. Long
/// and short.
///
/// A panic is seen by what it leaves behind: volume, a long body, a range beyond measure, a wick
/// where buyers stepped in, an exhausted RSI. Each earns points, and enough of them at the lowest
/// low of 20 candles make a panic. It is over when a bullish candle closes in its upper half while
/// its low still stands: whoever sold into it is now under water. Wyckoff calls the pair a selling
/// climax and its automatic rally.
///
/// - *Points*: volume 30, body 25, true range 20, wick 15, RSI 10.
/// - *Recovery*: within `panic_window` candles the first bullish close above the midpoint of the
///   latest panic enters, once; a lower low voids the panic.
#[derive(Clone, Debug)]
pub struct CapitulationReversal {
    rules: Rules,
    long: Panics,
    short: Panics,
}

#[derive(Clone, Debug)]
struct Rules {
    volume_explosion: f64,
    price_velocity: f64,
    range_explosion: f64,
    exhaustion_wick_ratio: f64,
    rsi_extreme: f64,
    points_min: u32,
    panic_window: usize,
    stop_buffer_atr: f64,
    risk_reward: f64,
    max_holding: u32,
    average_volume: Input,
    average_range: Input,
    rsi: Input,
}

/// Candles of which a panic has the lowest low.
const EXTREME_OF: usize = 20;

const VOLUME_POINTS: u32 = 30;
const BODY_POINTS: u32 = 25;
const RANGE_POINTS: u32 = 20;
const WICK_POINTS: u32 = 15;
const RSI_POINTS: u32 = 10;

impl Strategy for CapitulationReversal {
    fn about() -> About {
        About {
            name: "capitulation_reversal",
            version: 1,
            summary: "a panic candle, then the first close that takes its midpoint back",
            variables: VARIABLES,
            optional_inputs: &[],
        }
    }

    fn new(parameters: &Parameters, inputs: &mut Inputs) -> Result<Self, ParameterError> {
        let score: f64 = parameters.get("panic_score_min")?;
        let rules = Rules {
            volume_explosion: parameters.get("volume_explosion")?,
            price_velocity: parameters.get("price_velocity")?,
            range_explosion: parameters.get("range_explosion")?,
            exhaustion_wick_ratio: parameters.get("exhaustion_wick_ratio")?,
            rsi_extreme: parameters.get("rsi_extreme")?,
            points_min: (100.0 * score).round() as u32,
            panic_window: parameters.get("panic_window")?,
            stop_buffer_atr: parameters.get("stop_buffer_atr")?,
            risk_reward: parameters.get("risk_reward")?,
            max_holding: parameters.get("max_holding")?,
            average_volume: inputs.sma(Source::Volume, 20),
            average_range: inputs.atr(14),
            rsi: inputs.rsi(Source::Close, 14),
        };
        Ok(Self { rules, long: Panics::default(), short: Panics::default() })
    }

    fn warm_up(&self) -> usize {
        self.rules.panic_window + EXTREME_OF + 1 + 21 * 14
    }

    #[inline]
    fn on_candle(&mut self, view: &View<'_>) -> Option<Intent> {
        let rules = &self.rules;
        let (down, up) = (Mirror::new(view, Side::Long), Mirror::new(view, Side::Short));
        let long = self.long.recover(rules, down);
        let short = self.short.recover(rules, up);
        if let Some(excess) = rules.excess(view) {
            self.long.register(rules, down, &excess);
            self.short.register(rules, up, &excess);
        }
        let entry = only_one(view, long, short)?;
        match entry.side {
            Side::Long => self.long.passed[3] += 1,
            Side::Short => self.short.passed[3] += 1,
        }
        Some(Intent::Enter(entry))
    }

    fn funnel(&self) -> Funnel {
        Funnel::new(CONDITIONS, self.long.passed, Some(self.short.passed))
    }
}

/// What a candle has of a panic, whatever its direction.
#[derive(Clone, Copy, Debug)]
struct Excess {
    points: u32,
    average_range: f64,
    rsi: f64,
}

impl Rules {
    /// The points that do not depend on the direction, if they could suffice together with all
    /// others.
    #[inline]
    fn excess(&self, view: &View<'_>) -> Option<Excess> {
        let average_volume = view.input(self.average_volume, 1)?;
        let average_range = view.input(self.average_range, 1)?;
        let (volume, high, low, before) =
            (view.volume(0), view.high(0), view.low(0), view.close(1));
        let true_range = (high - low).max((high - before).abs()).max((low - before).abs());
        let exploded = volume > 0.0 && volume >= self.volume_explosion * average_volume;
        let points = VOLUME_POINTS * u32::from(exploded)
            + RANGE_POINTS * u32::from(true_range >= self.range_explosion * average_range);
        if points + BODY_POINTS + WICK_POINTS + RSI_POINTS < self.points_min {
            return None;
        }
        Some(Excess { points, average_range, rsi: view.input(self.rsi, 0)? })
    }

    /// All points of this candle as a panic down.
    #[inline]
    fn points(&self, market: Mirror<'_>, excess: &Excess) -> u32 {
        let (open, high, low, close) =
            (market.open(0), market.high(0), market.low(0), market.close(0));
        let fall = open - close;
        let fast = fall > 0.0 && fall >= self.price_velocity * excess.average_range;
        let wick = open.min(close) - low;
        let body = (close - open).abs().max(0.1 * (high - low));
        let exhausted = high > low && wick >= self.exhaustion_wick_ratio * body;
        let extreme = match market.side() {
            Side::Long => excess.rsi <= self.rsi_extreme,
            Side::Short => excess.rsi >= 100.0 - self.rsi_extreme,
        };
        excess.points
            + BODY_POINTS * u32::from(fast)
            + WICK_POINTS * u32::from(exhausted)
            + RSI_POINTS * u32::from(extreme)
    }
}

#[derive(Clone, Copy, Debug)]
struct Panic {
    at: usize,
    low: f64,
    midpoint: f64,
}

/// One side's panics that are neither used nor void, oldest first.
#[derive(Clone, Debug, Default)]
struct Panics {
    alive: VecDeque<Panic>,
    passed: [u64; CONDITIONS.len()],
}

impl Panics {
    /// The entry at this candle, if it recovers the midpoint of the latest panic before it.
    #[inline]
    fn recover(&mut self, rules: &Rules, market: Mirror<'_>) -> Option<Entry> {
        if self.alive.is_empty() {
            return None;
        }
        let i = market.index();
        self.alive.retain(|panic| panic.at + rules.panic_window >= i);
        let latest = *self.alive.back()?;
        let low = market.low(0);
        self.alive.retain(|panic| low >= panic.low);
        if low < latest.low || !(market.is_bullish() && market.close(0) > latest.midpoint) {
            return None;
        }
        self.alive.pop_back();
        self.passed[2] += 1;
        let stop = latest.low - rules.stop_buffer_atr * market.input(rules.average_range, 0)?;
        Some(market.entry_at_risk_reward(stop, rules.risk_reward, rules.max_holding))
    }

    /// Keeps this candle if it is a panic.
    #[inline]
    fn register(&mut self, rules: &Rules, market: Mirror<'_>, excess: &Excess) {
        if rules.points(market, excess) < rules.points_min {
            return;
        }
        self.passed[0] += 1;
        let low = market.low(0);
        if !market.lows(EXTREME_OF).is_some_and(|mut lows| lows.all(|other| low <= other)) {
            return;
        }
        self.passed[1] += 1;
        let midpoint = (market.high(0) + low) / 2.0;
        self.alive.push_back(Panic { at: market.index(), low, midpoint });
    }
}

#[cfg(test)]
mod tests;
