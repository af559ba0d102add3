use std::collections::VecDeque;

use super::{Absence, Advice, Decision, Ensemble, Question, TrackRecord, Voter};
use crate::inference::{Action, Labelling, Prediction};
use crate::market::Series;
use crate::time::{Timeframe, Timestamp};

/// Models that are asked about each candle of a market, and held to what they said.
///
/// A model was right if it said what the [`Labelling`] says of the return until its horizon: its
/// [`TrackRecord`] counts from that candle on, and no earlier. So a decision never knows more than
/// its candle.
#[derive(Clone, Debug)]
pub struct Panel {
    ensemble: Ensemble,
    labelling: Labelling,
    horizon_ms: i64,
    members: Vec<Member>,
    open: VecDeque<Said>,
}

#[derive(Clone, Debug)]
struct Member {
    model: String,
    weight: f64,
    record: TrackRecord,
}

/// What was said of a candle whose outcome is not known yet.
#[derive(Clone, Debug)]
struct Said {
    at: Timestamp,
    price: f64,
    actions: Vec<Option<Action>>,
}

/// What would have been right at a candle, now that it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Close time of the candle.
    pub at: Timestamp,
    /// What would have been right.
    pub truth: Action,
}

impl Panel {
    /// A panel of models, each with its name and its weight, for candles of `timeframe`.
    pub fn new(
        ensemble: Ensemble,
        labelling: Labelling,
        timeframe: Timeframe,
        models: impl IntoIterator<Item = (String, f64)>,
    ) -> Self {
        let member = |(model, weight)| Member { model, weight, record: TrackRecord::default() };
        // A horizon beyond all time is never settled.
        let candles = i64::try_from(labelling.horizon.max(1)).unwrap_or(i64::MAX);
        Self {
            ensemble,
            labelling,
            horizon_ms: candles.saturating_mul(timeframe.as_ms()),
            members: models.into_iter().map(member).collect(),
            open: VecDeque::new(),
        }
    }

    /// The models, by name, with what they were right in.
    pub fn records(&self) -> impl Iterator<Item = (&str, &TrackRecord)> {
        self.members.iter().map(|member| (member.model.as_str(), &member.record))
    }

    /// Counts what is known of an earlier run: that `model` said one thing and another, or the same,
    /// would have been right.
    pub fn remember(&mut self, model: &str, said: Action, truth: Action) {
        if let Some(member) = self.members.iter_mut().find(|member| member.model == model) {
            member.record.settle(said, truth);
        }
    }

    /// Takes up what was said in an earlier run of the candle that closed at `at` with `price`, and
    /// is not settled yet. Models that are none of these are passed over. Candles come in their
    /// order, as they do to [`decide`](Self::decide).
    pub fn resume<'a>(
        &mut self,
        at: Timestamp,
        price: f64,
        said: impl IntoIterator<Item = (&'a str, Action)>,
    ) {
        let mut actions = vec![None; self.members.len()];
        for (model, action) in said {
            if let Some(i) = self.members.iter().position(|member| member.model == model) {
                actions[i] = Some(action);
            }
        }
        self.open.push_back(Said { at, price, actions });
    }

    /// Counts an answer of an earlier run that could not be used.
    pub fn remember_refused(&mut self, model: &str) {
        if let Some(member) = self.members.iter_mut().find(|member| member.model == model) {
            member.record.refuse();
        }
    }

    /// A candle closed at `at` with `price`: settles what was said a horizon before, oldest first.
    pub fn close(&mut self, at: Timestamp, price: f64) -> Vec<Settled> {
        let mut settled = Vec::new();
        let due = |said: &Said| at.as_ms().saturating_sub(said.at.as_ms()) >= self.horizon_ms;
        while let Some(said) = self.open.pop_front_if(|said| due(said)) {
            let truth = self.labelling.truth(said.price, price);
            for (member, action) in self.members.iter_mut().zip(&said.actions) {
                if let Some(action) = action {
                    member.record.settle(*action, truth);
                }
            }
            settled.push(Settled { at: said.at, truth });
        }
        settled
    }

    /// What they advise at each candle of `series`, where `predictions` has a column of answers for
    /// each model: for a backtest.
    ///
    /// Each decision is made as of its candle, by the records as they were then. Advice stands
    /// `delay` candles after the candle it is about. `terms` are costs and distances of a trade;
    /// its candle and price are passed over.
    ///
    /// # Errors
    /// If there are fewer columns than models, or one is not as long as the series.
    pub fn advise(
        mut self,
        series: &Series,
        predictions: &[Vec<Option<Prediction>>],
        terms: &Question,
        delay: usize,
    ) -> Result<Vec<Option<Advice>>, ColumnsError> {
        let (models, candles) = (self.members.len(), series.len());
        if predictions.len() != models || predictions.iter().any(|one| one.len() != candles) {
            return Err(ColumnsError { models, candles });
        }
        let mut advice = vec![None; candles];
        for (at, price) in series.columns().close.iter().copied().enumerate() {
            let candle = series.close_time(at);
            self.close(candle, price);
            let answers = predictions.iter().map(|column| {
                let reason = || "there is no answer about this candle".to_owned();
                column[at].ok_or_else(|| Absence::Unavailable { reason: reason() })
            });
            let question = Question { candle, price, ..*terms };
            let decision = self.decide(&question, answers.collect());
            if let Some(later) = advice.get_mut(at + delay) {
                *later = Advice::new(&decision);
            }
        }
        Ok(advice)
    }

    /// What the models come to with their `answers`, one for each model in the order in which they
    /// were given.
    pub fn decide(
        &mut self,
        question: &Question,
        answers: Vec<Result<Prediction, Absence>>,
    ) -> Decision {
        let voters: Vec<Voter> = (self.members.iter().zip(answers))
            .map(|(Member { model, weight, record }, answer)| Voter {
                model: model.clone(),
                weight: *weight,
                record: *record,
                answer,
            })
            .collect();
        let decision = self.ensemble.decide(question, &voters);
        let vote = |model: &str| decision.votes.iter().find(|vote| vote.model == model);
        let mut actions = Vec::with_capacity(self.members.len());
        for member in &mut self.members {
            let vote = vote(&member.model);
            if vote.and_then(|vote| vote.dropped.as_ref()).is_some_and(|d| d.is_models_fault()) {
                member.record.refuse();
            }
            actions.push(vote.and_then(|vote| vote.prediction).map(|said| said.action));
        }
        if actions.iter().any(Option::is_some) {
            self.open.push_back(Said { at: question.candle, price: question.price, actions });
        }
        decision
    }
}

/// Predictions that are no columns of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected predictions of {models} models, each with one for each of {candles} candles")]
pub struct ColumnsError {
    models: usize,
    candles: usize,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ensemble::Settings;
    use crate::market::SyntheticMarket;
    use crate::random::Seed;

    const LABELS: Labelling = Labelling { horizon: 3, long_above: 0.001, short_below: -0.001 };

    fn panel(settings: Settings) -> Panel {
        let models = [("a", 1.0), ("b", 2.0)].map(|(name, weight)| (name.to_owned(), weight));
        Panel::new(Ensemble::new(settings).unwrap(), LABELS, Timeframe::M5, models)
    }

    fn series(candles: usize) -> Series {
        let market = SyntheticMarket::new(Seed(11), Timeframe::M5);
        SyntheticMarket { candles, ..market }.generate().unwrap()
    }

    fn prediction(for_candle: Timestamp, action: Action, confidence: f64) -> Prediction {
        Prediction {
            for_candle,
            action,
            confidence,
            stop: None,
            take_profit: None,
            raw_score: None,
        }
    }

    /// Number of the action and confidence of both models.
    type Saying = (usize, f64, usize, f64);

    proptest! {
        /// What is advised on the first candles does not depend on what follows, nor on what is
        /// said of later candles.
        #[test]
        fn advice_knows_no_later_candle(
            said in prop::collection::vec((0_usize..3, 0.3..1.0_f64, 0_usize..4, 0.3..1.0_f64), 60),
            known in 1_usize..60,
            delay in 0_usize..3,
        ) {
            let series = series(60);
            let column = |pick: fn(&Saying) -> (usize, f64)| -> Vec<_> {
                said.iter().enumerate().map(|(at, said)| {
                    let (action, confidence) = pick(said);
                    let action = *Action::ALL.get(action)?;
                    Some(prediction(series.close_time(at), action, confidence))
                }).collect()
            };
            let columns = [column(|said| (said.0, said.1)), column(|said| (said.2, said.3))];
            let settings = Settings { threshold: 0.2, ..Settings::default() };
            let terms = Question::new(Timestamp::EARLIEST, 1.0);
            let whole = panel(settings).advise(&series, &columns, &terms, delay).unwrap();
            let part = columns.each_ref().map(|column| column[..known].to_vec());
            let first = panel(settings).advise(&series.slice(0..known), &part, &terms, delay);
            prop_assert_eq!(&whole[..known], &first.unwrap()[..]);
        }
    }

    #[test]
    fn models_are_held_to_what_they_said() {
        let mut panel = panel(Settings::default());
        let at = |candle: i64| Timestamp::from_ms(candle * 300_000);
        let question = Question::new(at(1), 100.0);
        let said = vec![Ok(prediction(at(1), Action::Long, 0.9)), Err(Absence::Late)];
        panel.decide(&question, said);
        assert_eq!(panel.close(at(3), 90.0), []);
        let settled = panel.close(at(4), 101.0);
        assert_eq!(settled, [Settled { at: at(1), truth: Action::Long }]);
        let records: Vec<_> =
            panel.records().map(|(model, r)| (model, r.right(), r.total())).collect();
        assert_eq!(records, [("a", 1, 1), ("b", 0, 0)]);
    }

    #[test]
    fn what_was_said_before_a_restart_counts_as_if_there_had_been_none() {
        let at = |candle: i64| Timestamp::from_ms(candle * 300_000);
        let mut whole = panel(Settings::default());
        let said = |action| Ok(prediction(at(1), action, 0.9));
        let answers = vec![said(Action::Long), said(Action::Short)];
        whole.decide(&Question::new(at(1), 100.0), answers);
        let mut again = panel(Settings::default());
        let named = [("b", Action::Short), ("gone", Action::Hold), ("a", Action::Long)];
        again.resume(at(1), 100.0, named);
        for panel in [&mut whole, &mut again] {
            assert_eq!(panel.close(at(4), 101.0).len(), 1);
        }
        again.remember_refused("b");
        again.remember_refused("gone");
        let records = |panel: &Panel| -> Vec<_> {
            panel.records().map(|(_, record)| (record.right(), record.total())).collect()
        };
        assert_eq!(records(&whole), [(1, 1), (0, 1)]);
        assert_eq!(records(&again), [(1, 1), (0, 2)]);
    }

    #[test]
    fn columns_have_to_fit() {
        let series = series(4);
        let terms = Question::new(Timestamp::EARLIEST, 1.0);
        let short = [vec![None; 4], vec![None; 3]];
        assert!(panel(Settings::default()).advise(&series, &short, &terms, 0).is_err());
        let fits = [vec![None; 4], vec![None; 4]];
        let advice = panel(Settings::default()).advise(&series, &fits, &terms, 0).unwrap();
        assert_eq!(advice, [None; 4]);
    }
}
