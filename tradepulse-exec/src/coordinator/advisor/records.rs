//! What is kept of what models said.

use tradepulse_core::inference::Action;
use tradepulse_core::market::Symbol;
use tradepulse_core::store::RecordId;
use tradepulse_core::store::trading::{
    DecisionOutcome, DecisionRecord, PredictionRecord, RecordFilter, TradingRecord, TradingStore,
    TradingStoreExt,
};
use tradepulse_core::store::{Page, StoreError};
use tradepulse_core::time::Timeframe;

use super::{Advised, Advisor};

/// Predictions of the past that a new run's weights rest on, for each market: the newest.
const REMEMBERED: u64 = 10_000;

impl Advisor {
    /// Records of a run and its wallet: the predictions, the decision of the models together, and
    /// earlier predictions again with what would have been right.
    pub(in crate::coordinator) fn records(
        &mut self,
        advised: &Advised,
        (run, wallet): (&str, &str),
        (symbol, timeframe): (&Symbol, Timeframe),
    ) -> Vec<TradingRecord> {
        let decision = &advised.decision;
        let mut records: Vec<TradingRecord> = Vec::new();
        let Some(market) = self.markets.get_mut(&(symbol.clone(), timeframe)) else {
            return records;
        };
        for settled in &advised.settled {
            while let Some(said) = market.open.pop_front_if(|said| said.at <= settled.at) {
                let truth = (said.at == settled.at).then(|| settled.truth.name().to_owned());
                records.push(PredictionRecord { truth, ..said }.into());
            }
        }
        for vote in &decision.votes {
            let said = vote.prediction;
            let member = self.advisors.members.iter().position(|m| m.name == vote.model);
            let latency = member.and_then(|member| advised.latencies.get(member));
            let record = PredictionRecord {
                run: run.to_owned(),
                symbol: symbol.clone(),
                timeframe,
                at: advised.at,
                model: vote.model.clone(),
                action: said.map_or(Action::Hold, |said| said.action).name().to_owned(),
                confidence: said.map_or(0.0, |said| said.confidence),
                stop: said.and_then(|said| said.stop),
                take_profit: said.and_then(|said| said.take_profit),
                raw_score: said.and_then(|said| said.raw_score),
                latency_ms: latency.and_then(|time| u64::try_from(time.as_millis()).ok()),
                dropped: vote.dropped.as_ref().map(ToString::to_string),
                truth: None,
            };
            if record.dropped.is_none() {
                market.open.push_back(record.clone());
            }
            records.push(record.into());
        }
        let enters = decision.action.side().is_some();
        let reason = match &decision.stopped {
            Some(gate) => format!("{}: {gate}", decision.proposed),
            None => format!("{} with confidence {:.3}", decision.action, decision.confidence),
        };
        records.push(
            DecisionRecord {
                run: run.to_owned(),
                configuration_id: ensemble_id(symbol, timeframe),
                at: advised.at,
                wallet: wallet.to_owned(),
                symbol: symbol.clone(),
                timeframe,
                signal: None,
                votes: serde_json::to_value(decision).ok(),
                outcome: if enters { DecisionOutcome::Enter } else { DecisionOutcome::Hold },
                reason,
            }
            .into(),
        );
        records
    }
}

/// The id under which the decisions of the models of a market are kept.
fn ensemble_id(symbol: &Symbol, timeframe: Timeframe) -> RecordId {
    RecordId::derive(&["ensemble", &symbol.to_string(), &timeframe.to_string()])
}

impl Advisor {
    /// Takes the records of models from what is stored of their predictions in its markets, the
    /// newest ten thousand of each.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn recall(&mut self, store: &dyn TradingStore) -> Result<(), StoreError> {
        let markets: Vec<_> = self.markets().cloned().collect();
        for market in markets {
            let filter = RecordFilter { symbol: Some(market.0.clone()), ..RecordFilter::default() };
            let page = Page { limit: REMEMBERED, offset: 0 };
            let said: Vec<PredictionRecord> = store.records(&filter, page).await?;
            for record in said.iter().filter(|r| r.timeframe == market.1 && r.dropped.is_none()) {
                let truth = record.truth.as_deref().and_then(|word| word.parse().ok());
                if let (Ok(said), Some(truth)) = (record.action.parse(), truth) {
                    self.remember(&market, &record.model, said, truth);
                }
            }
        }
        Ok(())
    }
}
