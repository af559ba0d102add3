use std::collections::VecDeque;

use super::{Absence, Decision, Ensemble, Question, TrackRecord, Voter};
use crate::inference::{Action, Labelling, Prediction};
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
