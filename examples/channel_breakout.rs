//! A strategy of your own, in one file: its variables and its logic.

use tradepulse_core::order::Side;
use tradepulse_core::parameter::{ParameterError, Parameters};
use tradepulse_core::strategy::{About, Entry, Input, Inputs, Intent, Source, Strategy, View};
use tradepulse_core::variable::Variable;

/// Donchian's channel with a trend filter: buys a close above the highest high of the last
/// candles while the close is above its long average.
pub(crate) struct ChannelBreakout {
    channel: usize,
    trend: Input,
    range: Input,
    stop_distance: f64,
    risk_reward: f64,
}

/// What may be tuned.
pub(crate) const VARIABLES: &[Variable] = &[
    Variable::integer("channel", 10, 200, 5, 55, "candles", "candles whose high must be beaten"),
    Variable::integer("trend", 50, 400, 10, 200, "candles", "period of the average to be above"),
    Variable::real("stop_distance", 0.5, 5.0, 0.1, 2.0, "ATR(14)", "stop below the close"),
    Variable::real("risk_reward", 1.0, 5.0, 0.1, 3.0, "× risk", "target above the close"),
];

impl Strategy for ChannelBreakout {
    fn about() -> About {
        About {
            name: "channel_breakout",
            version: 1,
            summary: "a close above the channel, with the trend",
            variables: VARIABLES,
            optional_inputs: &[],
        }
    }

    fn new(parameters: &Parameters, inputs: &mut Inputs) -> Result<Self, ParameterError> {
        Ok(Self {
            channel: parameters.get("channel")?,
            trend: inputs.sma(Source::Close, parameters.get("trend")?),
            range: inputs.atr(14),
            stop_distance: parameters.get("stop_distance")?,
            risk_reward: parameters.get("risk_reward")?,
        })
    }

    fn warm_up(&self) -> usize {
        400 + 21 * 14
    }

    fn on_candle(&mut self, view: &View<'_>) -> Option<Intent> {
        let close = view.close(0);
        if close <= view.input(self.trend, 0)? {
            return None;
        }
        let (_, before) = view.highs(self.channel + 1)?.split_last()?;
        if before.iter().any(|high| *high >= close) {
            return None;
        }
        let risk = self.stop_distance * view.input(self.range, 0)?;
        Some(Intent::Enter(Entry {
            side: Side::Long,
            stop: close - risk,
            target: Some(close + self.risk_reward * risk),
            max_holding: None,
        }))
    }
}
