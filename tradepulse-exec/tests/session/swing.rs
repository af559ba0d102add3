//! A strategy for the market of the scripted venue, whose price rises for sixteen candles and then
//! falls back at once.

use tradepulse_core::order::Side;
use tradepulse_core::parameter::{ParameterError, Parameters};
use tradepulse_core::strategy::{About, Entry, Inputs, Intent, Strategy, View};
use tradepulse_core::variable::Variable;

/// Buys early in the rise, which wins, or late, which loses.
pub(crate) struct Swing {
    late: bool,
}

impl Strategy for Swing {
    fn about() -> About {
        const VARIABLES: &[Variable] = &[Variable::bool("late", false, "whether it buys late")];
        About {
            name: "swing",
            version: 1,
            summary: "buys in the rise",
            variables: VARIABLES,
            optional_inputs: &[],
        }
    }

    fn new(parameters: &Parameters, _inputs: &mut Inputs) -> Result<Self, ParameterError> {
        Ok(Self { late: parameters.get("late")? })
    }

    fn warm_up(&self) -> usize {
        40
    }

    fn on_candle(&mut self, view: &View<'_>) -> Option<Intent> {
        let (close, wanted) = (view.close(0), if self.late { 122.0 } else { 110.0 });
        let stop = wanted - 3.0;
        let target = Some(wanted + 8.0);
        let entry = Entry { side: Side::Long, stop, target, max_holding: None };
        (close.to_bits() == f64::to_bits(wanted)).then_some(Intent::Enter(entry))
    }
}
