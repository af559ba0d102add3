//! Random parameters, mostly loose enough for a strategy to fire.

use tradepulse_core::parameter::Parameters;
use tradepulse_core::strategy::{Inputs, Strategy};
use tradepulse_core::variable::{Domain, Value, Variable};

use crate::market::Dice;

/// Variables to keep between two values, so that something happens.
const LOOSE: &[(&str, &str, f64, f64)] = &[
    ("liquidity_sweep", "pierce_depth", 0.05, 0.10),
    ("liquidity_sweep", "volume_spike_threshold", 1.5, 2.0),
    ("liquidity_sweep", "reversal_candle_size", 0.5, 1.0),
    ("liquidity_sweep", "min_stop_density_score", 0.5, 0.75),
    ("htf_sweep", "higher_timeframe_multiple", 4.0, 6.0),
    ("htf_sweep", "min_sweep", 0.02, 0.10),
    ("volume_breakout", "consolidation_period", 5.0, 10.0),
    ("volume_breakout", "atr_multiplier", 1.5, 3.0),
    ("volume_breakout", "max_range", 3.0, 10.0),
    ("volume_breakout", "volume_multiplier", 1.2, 2.0),
    ("divergence_capitulation", "ema_fast", 20.0, 50.0),
    ("divergence_capitulation", "ema_slow", 100.0, 120.0),
    ("divergence_capitulation", "volume_sma_period", 10.0, 20.0),
    ("divergence_capitulation", "volume_spike_multiplier", 1.5, 1.6),
    ("divergence_capitulation", "min_reward_risk", 1.0, 1.2),
    ("divergence_capitulation", "divergence_lookback", 10.0, 30.0),
    ("capitulation_reversal", "volume_explosion", 1.3, 3.0),
    ("capitulation_reversal", "price_velocity", 0.5, 1.5),
    ("capitulation_reversal", "range_explosion", 1.2, 2.5),
    ("capitulation_reversal", "panic_score_min", 0.40, 0.60),
    ("failed_breakdown", "range_lookback", 20.0, 60.0),
    ("failed_breakdown", "range_tightness", 8.0, 25.0),
    ("failed_breakdown", "breakdown_depth", 0.05, 0.20),
    ("failed_breakdown", "breakdown_volume_max", 2.0, 5.0),
    ("failed_breakdown", "recovery_volume", 0.8, 1.2),
    ("ema_cross", "fast", 2.0, 10.0),
    ("ema_cross", "slow", 11.0, 60.0),
];

/// Parameters on the grid of `S`: three times in four loose, always feasible, mostly both sides.
pub(crate) fn parameters<S: Strategy>(dice: &mut Dice) -> Parameters {
    let about = S::about();
    loop {
        let loose = !dice.one_in(4);
        let mut chosen = Parameters::defaults(about.variables);
        for variable in about.variables {
            let limits = LOOSE.iter().find(|l| loose && l.0 == about.name && l.1 == variable.name);
            let value = match limits {
                Some((.., from, to)) => pick(variable, *from, *to, dice),
                None => pick(variable, f64::NEG_INFINITY, f64::INFINITY, dice),
            };
            chosen = chosen.with(variable.name, value).unwrap();
        }
        if S::new(&chosen, &mut Inputs::default()).is_ok() {
            return chosen;
        }
    }
}

fn pick(variable: &Variable, from: f64, to: f64, dice: &mut Dice) -> Value {
    match variable.domain {
        Domain::Integer { min, max, step } => {
            let (min, max) = (min.max(from as i64), max.min(to as i64));
            Value::Integer(min + step * dice.between(0, (max - min) / step))
        }
        Domain::Real { min, max, step } => {
            let (min, max) = (min.max(from), max.min(to));
            let steps = ((max - min) / step + 1e-9) as i64;
            // As a person would write it: 0.15, not 0.15000000000000002.
            let value = min + step * dice.between(0, steps) as f64;
            Value::Real(format!("{value:.4}").parse().unwrap())
        }
        Domain::Choice(choices) => loop {
            let choice = choices[dice.between(0, choices.len() as i64 - 1) as usize];
            if (from..=to).contains(&(choice as f64)) {
                return Value::Integer(choice);
            }
        },
        Domain::Bool => Value::Bool(!dice.one_in(4)),
    }
}
