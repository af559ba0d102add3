//! The models of a session: asked about each closed candle, together, within one deadline.
//!
//! An [`Advisor`] keeps what models are told of each market (candles, indicators, regime), asks all
//! of them side by side, and puts their answers together ([`Panel`]). It knows no desk and no store:
//! the [`Driver`](super::Driver) tells it of candles, hands its advice on, and keeps its records.

mod market;
mod records;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tradepulse_core::ensemble::{
    Absence, Advice, Decision, Dropped, Ensemble, Panel, Question, Settled,
};
use tradepulse_core::inference::{Action, Labelling, Prediction};
use tradepulse_core::market::{Candle, Symbol};
use tradepulse_core::time::{Timeframe, Timestamp};

use crate::inference::MarketModel;
use market::Market;
pub(super) use market::Told;

/// A model that is asked.
#[derive(Clone)]
pub struct Member {
    /// What it is called.
    pub name: String,
    /// What its vote weighs before its record is looked at.
    pub weight: f64,
    /// Longest time for its answer.
    pub deadline: Duration,
    /// The model.
    pub model: Arc<dyn MarketModel>,
}

/// Who is asked, and what becomes of the answers.
#[derive(Clone)]
pub struct Advisors {
    /// The models; each has a name of its own.
    pub members: Vec<Member>,
    /// How their answers become one.
    pub ensemble: Ensemble,
    /// What would have been right.
    pub labelling: Labelling,
    /// What a trade is taken to cost and how far away stop and target are; candle and price are
    /// passed over.
    pub terms: Question,
    /// Closed candles that models are told of, of each length.
    pub candles: usize,
    /// How long after its end models are told of a trade; `None`: never.
    pub feedback_after: Option<Duration>,
}

/// What is asked about the candles of some markets, and what came of it so far.
pub struct Advisor {
    advisors: Arc<Advisors>,
    markets: BTreeMap<(Symbol, Timeframe), Market>,
    silent: Vec<u32>,
}

/// What was answered about a candle.
#[derive(Clone, Debug)]
pub(super) struct Answers {
    pub(super) answers: Vec<Result<Prediction, Absence>>,
    latencies: Vec<Duration>,
}

impl Answers {
    /// None of `members` answered.
    pub(super) fn none(members: usize, why: &Absence) -> Self {
        let answers = (0..members).map(|_| Err(why.clone())).collect();
        Self { answers, latencies: vec![Duration::ZERO; members] }
    }
}

/// What models came to about a candle.
#[derive(Clone, Debug)]
pub(super) struct Advised {
    pub(super) at: Timestamp,
    pub(super) decision: Decision,
    pub(super) latencies: Vec<Duration>,
    /// What is known since about earlier candles.
    pub(super) settled: Vec<Settled>,
    /// Models that have fallen silent with this candle, and those that answer again.
    pub(super) silent: Vec<(String, bool)>,
    pub(super) advice: Option<Advice>,
}

#[cfg(feature = "config")]
impl Advisors {
    /// Those of a configuration, of which `members` are the models.
    ///
    /// # Errors
    /// If a setting of the ensemble is outside of its range.
    pub fn new(
        config: &crate::config::Config,
        members: Vec<Member>,
    ) -> Result<Self, tradepulse_core::ensemble::SettingsError> {
        let feedback = &config.retraining;
        let after = Duration::try_from_secs_f64(feedback.feedback_delay).unwrap_or_default();
        Ok(Self {
            members,
            ensemble: config.ensemble.checked()?,
            labelling: config.ensemble.labelling(),
            terms: config.trade_terms(),
            candles: config.data.candles_count as usize,
            feedback_after: feedback.send_feedback_to_models.then_some(after),
        })
    }
}

/// A model that gave no usable answer so often in a row is taken for offline.
const SILENT_AFTER: u32 = 3;

impl Advisor {
    /// An advisor that knows nothing of its markets yet.
    pub fn new(
        advisors: Arc<Advisors>,
        markets: impl IntoIterator<Item = (Symbol, Timeframe)>,
    ) -> Self {
        let market = |key: (Symbol, Timeframe)| {
            let models = advisors.members.iter().map(|member| (member.name.clone(), member.weight));
            let panel = Panel::new(advisors.ensemble, advisors.labelling, key.1, models);
            let market = Market::new(key.0.clone(), key.1, advisors.candles, panel);
            (key, market)
        };
        let markets = markets.into_iter().map(market).collect();
        let silent = vec![0; advisors.members.len()];
        Self { advisors, markets, silent }
    }

    /// Who is asked.
    pub fn advisors(&self) -> &Arc<Advisors> {
        &self.advisors
    }

    /// Its markets.
    pub fn markets(&self) -> impl Iterator<Item = &(Symbol, Timeframe)> {
        self.markets.keys()
    }

    /// Counts what is known of an earlier prediction.
    fn remember(&mut self, market: &(Symbol, Timeframe), model: &str, said: Action, truth: Action) {
        if let Some(market) = self.markets.get_mut(market) {
            market.panel.remember(model, said, truth);
        }
    }

    /// A candle has closed; what is older than the last one is passed over.
    pub fn note(&mut self, symbol: &Symbol, timeframe: Timeframe, candle: &Candle) {
        if let Some(market) = self.markets.get_mut(&(symbol.clone(), timeframe)) {
            market.note(candle);
        }
    }

    /// What models are told about the last candle of a market; `None` if it is none of these.
    pub(super) fn told(&self, symbol: &Symbol, timeframe: Timeframe) -> Option<Told> {
        Some(self.markets.get(&(symbol.clone(), timeframe))?.told())
    }

    /// What the answers about the candle that closed at `at` with `price` come to.
    pub(super) fn decide(
        &mut self,
        (symbol, timeframe): (&Symbol, Timeframe),
        (at, price): (Timestamp, f64),
        Answers { answers, latencies }: Answers,
    ) -> Option<Advised> {
        let market = self.markets.get_mut(&(symbol.clone(), timeframe))?;
        let settled = market.panel.close(at, price);
        let question = Question { candle: at, price, ..self.advisors.terms };
        let decision = market.panel.decide(&question, answers);
        let mut silent = Vec::new();
        for (count, member) in self.silent.iter_mut().zip(&self.advisors.members) {
            let vote = decision.votes.iter().find(|vote| vote.model == member.name);
            let dropped = vote.map(|vote| &vote.dropped);
            if matches!(dropped, Some(Some(Dropped::Absent(Absence::Hindsight { .. })))) {
                continue;
            }
            let answered = matches!(dropped, Some(None));
            let before = *count;
            *count = if answered { 0 } else { before.saturating_add(1) };
            if *count == SILENT_AFTER {
                silent.push((member.name.clone(), true));
            } else if answered && before >= SILENT_AFTER {
                silent.push((member.name.clone(), false));
            }
        }
        let advice = Advice::new(&decision);
        Some(Advised { at, decision, latencies, settled, silent, advice })
    }
}

/// Asks all of them side by side. Who has not answered by its deadline is late.
pub(super) async fn ask(advisors: &Arc<Advisors>, told: &Arc<Told>) -> Answers {
    let mut asked = JoinSet::new();
    for (i, member) in advisors.members.iter().enumerate() {
        let (member, told) = (member.clone(), Arc::clone(told));
        asked.spawn(async move {
            let began = Instant::now();
            let answer = timeout(member.deadline, member.model.ask(&told.snapshot())).await;
            (i, answer.unwrap_or(Err(Absence::Late)), began.elapsed())
        });
    }
    let count = advisors.members.len();
    let broken = Absence::Unavailable { reason: "it broke while it was asked".to_owned() };
    let Answers { mut answers, mut latencies } = Answers::none(count, &broken);
    while let Some(answered) = asked.join_next().await {
        if let Ok((i, answer, latency)) = answered {
            answers[i] = answer;
            latencies[i] = latency;
        }
    }
    Answers { answers, latencies }
}

impl Told {
    /// As it is sent.
    pub(super) fn json(&self) -> Value {
        serde_json::to_value(self.snapshot()).unwrap_or_default()
    }
}
