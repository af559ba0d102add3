//! Capitulation lows that momentum no longer confirms.

use tradepulse_core::order::Side;
use tradepulse_core::parameter::{ParameterError, Parameters};
use tradepulse_core::strategy::{
    About, Entry, Funnel, Input, Inputs, Intent, Source, Strategy, View,
};
use tradepulse_core::variable::Variable;

use crate::mirror::{Mirror, only_one};

#[rustfmt::skip] // a table
const VARIABLES: &[Variable] = &[
    Variable::integer("rsi_period", 7, 28, 1, 14, "candles", "period of the RSI"),
    Variable::integer("ema_fast", 20, 100, 5, 50, "candles", "period of the fast average, which is the target"),
    Variable::integer("ema_slow", 100, 300, 10, 200, "candles", "period of the slow average; above the fast one"),
    Variable::integer("divergence_lookback", 10, 80, 5, 20, "candles", "window that holds both lows of the divergence"),
    Variable::integer("volume_sma_period", 10, 50, 1, 20, "candles", "period of the average volume"),
    Variable::real("volume_spike_multiplier", 1.5, 5.0, 0.1, 3.0, "× SMA(volume)", "least volume of the capitulation"),
    Variable::real("stop_buffer", 0.0, 2.0, 0.1, 0.1, "% of the low", "distance of the stop from the capitulation's extreme"),
    Variable::real("min_reward_risk", 1.0, 3.0, 0.1, 1.5, "ratio", "least distance of the target in distances of the stop"),
    Variable::bool("allow_short", false, "trade capitulation highs of uptrends too"),
    Variable::integer("max_holding", 10, 500, 10, 100, "candles", "candles after which the position is closed"),
];

const CONDITIONS: [&str; 6] = [
    "first bullish candle after the second of two swing lows",
    "downtrend",
    "lower low with higher RSI",
    "capitulation volume on the low",
    "target far enough for the risk",
    "stop and target in place (intent)",
];

/// Divergence at a capitulation: the low that everybody sold and momentum did not confirm. Long;
/// short if allowed.
///
/// In a downtrend the last sellers give up together: volume spikes on a new low. If that low comes
/// with a *higher* RSI than the low before it, the fall has lost its force (a bullish divergence;
/// Wilder, New Concepts in Technical Trading Systems, 1978, describes it with the RSI itself). The
/// first bullish candle is bought; the trade aims at the fast average, from where the trend may
/// resume, and is taken only if that pays for the risk.
///
/// - *Downtrend*: EMA(ema_fast) below EMA(ema_slow).
/// - *Divergence*: of the last two swing lows of strength 1 within the lookback, the second is
///   lower and its RSI higher.
/// - *Capitulation*: the second low's volume is `volume_spike_multiplier` times the average before.
#[derive(Clone, Debug)]
pub struct DivergenceCapitulation {
    rules: Rules,
    long: Lows,
    short: Option<Lows>,
}

#[derive(Clone, Debug)]
struct Rules {
    rsi_period: usize,
    ema_slow: usize,
    divergence_lookback: usize,
    volume_spike_multiplier: f64,
    stop_buffer: f64,
    min_reward_risk: f64,
    max_holding: u32,
    rsi: Input,
    fast: Input,
    slow: Input,
    average_volume: Input,
}

/// Two RSI values closer than this are equal.
const RSI_MARGIN: f64 = 1e-9;

impl Strategy for DivergenceCapitulation {
    fn about() -> About {
        About {
            name: "divergence_capitulation",
            version: 1,
            summary: "in a downtrend, a lower low on high volume that the RSI does not confirm",
            variables: VARIABLES,
            optional_inputs: &[],
        }
    }

    fn new(parameters: &Parameters, inputs: &mut Inputs) -> Result<Self, ParameterError> {
        let rsi_period = parameters.get("rsi_period")?;
        let (ema_fast, ema_slow) = (parameters.get("ema_fast")?, parameters.get("ema_slow")?);
        if ema_fast >= ema_slow {
            return Err(ParameterError::Infeasible(format!(
                "ema_fast ({ema_fast}) must be below ema_slow ({ema_slow})"
            )));
        }
        let rules = Rules {
            rsi_period,
            ema_slow,
            divergence_lookback: parameters.get("divergence_lookback")?,
            volume_spike_multiplier: parameters.get("volume_spike_multiplier")?,
            stop_buffer: parameters.get("stop_buffer")?,
            min_reward_risk: parameters.get("min_reward_risk")?,
            max_holding: parameters.get("max_holding")?,
            rsi: inputs.rsi(Source::Close, rsi_period),
            fast: inputs.ema(Source::Close, ema_fast),
            slow: inputs.ema(Source::Close, ema_slow),
            average_volume: inputs.sma(Source::Volume, parameters.get("volume_sma_period")?),
        };
        let short = parameters.get::<bool>("allow_short")?.then(Lows::default);
        Ok(Self { rules, long: Lows::default(), short })
    }

    fn warm_up(&self) -> usize {
        let Rules { divergence_lookback, ema_slow, rsi_period, .. } = self.rules;
        divergence_lookback + 1 + (11 * ema_slow).max(21 * rsi_period)
    }

    #[inline]
    fn on_candle(&mut self, view: &View<'_>) -> Option<Intent> {
        let long = self.long.step(&self.rules, Mirror::new(view, Side::Long));
        let short = match &mut self.short {
            Some(highs) => highs.step(&self.rules, Mirror::new(view, Side::Short)),
            None => None,
        };
        let entry = only_one(view, long, short)?;
        match (entry.side, &mut self.short) {
            (Side::Short, Some(highs)) => highs.passed[5] += 1,
            _ => self.long.passed[5] += 1,
        }
        Some(Intent::Enter(entry))
    }

    fn funnel(&self) -> Funnel {
        Funnel::new(CONDITIONS, self.long.passed, self.short.as_ref().map(|highs| highs.passed))
    }
}

#[derive(Clone, Copy, Debug)]
struct Swing {
    at: usize,
    low: f64,
}

/// One side's last two swings.
#[derive(Clone, Debug, Default)]
struct Lows {
    previous: Option<Swing>,
    last: Option<Swing>,
    /// No bullish candle has followed the last swing yet.
    waiting: bool,
    passed: [u64; CONDITIONS.len()],
}

impl Lows {
    #[inline]
    fn step(&mut self, rules: &Rules, market: Mirror<'_>) -> Option<Entry> {
        if let Some(low) = market.swing_low::<1>() {
            self.previous = self.last;
            self.last = Some(Swing { at: market.index() - 1, low });
            self.waiting = true;
        }
        if !(self.waiting && market.is_bullish()) {
            return None;
        }
        self.waiting = false;
        self.judge(rules, market)
    }

    /// The entry at this candle, the first bullish one after the last swing.
    fn judge(&mut self, rules: &Rules, market: Mirror<'_>) -> Option<Entry> {
        let (i, a, b) = (market.index(), self.previous?, self.last?);
        if a.at + rules.divergence_lookback < i + 1 {
            return None;
        }
        self.passed[0] += 1;
        let fast = market.input(rules.fast, 0)?;
        let slow = market.input(rules.slow, 0)?;
        if market.quoted(fast) >= market.quoted(slow) {
            return None;
        }
        self.passed[1] += 1;
        let rsi_a = market.input(rules.rsi, i - a.at)?;
        let rsi_b = market.input(rules.rsi, i - b.at)?;
        let diverges = match market.side() {
            Side::Long => rsi_b > rsi_a + RSI_MARGIN,
            Side::Short => rsi_b < rsi_a - RSI_MARGIN,
        };
        if !(b.low < a.low && diverges) {
            return None;
        }
        self.passed[2] += 1;
        let volume = market.volume(i - b.at);
        let average_volume = market.input(rules.average_volume, i - b.at + 1)?;
        if !(volume > 0.0 && volume >= rules.volume_spike_multiplier * average_volume) {
            return None;
        }
        self.passed[3] += 1;
        let (close, target) = (market.close(0), market.quoted(fast));
        let stop = market.below(b.low, rules.stop_buffer);
        if !(target > close && (target - close) / (close - stop) >= rules.min_reward_risk) {
            return None;
        }
        self.passed[4] += 1;
        Some(market.entry(stop, target, rules.max_holding))
    }
}

#[cfg(test)]
mod tests;
