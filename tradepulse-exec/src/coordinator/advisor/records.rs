//! What is kept of what models said, and read back by the next process.

use std::collections::BTreeSet;
use std::time::Duration;

use tradepulse_core::ensemble::{Advice, Decision, Dropped};
use tradepulse_core::inference::Action;
use tradepulse_core::market::Symbol;
use tradepulse_core::store::RecordId;
use tradepulse_core::store::trading::{
    DecisionOutcome, DecisionRecord, PredictionRecord, RecordFilter, RunRecord, TradingStore,
    TradingStoreExt,
};
use tradepulse_core::store::{Page, StoreError};
use tradepulse_core::time::{Timeframe, Timestamp};

use super::council::{Asker, Bench, Council, DECISIONS};
use super::{Advisor, Advisors};

/// Predictions of the past that a new process's weights rest on, for each market: the newest.
const REMEMBERED: u64 = 10_000;

impl Advisors {
    pub(super) fn predictions(
        &self,
        asker: &Asker<'_>,
        (symbol, timeframe): (&Symbol, Timeframe),
        at: Timestamp,
        decision: &Decision,
        latencies: &[Duration],
    ) -> Vec<PredictionRecord> {
        let record = |vote: &tradepulse_core::ensemble::Vote| {
            let said = vote.prediction;
            let member = self.members.iter().position(|m| m.name == vote.model);
            let latency = member.and_then(|member| latencies.get(member));
            PredictionRecord {
                run: asker.run.to_owned(),
                symbol: symbol.clone(),
                timeframe,
                at,
                model: vote.model.clone(),
                action: said.map_or(Action::Hold, |said| said.action).name().to_owned(),
                confidence: said.map_or(0.0, |said| said.confidence),
                stop: said.and_then(|said| said.stop),
                take_profit: said.and_then(|said| said.take_profit),
                raw_score: said.and_then(|said| said.raw_score),
                latency_ms: latency.and_then(|time| u64::try_from(time.as_millis()).ok()),
                dropped: vote.dropped.as_ref().map(ToString::to_string),
                truth: None,
                invalid: vote.dropped.as_ref().is_some_and(Dropped::is_models_fault),
            }
        };
        decision.votes.iter().map(record).collect()
    }
}

pub(super) fn decision(
    asker: &Asker<'_>,
    (symbol, timeframe): (&Symbol, Timeframe),
    at: Timestamp,
    decision: &Decision,
) -> DecisionRecord {
    let enters = decision.action.side().is_some();
    let reason = match &decision.stopped {
        Some(gate) => format!("{}: {gate}", decision.proposed),
        None => format!("{} with confidence {:.3}", decision.action, decision.confidence),
    };
    DecisionRecord {
        run: asker.run.to_owned(),
        configuration_id: ensemble_id(symbol, timeframe),
        at,
        wallet: asker.wallet.to_owned(),
        symbol: symbol.clone(),
        timeframe,
        signal: None,
        votes: serde_json::to_value(decision).ok(),
        outcome: if enters { DecisionOutcome::Enter } else { DecisionOutcome::Hold },
        reason,
    }
}

/// The id under which the decisions of the models of a market are kept.
fn ensemble_id(symbol: &Symbol, timeframe: Timeframe) -> RecordId {
    RecordId::derive(&["ensemble", &symbol.to_string(), &timeframe.to_string()])
}

impl Advisor {
    /// Takes up what is stored of its markets, replays left out: of the newest ten thousand
    /// predictions of each, how right the models were, and those that are still to be judged; and
    /// what was decided last, so that nothing is asked or judged twice.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn recall(&mut self, store: &dyn TradingStore) -> Result<(), StoreError> {
        self.council.lock().await.recall(store).await
    }
}

impl Council {
    async fn recall(&mut self, store: &dyn TradingStore) -> Result<(), StoreError> {
        let runs: Vec<RunRecord> = store.records(&RecordFilter::default(), Page::ALL).await?;
        let is_replay = |run: &RunRecord| {
            run.config.get("replay").and_then(serde_json::Value::as_bool) == Some(true)
        };
        let replays: BTreeSet<String> =
            runs.into_iter().filter(is_replay).map(|run| run.id).collect();
        for ((symbol, timeframe), bench) in &mut self.markets {
            let filter = RecordFilter { symbol: Some(symbol.clone()), ..RecordFilter::default() };
            let newest = Page { limit: REMEMBERED, offset: 0 };
            let said: Vec<PredictionRecord> = store.records(&filter, newest).await?;
            let of_market = said
                .into_iter()
                .filter(|said| said.timeframe == *timeframe && !replays.contains(&said.run));
            of_market.for_each(|said| bench.recall(said));
            let id = ensemble_id(symbol, *timeframe);
            let filter = RecordFilter { configuration_id: Some(id), ..RecordFilter::default() };
            let newest = Page { limit: DECISIONS as u64, offset: 0 };
            let decided: Vec<DecisionRecord> = store.records(&filter, newest).await?;
            for record in decided.into_iter().filter(|record| !replays.contains(&record.run)) {
                if let Some(Ok(advice)) = record.votes.as_ref().map(Advice::recorded) {
                    bench.decided.push_front((record.at, advice));
                }
            }
        }
        Ok(())
    }
}

impl Bench {
    /// A prediction of an earlier process; the newest comes first.
    fn recall(&mut self, said: PredictionRecord) {
        let action = said.action.parse();
        let truth: Option<Action> = said.truth.as_deref().and_then(|word| word.parse().ok());
        match (action, truth) {
            _ if said.invalid => self.panel.remember_refused(&said.model),
            _ if said.dropped.is_some() => {}
            (Ok(action), Some(truth)) => self.panel.remember(&said.model, action, truth),
            (Ok(_), None) => self.earlier.push_front(said),
            (Err(_), _) => {}
        }
    }
}
