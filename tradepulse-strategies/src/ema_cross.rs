//! Crosses of two moving averages.

use tradepulse_core::order::Side;
use tradepulse_core::parameter::{ParameterError, Parameters};
use tradepulse_core::strategy::{
    About, Entry, Funnel, Input, Inputs, Intent, Source, Strategy, View,
};
use tradepulse_core::variable::Variable;

#[rustfmt::skip] // a table
const VARIABLES: &[Variable] = &[
    Variable::integer("fast", 2, 100, 1, 20, "candles", "period of the fast average"),
    Variable::integer("slow", 5, 400, 1, 50, "candles", "period of the slow average; above the fast one"),
    Variable::real("stop_pct", 0.5, 10.0, 0.5, 2.0, "%", "distance of the stop from the close"),
    Variable::real("target_pct", 0.5, 30.0, 0.5, 5.0, "%", "distance of the target from the close"),
    Variable::bool("allow_short", false, "reverse on the opposite cross instead of closing"),
];

const CONDITIONS: [&str; 1] = ["the averages cross (intent)"];

/// Moving-average cross: long when the fast average crosses above the slow one; out, or short if
/// allowed, when it crosses below.
///
/// The textbook trend follower, and the yardstick of the engine's speed. Stop and target are
/// percentages of the close. A cross is from at-or-below at the candle before to above at this one
/// (or from at-or-above to below).
#[derive(Clone, Debug)]
pub struct EmaCross {
    fast: Input,
    slow: Input,
    slow_period: usize,
    stop_pct: f64,
    target_pct: f64,
    allow_short: bool,
    above: u64,
    below: u64,
}

impl Strategy for EmaCross {
    fn about() -> About {
        About {
            name: "ema_cross",
            version: 1,
            summary: "a fast moving average crosses a slow one",
            variables: VARIABLES,
            optional_inputs: &[],
        }
    }

    fn new(parameters: &Parameters, inputs: &mut Inputs) -> Result<Self, ParameterError> {
        let (fast, slow) = (parameters.get("fast")?, parameters.get("slow")?);
        if fast >= slow {
            let message = format!("fast ({fast}) must be below slow ({slow})");
            return Err(ParameterError::Infeasible(message));
        }
        Ok(Self {
            fast: inputs.ema(Source::Close, fast),
            slow: inputs.ema(Source::Close, slow),
            slow_period: slow,
            stop_pct: parameters.get("stop_pct")?,
            target_pct: parameters.get("target_pct")?,
            allow_short: parameters.get("allow_short")?,
            above: 0,
            below: 0,
        })
    }

    fn warm_up(&self) -> usize {
        1 + 11 * self.slow_period
    }

    #[inline(always)]
    fn on_candle(&mut self, view: &View<'_>) -> Option<Intent> {
        // Nothing is above or below an average that is not known yet.
        let [fast_before, fast] = view.last_inputs(self.fast)?;
        let [slow_before, slow] = view.last_inputs(self.slow)?;
        if fast > slow && fast_before <= slow_before {
            self.above += 1;
            return Some(self.enter(Side::Long, view.close(0)));
        }
        if fast < slow && fast_before >= slow_before {
            self.below += 1;
            let reverse = self.allow_short.then(|| self.enter(Side::Short, view.close(0)));
            return Some(reverse.unwrap_or(Intent::Exit));
        }
        None
    }

    fn funnel(&self) -> Funnel {
        Funnel::new(CONDITIONS, [self.above], self.allow_short.then_some([self.below]))
    }
}

impl EmaCross {
    #[cold]
    fn enter(&self, side: Side, close: f64) -> Intent {
        let (stop_pct, target_pct) = (self.stop_pct, self.target_pct);
        let (stop, target) = match side {
            Side::Long => (close * (1.0 - stop_pct / 100.0), close * (1.0 + target_pct / 100.0)),
            Side::Short => (close * (1.0 + stop_pct / 100.0), close * (1.0 - target_pct / 100.0)),
        };
        Intent::Enter(Entry { side, stop, target: Some(target), max_holding: None })
    }
}

#[cfg(test)]
mod tests;
