//! Breakouts from a tight consolidation, confirmed by volume.

use tradepulse_core::order::Side;
use tradepulse_core::parameter::{ParameterError, Parameters};
use tradepulse_core::strategy::{
    About, Entry, Funnel, Input, Inputs, Intent, Source, Strategy, View,
};
use tradepulse_core::variable::Variable;

use crate::mirror::{Mirror, only_one};

#[rustfmt::skip] // a table
const VARIABLES: &[Variable] = &[
    Variable::integer("consolidation_period", 5, 40, 1, 10, "candles", "length of the consolidation"),
    Variable::integer("atr_period", 7, 50, 1, 20, "candles", "period of the average true range"),
    Variable::real("atr_multiplier", 0.5, 3.0, 0.1, 1.5, "× ATR", "range each candle of the consolidation must stay below"),
    Variable::real("max_range", 1.5, 10.0, 0.5, 3.0, "× ATR", "widest range of the whole consolidation"),
    Variable::integer("volume_sma_period", 10, 50, 1, 20, "candles", "period of the average volume"),
    Variable::real("volume_multiplier", 1.2, 5.0, 0.1, 2.5, "× SMA(volume)", "least volume of the breakout"),
    Variable::real("risk_reward", 1.5, 4.0, 0.1, 2.5, "× risk", "distance of the target in distances of the stop"),
    Variable::bool("allow_short", false, "trade breakouts to the downside too"),
    Variable::integer("max_holding", 5, 500, 5, 100, "candles", "candles after which the position is closed"),
];

const CONDITIONS: [&str; 5] = [
    "every candle of the consolidation is small",
    "volume confirms",
    "the consolidation is tight",
    "close beyond the consolidation",
    "stop and target in place (intent)",
];

/// Volume breakout: a quiet range, then a close out of it on volume. Long; short if allowed.
///
/// A market that stops moving is in agreement; when it leaves the range on several times its usual
/// volume, somebody knows better. The middle of the range is where that idea is wrong, so the stop
/// goes there.
///
/// - *Consolidation*: for `consolidation_period` candles every range stays below
///   `atr_multiplier` × ATR, and all of them together within `max_range` × ATR.
/// - *Breakout*: a close beyond their extreme on `volume_multiplier` times the average volume.
///
/// Richard Darvas' boxes (How I Made $2,000,000 in the Stock Market, 1960) are the classic form.
#[derive(Clone, Debug)]
pub struct VolumeBreakout {
    rules: Rules,
    /// How many candles in a row, up to the one before this, had a small range.
    quiet: usize,
    long: [u64; CONDITIONS.len()],
    short: Option<[u64; CONDITIONS.len()]>,
}

#[derive(Clone, Debug)]
struct Rules {
    consolidation_period: usize,
    atr_period: usize,
    atr_multiplier: f64,
    max_range: f64,
    volume_sma_period: usize,
    volume_multiplier: f64,
    risk_reward: f64,
    max_holding: u32,
    average_range: Input,
    average_volume: Input,
}

impl Strategy for VolumeBreakout {
    fn about() -> About {
        About {
            name: "volume_breakout",
            version: 1,
            summary: "a close out of a tight consolidation that volume confirms",
            variables: VARIABLES,
            optional_inputs: &[],
        }
    }

    fn new(parameters: &Parameters, inputs: &mut Inputs) -> Result<Self, ParameterError> {
        let (atr_period, volume_sma_period) =
            (parameters.get("atr_period")?, parameters.get("volume_sma_period")?);
        let rules = Rules {
            consolidation_period: parameters.get("consolidation_period")?,
            atr_period,
            atr_multiplier: parameters.get("atr_multiplier")?,
            max_range: parameters.get("max_range")?,
            volume_sma_period,
            volume_multiplier: parameters.get("volume_multiplier")?,
            risk_reward: parameters.get("risk_reward")?,
            max_holding: parameters.get("max_holding")?,
            average_range: inputs.atr(atr_period),
            average_volume: inputs.sma(Source::Volume, volume_sma_period),
        };
        let short = parameters.get::<bool>("allow_short")?.then(Default::default);
        Ok(Self { rules, quiet: 0, long: Default::default(), short })
    }

    fn warm_up(&self) -> usize {
        let Rules { consolidation_period, volume_sma_period, atr_period, .. } = self.rules;
        consolidation_period.max(volume_sma_period) + 1 + 21 * atr_period
    }

    #[inline]
    fn on_candle(&mut self, view: &View<'_>) -> Option<Intent> {
        let quiet = self.quiet;
        self.quiet = if self.rules.is_quiet(view) { quiet + 1 } else { 0 };
        if quiet < self.rules.consolidation_period {
            return None;
        }
        let confirms = self.rules.volume_confirms(view);
        let long = self.rules.breakout(Mirror::new(view, Side::Long), confirms, &mut self.long);
        let short = self.short.as_mut().and_then(|passed| {
            self.rules.breakout(Mirror::new(view, Side::Short), confirms, passed)
        });
        let entry = only_one(view, long, short)?;
        match (entry.side, &mut self.short) {
            (Side::Short, Some(passed)) => passed[4] += 1,
            _ => self.long[4] += 1,
        }
        Some(Intent::Enter(entry))
    }

    fn funnel(&self) -> Funnel {
        Funnel::new(CONDITIONS, self.long, self.short)
    }
}

impl Rules {
    #[inline]
    fn is_quiet(&self, view: &View<'_>) -> bool {
        view.input(self.average_range, 0)
            .is_some_and(|average| view.high(0) - view.low(0) < self.atr_multiplier * average)
    }

    #[inline]
    fn volume_confirms(&self, view: &View<'_>) -> bool {
        let volume = view.volume(0);
        view.input(self.average_volume, 1)
            .is_some_and(|average| volume > 0.0 && volume >= self.volume_multiplier * average)
    }

    /// The entry of this candle, if it breaks out of the candles before it, which were small.
    #[inline]
    fn breakout(
        &self,
        market: Mirror<'_>,
        volume_confirms: bool,
        passed: &mut [u64; CONDITIONS.len()],
    ) -> Option<Entry> {
        passed[0] += 1;
        if !volume_confirms {
            return None;
        }
        passed[1] += 1;
        let before = self.consolidation_period;
        let range_high = market.highs(before + 1)?.take(before).fold(f64::NEG_INFINITY, f64::max);
        let range_low = market.lows(before + 1)?.take(before).fold(f64::INFINITY, f64::min);
        if range_high - range_low > self.max_range * market.input(self.average_range, 1)? {
            return None;
        }
        passed[2] += 1;
        if market.close(0) <= range_high {
            return None;
        }
        passed[3] += 1;
        let stop = (range_high + range_low) / 2.0;
        Some(market.entry_at_risk_reward(stop, self.risk_reward, self.max_holding))
    }
}

#[cfg(test)]
mod tests;
