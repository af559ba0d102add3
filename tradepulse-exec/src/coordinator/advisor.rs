//! The models of a session: asked about each closed candle, together, within one deadline.
//!
//! An [`Advisor`] keeps what models are told of each market (candles, indicators, regime), asks all
//! of them side by side, and puts their answers together
//! ([`Panel`](tradepulse_core::ensemble::Panel)). It knows no desk and no store: the
//! [`Driver`](super::Driver) tells it of candles, hands its advice on, and keeps its records. The
//! wallets of a session share the answers ([`Advisor::beside`]).
//!
//! What models said is stored before anything comes of it, together with the decision. A process
//! that goes on therefore asks about no candle twice, and judges what was said before it
//! ([`Advisor::recall`]).

mod council;
mod market;
mod records;
mod round;
mod trainer;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Mutex;
use tradepulse_core::ensemble::{Ensemble, Question};
use tradepulse_core::inference::Labelling;
use tradepulse_core::market::{Candle, Symbol};
use tradepulse_core::time::Timeframe;

use crate::inference::MarketModel;
pub(super) use council::{Asked, Asker, Council};
use market::Market;
pub(super) use market::Told;
pub(super) use round::{Answers, Round};
pub use trainer::Retraining;
pub(super) use trainer::{Trainer, TrainingNews};

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
    /// When models are asked to train; `None`: never.
    pub retraining: Option<Retraining>,
}

/// What is asked about the candles of some markets, and what came of it so far.
pub struct Advisor {
    advisors: Arc<Advisors>,
    markets: BTreeMap<(Symbol, Timeframe), Market>,
    council: Arc<Mutex<Council>>,
    trainer: Option<Arc<Trainer>>,
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
            retraining: feedback.enabled.then(|| Retraining {
                after_trades: u64::from(feedback.min_trades_before_retrain),
                schedule: feedback.retrain_schedule.clone(),
                limit: Duration::try_from_secs_f64(feedback.retrain_timeout).unwrap_or_default(),
            }),
        })
    }
}

impl Advisor {
    /// An advisor that knows nothing of its markets yet.
    pub fn new(
        advisors: Arc<Advisors>,
        markets: impl IntoIterator<Item = (Symbol, Timeframe)>,
    ) -> Self {
        let kept = advisors.candles;
        let market = |key: (Symbol, Timeframe)| (key.clone(), Market::new(key.0, key.1, kept));
        let markets: BTreeMap<_, _> = markets.into_iter().map(market).collect();
        let council = Council::new(Arc::clone(&advisors), markets.keys().cloned());
        let trainer = advisors.retraining.clone();
        let trainer = trainer.map(|plan| Arc::new(Trainer::new(Arc::clone(&advisors), plan)));
        Self { advisors, markets, council: Arc::new(Mutex::new(council)), trainer }
    }

    /// One for another wallet that trades some of its markets: models are asked about a candle
    /// once, by whoever comes to it first, and the answer is shared.
    #[must_use]
    pub fn beside(&self, markets: impl IntoIterator<Item = (Symbol, Timeframe)>) -> Self {
        let (council, trainer) = (Arc::clone(&self.council), self.trainer.clone());
        Self { council, trainer, ..Self::new(Arc::clone(&self.advisors), markets) }
    }

    /// Who is asked.
    pub fn advisors(&self) -> &Arc<Advisors> {
        &self.advisors
    }

    /// What is shared with other wallets.
    pub(super) fn council(&self) -> Arc<Mutex<Council>> {
        Arc::clone(&self.council)
    }

    /// Who asks models to train; shared like what was answered.
    pub(super) fn trainer(&self) -> Option<Arc<Trainer>> {
        self.trainer.clone()
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
}

impl Told {
    /// As it is sent.
    pub(super) fn json(&self) -> Value {
        serde_json::to_value(self.snapshot()).unwrap_or_default()
    }
}
