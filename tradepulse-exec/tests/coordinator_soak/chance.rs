//! What is traded: whatever chance wants.

use rand::RngExt;
use tradepulse_core::{
    order::Side,
    parameter::{ParameterError, Parameters},
    random::Seed,
    strategy::{About, Entry, Inputs, Intent, Strategy, View},
    variable::Variable,
};

/// Entries of both sides with near and far stops, with and without targets, and exits.
#[derive(Debug)]
pub(crate) struct Chance {
    seed: Seed,
}

pub(crate) const VARIABLES: &[Variable] =
    &[Variable::integer("seed", 0, i32::MAX as i64, 1, 1, "", "of the dice")];

impl Strategy for Chance {
    fn about() -> About {
        About {
            name: "chance",
            version: 1,
            summary: "by chance",
            variables: VARIABLES,
            optional_inputs: &[],
        }
    }

    fn new(parameters: &Parameters, _: &mut Inputs) -> Result<Self, ParameterError> {
        let seed: i64 = parameters.get("seed")?;
        Ok(Self { seed: Seed(seed.unsigned_abs()) })
    }

    fn warm_up(&self) -> usize {
        1
    }

    fn on_candle(&mut self, view: &View<'_>) -> Option<Intent> {
        // By the candle's time, so that a process that takes over throws the same.
        let mut dice = self.seed.stream(&format!("candle at {}", view.open_time().as_ms()));
        let close = view.close(0);
        match dice.random_range(0..20) {
            0 => Some(Intent::Exit),
            1..=3 => {
                let side = if dice.random_bool(0.5) { Side::Long } else { Side::Short };
                let mut away = |from: f64, to: f64| close * dice.random_range(from..to);
                let (stop, target) = (away(0.001, 0.02), away(0.003, 0.03));
                let has_target = dice.random_bool(0.7);
                Some(Intent::Enter(Entry {
                    side,
                    stop: close - stop * side.sign(),
                    target: has_target.then_some(close + target * side.sign()),
                    max_holding: dice.random_bool(0.3).then(|| dice.random_range(1..20)),
                }))
            }
            _ => None,
        }
    }
}
