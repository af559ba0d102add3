//! Trades what models advise.

use tradepulse_core::ensemble::Advice;
use tradepulse_core::order::Side;
use tradepulse_core::parameter::{ParameterError, Parameters};
use tradepulse_core::strategy::{About, Entry, Funnel, Inputs, Intent, Strategy, View};
use tradepulse_core::variable::Variable;

#[rustfmt::skip] // a table
const VARIABLES: &[Variable] = &[
    Variable::real("min_confidence", 0.0, 1.0, 0.01, 0.0, "", "least confidence of the advice, besides the ensemble's own threshold"),
    Variable::real("stop_pct", 0.2, 20.0, 0.1, 2.0, "%", "distance of the stop from the close, where the models name none"),
    Variable::real("target_pct", 0.2, 50.0, 0.1, 5.0, "%", "distance of the target from the close, where the models name none"),
    Variable::bool("own_levels", false, "stop and target by the percentages even where the models name some"),
    Variable::integer("max_holding", 0, 1000, 1, 0, "candles", "longest time in a position; 0 is no limit"),
    Variable::bool("exit_on_hold", false, "close when the models advise to hold"),
    Variable::bool("allow_short", true, "enter short, or only close, on advice to be short"),
];

const CONDITIONS: [&str; 2] = ["the models advise a side", "they are sure enough (intent)"];

/// Does what models together advise: enters on the side they say, turns where they turn.
///
/// It looks at nothing but the [advice](View::advice) about the candle that has just closed; without
/// any it wants nothing. Stop and target are those the models name if they name both on their proper
/// sides and `own_levels` is off, else percentages of the close.
#[derive(Clone, Debug)]
pub struct Models {
    min_confidence: f64,
    stop_pct: f64,
    target_pct: f64,
    own_levels: bool,
    max_holding: Option<u32>,
    exit_on_hold: bool,
    allow_short: bool,
    counts: [[u64; 2]; 2],
}

impl Strategy for Models {
    fn about() -> About {
        About {
            name: "models",
            version: 1,
            summary: "what models together advise",
            variables: VARIABLES,
            optional_inputs: &[],
        }
    }

    fn new(parameters: &Parameters, _: &mut Inputs) -> Result<Self, ParameterError> {
        let max_holding: usize = parameters.get("max_holding")?;
        Ok(Self {
            min_confidence: parameters.get("min_confidence")?,
            stop_pct: parameters.get("stop_pct")?,
            target_pct: parameters.get("target_pct")?,
            own_levels: parameters.get("own_levels")?,
            max_holding: u32::try_from(max_holding).ok().filter(|candles| *candles > 0),
            exit_on_hold: parameters.get("exit_on_hold")?,
            allow_short: parameters.get("allow_short")?,
            counts: [[0; 2]; 2],
        })
    }

    fn warm_up(&self) -> usize {
        0
    }

    #[inline(always)]
    fn on_candle(&mut self, view: &View<'_>) -> Option<Intent> {
        self.follow(view.advice()?, view.close(0))
    }

    fn funnel(&self) -> Funnel {
        let [long, short] = self.counts;
        Funnel::new(CONDITIONS, long, self.allow_short.then_some(short))
    }
}

impl Models {
    fn follow(&mut self, advice: &Advice, close: f64) -> Option<Intent> {
        let Some(side) = advice.action.side() else {
            return self.exit_on_hold.then_some(Intent::Exit);
        };
        let counts = &mut self.counts[usize::from(side == Side::Short)];
        counts[0] += 1;
        if advice.confidence < self.min_confidence {
            return None;
        }
        counts[1] += 1;
        if side == Side::Short && !self.allow_short {
            return Some(Intent::Exit);
        }
        let sign = side.sign();
        let own = Entry {
            side,
            stop: close * (1.0 - sign * self.stop_pct / 100.0),
            target: Some(close * (1.0 + sign * self.target_pct / 100.0)),
            max_holding: self.max_holding,
        };
        let theirs = (advice.stop.zip(advice.take_profit))
            .map(|(stop, target)| Entry { stop, target: Some(target), ..own })
            .filter(|entry| !self.own_levels && entry.is_consistent_with(close));
        Some(Intent::Enter(theirs.unwrap_or(own)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tradepulse_core::inference::Action;

    fn advice(action: Action, confidence: f64) -> Advice {
        Advice { action, confidence, stop: None, take_profit: None }
    }

    fn models(set: impl Fn(Parameters) -> Parameters) -> Models {
        Models::new(&set(Parameters::defaults(VARIABLES)), &mut Inputs::default()).unwrap()
    }

    #[test]
    fn it_enters_on_the_side_that_is_advised() {
        let mut models = models(|p| p.with("min_confidence", 0.6).unwrap());
        let Some(Intent::Enter(long)) = models.follow(&advice(Action::Long, 0.6), 100.0) else {
            panic!("no entry");
        };
        assert_eq!((long.side, long.stop, long.target), (Side::Long, 98.0, Some(105.0)));
        let Some(Intent::Enter(short)) = models.follow(&advice(Action::Short, 0.9), 100.0) else {
            panic!("no entry");
        };
        assert_eq!((short.side, short.stop, short.target), (Side::Short, 102.0, Some(95.0)));
        assert_eq!(models.follow(&advice(Action::Long, 0.59), 100.0), None);
        assert_eq!(models.follow(&advice(Action::Hold, 1.0), 100.0), None);
        assert_eq!(models.counts, [[2, 1], [1, 1]]);
    }

    #[test]
    fn levels_of_the_models_count_where_they_are_possible() {
        let mut follows = models(|p| p);
        let named =
            Advice { stop: Some(97.0), take_profit: Some(104.0), ..advice(Action::Long, 0.8) };
        let Some(Intent::Enter(entry)) = follows.follow(&named, 100.0) else { panic!("no entry") };
        assert_eq!((entry.stop, entry.target), (97.0, Some(104.0)));
        // The price has run past the target since.
        let Some(Intent::Enter(entry)) = follows.follow(&named, 104.5) else { panic!("no entry") };
        assert!(entry.stop > 100.0 && entry.target > Some(109.0), "{entry:?}");
        let mut own = models(|p| p.with("own_levels", true).unwrap());
        let Some(Intent::Enter(entry)) = own.follow(&named, 100.0) else { panic!("no entry") };
        assert_eq!((entry.stop, entry.target), (98.0, Some(105.0)));
    }

    #[test]
    fn exits() {
        let mut models = models(|p| {
            let p = p.with("exit_on_hold", true).unwrap().with("allow_short", false).unwrap();
            p.with("max_holding", 7_i64).unwrap()
        });
        assert_eq!(models.follow(&advice(Action::Hold, 0.5), 100.0), Some(Intent::Exit));
        assert_eq!(models.follow(&advice(Action::Short, 0.9), 100.0), Some(Intent::Exit));
        let Some(Intent::Enter(entry)) = models.follow(&advice(Action::Long, 0.9), 100.0) else {
            panic!("no entry");
        };
        assert_eq!(entry.max_holding, Some(7));
    }
}
