use std::sync::Arc;

use tradepulse_core::risk::{PastTrade, RiskMark, RiskState};
use tradepulse_core::store::trading::{
    EquityPoint, RecordFilter, RiskStateRecord, RunMode, RunRecord, TradeRecord, TradingStore,
    TradingStoreExt,
};
use tradepulse_core::store::{Page, StoreError};
use tradepulse_core::time::Timestamp;

use super::SessionError;
use crate::coordinator::RunSettings;

/// The earlier runs of a wallet, replays left out.
pub(super) struct RunBook {
    store: Arc<dyn TradingStore>,
    wallet: String,
    runs: Vec<RunRecord>,
}

/// What a wallet begins with.
pub(super) enum Beginning {
    /// A run that has not come to its end.
    GoOn(Box<RunRecord>, Box<RunSettings>),
    /// A new one, with what is left in the risk gate.
    New(Box<RiskState>),
}

impl RunBook {
    pub(super) async fn open(
        store: Arc<dyn TradingStore>,
        wallet: &str,
    ) -> Result<Self, StoreError> {
        let filter = RecordFilter { wallet: Some(wallet.to_owned()), ..RecordFilter::default() };
        let mut runs: Vec<RunRecord> = store.records(&filter, Page::ALL).await?;
        runs.retain(|run| run.config.get("replay").and_then(|r| r.as_bool()) != Some(true));
        Ok(Self { store, wallet: wallet.to_owned(), runs })
    }

    /// What a run under `config` begins with.
    pub(super) async fn beginning(
        &self,
        mode: RunMode,
        config: &RunSettings,
        now: Timestamp,
    ) -> Result<Beginning, SessionError> {
        let other = self.runs.iter().find(|run| run.mode != mode);
        if let Some(run) = other {
            return Err(SessionError::OtherMode {
                wallet: self.wallet.clone(),
                mode: run.mode,
                wanted: mode,
            });
        }
        // The newest comes first.
        if let Some(run) = self.runs.iter().find(|run| run.ended_at.is_none()) {
            let differences = config.differences(&run.config);
            if differences.is_empty() {
                let stored = serde_json::from_value(run.config.clone());
                let stored = stored.map_err(|error| SessionError::Unreadable {
                    what: format!("the configuration of run {}", run.id),
                    reason: error.to_string(),
                })?;
                return Ok(Beginning::GoOn(Box::new(run.clone()), Box::new(stored)));
            }
            return Err(SessionError::Unfinished {
                wallet: self.wallet.clone(),
                run: run.id.clone(),
                differences: differences.join(", "),
            });
        }
        Ok(Beginning::New(Box::new(self.risk_state(config, now).await?)))
    }

    /// Ends the runs that did not come to their end, as they are.
    pub(super) async fn give_up(&mut self, now: Timestamp) -> Result<(), StoreError> {
        for run in self.runs.iter_mut().filter(|run| run.ended_at.is_none()) {
            run.ended_at = Some(now);
            run.ending = Some("given up for a new run".to_owned());
            self.store.put(&[run.clone().into()]).await?;
        }
        Ok(())
    }

    /// When the wallet's risk state was stored first.
    pub(super) async fn risk_since(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.risk_record().await?.map(|record| record.created_at))
    }

    async fn risk_record(&self) -> Result<Option<RiskStateRecord>, StoreError> {
        let filter = RecordFilter { wallet: Some(self.wallet.clone()), ..RecordFilter::default() };
        Ok(self.store.records(&filter, Page::ALL).await?.into_iter().next())
    }

    /// What is left in the risk gate: as it was stored, or rebuilt from trades and equity.
    async fn risk_state(
        &self,
        config: &RunSettings,
        now: Timestamp,
    ) -> Result<RiskState, SessionError> {
        if let Some(record) = self.risk_record().await? {
            return serde_json::from_value(record.counters).map_err(|error| {
                SessionError::Unreadable {
                    what: format!("the risk state of wallet {}", self.wallet),
                    reason: error.to_string(),
                }
            });
        }
        let (mut trades, mut marks) = (Vec::new(), Vec::new());
        for run in &self.runs {
            let filter = RecordFilter { run: Some(run.id.clone()), ..RecordFilter::default() };
            let of_run: Vec<TradeRecord> = self.store.records(&filter, Page::ALL).await?;
            trades.extend(of_run.into_iter().map(|trade| PastTrade {
                entered_at: Timestamp::from_ms(trade.entry_time_ms),
                symbol: trade.symbol,
                closed: Some((Timestamp::from_ms(trade.exit_time_ms), trade.profit)),
            }));
            let points: Vec<EquityPoint> = self.store.records(&filter, Page::ALL).await?;
            let mark = |p: EquityPoint| RiskMark::Equity { at: p.at, equity: p.equity };
            marks.extend(points.into_iter().map(mark));
        }
        Ok(RiskState::rebuild(&config.risk, &trades, &marks, now))
    }
}
