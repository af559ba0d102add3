use crate::order::Side;
use crate::parameter::{ParameterError, Parameters};
use crate::random::Seed;
use crate::strategy::{About, Entry, Inputs, Intent, Strategy, View};
use crate::variable::Variable;

/// Wants things by chance: entries of both sides with near and far stops and targets, exits.
#[derive(Debug)]
pub(super) struct Dice {
    seed: u64,
    target: bool,
}

impl Strategy for Dice {
    fn about() -> About {
        const VARIABLES: &[Variable] = &[
            Variable::integer("seed", 0, 1_000_000, 1, 1, "", "of the dice"),
            Variable::bool("target", true, "whether entries have targets"),
        ];
        About {
            name: "dice",
            version: 1,
            summary: "by chance",
            variables: VARIABLES,
            optional_inputs: &[],
        }
    }

    fn new(parameters: &Parameters, _: &mut Inputs) -> Result<Self, ParameterError> {
        let seed: i64 = parameters.get("seed")?;
        Ok(Self { seed: seed.unsigned_abs(), target: parameters.get("target")? })
    }

    fn warm_up(&self) -> usize {
        1
    }

    fn on_candle(&mut self, view: &View<'_>) -> Option<Intent> {
        let time = view.open_time().as_ms().unsigned_abs() / 60_000;
        let mut throw = Seed(self.seed ^ time.wrapping_mul(0x9E37_79B9_7F4A_7C15)).0;
        let mut die = |sides: u64| {
            throw = throw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (throw >> 33) % sides
        };
        let close = view.close(0);
        match die(10) {
            0 => Some(Intent::Exit),
            1..=3 => {
                let side = if die(2) == 0 { Side::Long } else { Side::Short };
                let away = |tenths: u64| close * (0.001 + tenths as f64 / 1_000.0) * side.sign();
                Some(Intent::Enter(Entry {
                    side,
                    stop: close - away(die(20)),
                    target: self.target.then(|| close + away(die(30) + 3)),
                    max_holding: (die(3) == 0).then(|| 1 + die(8) as u32),
                }))
            }
            _ => None,
        }
    }
}
