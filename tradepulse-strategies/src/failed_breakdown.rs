//! Failed breakdowns: Wyckoff's spring, and its mirror image, the upthrust.

use tradepulse_core::order::Side;
use tradepulse_core::parameter::{ParameterError, Parameters};
use tradepulse_core::strategy::{
    About, Entry, Funnel, Input, InputSpec, Inputs, Intent, Source, Strategy, View,
};
use tradepulse_core::variable::Variable;

use crate::mirror::{Mirror, only_one};

#[rustfmt::skip] // a table
const VARIABLES: &[Variable] = &[
    Variable::integer("range_lookback", 20, 200, 5, 60, "candles", "length of the trading range"),
    Variable::real("range_tightness", 1.0, 25.0, 0.5, 8.0, "% of support", "widest trading range"),
    Variable::integer("min_touches", 2, 6, 1, 2, "candles each side", "candles that must come near support, and near resistance"),
    Variable::real("breakdown_depth", 0.05, 2.00, 0.05, 0.10, "% of support", "how far beyond the range a breakdown must reach"),
    Variable::real("breakdown_volume_max", 0.2, 5.0, 0.1, 3.0, "× mean range volume", "most volume of the breakdown"),
    Variable::integer("spring_max_duration", 1, 30, 1, 8, "candles", "how long the recovery may take"),
    Variable::real("recovery_volume", 0.8, 3.5, 0.1, 1.2, "× mean range volume", "least volume of the recovery"),
    Variable::real("stop_buffer_atr", 0.1, 2.0, 0.1, 0.5, "ATR(14)", "distance of the stop from the extreme since the breakdown"),
    Variable::real("risk_reward", 1.5, 4.0, 0.1, 2.0, "× risk", "distance of the target in distances of the stop"),
    Variable::bool("allow_short", false, "trade upthrusts (failed breakouts) too"),
    Variable::integer("max_holding", 10, 200, 10, 50, "candles", "candles after which the position is closed"),
];

const CONDITIONS: [&str; 7] = [
    "low breaks the support of the range",
    "the range is tight",
    "both sides of the range were touched",
    "volume of the breakdown is not too high (breakdown)",
    "recovery in time",
    "volume of the recovery",
    "stop and target in place (intent)",
];

/// Failed breakdown: the spring of a trading range. Long; short (the upthrust) if allowed.
///
/// A range that has been tested from both sides breaks down on unremarkable volume, and nobody
/// follows: within a few candles price closes above support again, now with volume. Those who sold
/// the break are trapped. Wyckoff's *spring* (the term is Robert Evans'; see Hank Pruden, The
/// Three Skills of Top Trading, 2007), and in the mirror the *upthrust*.
///
/// - *Range*: the `range_lookback` candles before the breakdown; no wider than `range_tightness`
///   percent of support, with at least `min_touches` candles within a tenth of it at each side.
/// - *Breakdown*: a low `breakdown_depth` percent below support, on at most
///   `breakdown_volume_max` times the mean volume of the range.
/// - *Recovery*: the first close above support within `spring_max_duration` candles; it counts if
///   it has `recovery_volume` times the mean volume. The stop goes below the spring.
#[derive(Clone, Debug)]
pub struct FailedBreakdown {
    rules: Rules,
    long: Watch,
    short: Option<Watch>,
}

#[derive(Clone, Debug)]
struct Rules {
    range_lookback: usize,
    range_tightness: f64,
    min_touches: usize,
    breakdown_depth: f64,
    breakdown_volume_max: f64,
    spring_max_duration: usize,
    recovery_volume: f64,
    stop_buffer_atr: f64,
    risk_reward: f64,
    max_holding: u32,
    mean_volume: Input,
    average_range: Input,
}

impl Strategy for FailedBreakdown {
    fn about() -> About {
        About {
            name: "failed_breakdown",
            version: 1,
            summary: "a breakdown from a tested range that is taken back (Wyckoff's spring)",
            variables: VARIABLES,
            optional_inputs: &[],
        }
    }

    fn new(parameters: &Parameters, inputs: &mut Inputs) -> Result<Self, ParameterError> {
        let range_lookback = parameters.get("range_lookback")?;
        let rules = Rules {
            range_lookback,
            range_tightness: parameters.get("range_tightness")?,
            min_touches: parameters.get("min_touches")?,
            breakdown_depth: parameters.get("breakdown_depth")?,
            breakdown_volume_max: parameters.get("breakdown_volume_max")?,
            spring_max_duration: parameters.get("spring_max_duration")?,
            recovery_volume: parameters.get("recovery_volume")?,
            stop_buffer_atr: parameters.get("stop_buffer_atr")?,
            risk_reward: parameters.get("risk_reward")?,
            max_holding: parameters.get("max_holding")?,
            mean_volume: inputs.sma(Source::Volume, range_lookback),
            average_range: inputs.atr(14),
        };
        let long = Watch::new(inputs.declare(InputSpec::RollingMin(Source::Low, range_lookback)));
        let short = parameters.get::<bool>("allow_short")?.then(|| {
            Watch::new(inputs.declare(InputSpec::RollingMax(Source::High, range_lookback)))
        });
        Ok(Self { rules, long, short })
    }

    fn warm_up(&self) -> usize {
        self.rules.range_lookback + self.rules.spring_max_duration + 1 + 21 * 14
    }

    #[inline]
    fn on_candle(&mut self, view: &View<'_>) -> Option<Intent> {
        let long = self.long.step(&self.rules, Mirror::new(view, Side::Long));
        let short = match &mut self.short {
            Some(watch) => watch.step(&self.rules, Mirror::new(view, Side::Short)),
            None => None,
        };
        let entry = only_one(view, long, short)?;
        match (entry.side, &mut self.short) {
            (Side::Short, Some(watch)) => watch.passed[6] += 1,
            _ => self.long.passed[6] += 1,
        }
        Some(Intent::Enter(entry))
    }

    fn funnel(&self) -> Funnel {
        Funnel::new(CONDITIONS, self.long.passed, self.short.as_ref().map(|watch| watch.passed))
    }
}

#[derive(Clone, Copy, Debug)]
struct Breakdown {
    at: usize,
    support: f64,
    mean_volume: f64,
    /// Lowest low since.
    lowest: f64,
}

/// One side's range, and the breakdown that waits for its recovery.
#[derive(Clone, Debug)]
struct Watch {
    /// Extreme of the range on this side, as quoted.
    extreme: Input,
    pending: Option<Breakdown>,
    passed: [u64; CONDITIONS.len()],
}

impl Watch {
    fn new(extreme: Input) -> Self {
        Self { extreme, pending: None, passed: Default::default() }
    }

    #[inline]
    fn step(&mut self, rules: &Rules, market: Mirror<'_>) -> Option<Entry> {
        if self.pending.is_some() {
            return self.recover(rules, market);
        }
        let support = market.quoted(market.input(self.extreme, 1)?);
        if market.low(0) < market.below(support, rules.breakdown_depth) {
            self.pending = self.breakdown(rules, market, support);
        }
        None
    }

    /// The breakdown below `support` that this candle is, if it is one.
    fn breakdown(&mut self, rules: &Rules, market: Mirror<'_>, support: f64) -> Option<Breakdown> {
        self.passed[0] += 1;
        let lookback = rules.range_lookback;
        let highs = market.highs(lookback + 1)?.take(lookback);
        let resistance = highs.clone().fold(f64::NEG_INFINITY, f64::max);
        let height = resistance - support;
        // For shorts, too, the tightness is measured in percent of the lower end.
        let lower_end = match market.side() {
            Side::Long => market.quoted(support),
            Side::Short => market.quoted(resistance),
        };
        if height / lower_end * 100.0 > rules.range_tightness {
            return None;
        }
        self.passed[1] += 1;
        let lows = market.lows(lookback + 1)?.take(lookback);
        let near_support = support + 0.1 * height;
        let near_resistance = resistance - 0.1 * height;
        let enough = |touches: usize| touches >= rules.min_touches;
        if !(enough(lows.filter(|low| *low <= near_support).count())
            && enough(highs.filter(|high| *high >= near_resistance).count()))
        {
            return None;
        }
        self.passed[2] += 1;
        let volume = market.volume(0);
        let mean_volume = market.input(rules.mean_volume, 1)?;
        if !(volume > 0.0 && volume <= rules.breakdown_volume_max * mean_volume) {
            return None;
        }
        market.input(rules.average_range, 0)?;
        self.passed[3] += 1;
        Some(Breakdown { at: market.index(), support, mean_volume, lowest: market.low(0) })
    }

    /// Follows the pending breakdown to its recovery, or to its end.
    fn recover(&mut self, rules: &Rules, market: Mirror<'_>) -> Option<Entry> {
        let breakdown = self.pending.as_mut()?;
        breakdown.lowest = breakdown.lowest.min(market.low(0));
        let Breakdown { at, support, mean_volume, lowest } = *breakdown;
        if market.close(0) <= support {
            if market.index() >= at + rules.spring_max_duration {
                self.pending = None;
            }
            return None;
        }
        self.pending = None;
        self.passed[4] += 1;
        let volume = market.volume(0);
        if !(volume > 0.0 && volume >= rules.recovery_volume * mean_volume) {
            return None;
        }
        self.passed[5] += 1;
        let stop = lowest - rules.stop_buffer_atr * market.input(rules.average_range, 0)?;
        Some(market.entry_at_risk_reward(stop, rules.risk_reward, rules.max_holding))
    }
}

#[cfg(test)]
mod tests;
