//! A recorded run beside the simulator: what made it earn other than a backtest says.
//!
//! The run's record has its settings ([`RunSettings`]), its journal the candles it saw. The same
//! configurations are traded in the simulator, with the costs of the settings and without latency,
//! on those candles and on the stored ones; the difference is taken apart by
//! [`tradepulse_core::parity`], whose documentation has the formulas. What a person did to the run
//! (pause, close, stop) is not done again: it shows as `signal`.

mod candles;
mod rerun;
mod trades;

use serde::Serialize;
use tradepulse_core::parity::{Parity, ParityError};
use tradepulse_core::simulation::SimulationError;
use tradepulse_core::store::trading::{
    DecisionOutcome, DecisionRecord, RecordFilter, RunRecord, TradingStore, TradingStoreExt,
};
use tradepulse_core::store::{Page, StoreError};
use tradepulse_core::strategy::Registry;
use tradepulse_core::time::Timestamp;

pub use self::candles::CandleComparison;
use self::candles::Seen;
use crate::coordinator::{DriverError, PlanError, RunSettings};
use crate::store::columnar::{self, CandleStore};

/// A run beside the simulator.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunParity {
    /// The run.
    pub run: String,
    /// Its wallet.
    pub wallet: String,
    /// The candles it saw, beside the stored ones.
    pub candles: CandleComparison,
    /// Commands of people that it was told.
    pub controls: u64,
    /// The difference, taken apart.
    #[serde(flatten)]
    pub parity: Parity,
    /// Entries that the run was refused, where only the simulator made the trade: when, and why.
    pub refused: Vec<(Timestamp, String)>,
}

/// A run that cannot be put beside the simulator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunParityError {
    /// The records cannot be read.
    #[error("the records of the run: {0}")]
    Store(#[from] StoreError),
    /// Its record does not have what it was run with.
    #[error(
        "run {run} was recorded by version {version} without the settings it needs to be run \
         again: only later runs can be compared ({reason})"
    )]
    Settings {
        /// The run.
        run: String,
        /// The version that recorded it.
        version: String,
        /// What is missing.
        reason: String,
    },
    /// Its journal has no candles.
    #[error("run {0} saw no candles: there is nothing to compare")]
    NoCandles(String),
    /// An entry of its journal makes no sense.
    #[error("entry {sequence} of the journal of run {run} cannot be read: {reason}")]
    Unreadable {
        /// The run.
        run: String,
        /// Number of the entry.
        sequence: u64,
        /// Why.
        reason: String,
    },
    /// The stored candles cannot be read.
    #[error("the stored candles: {0}")]
    Candles(#[from] columnar::StoreError),
    /// This program cannot trade what it traded.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The simulator failed.
    #[error("the simulation: {0}")]
    Driver(#[from] DriverError),
    /// The simulator cannot be made.
    #[error("the simulation: {0}")]
    Simulation(#[from] SimulationError),
    /// The candles make no market.
    #[error("the simulation: {0}")]
    Feed(#[from] tradepulse_core::exchange::FeedError),
    /// Figures that cannot be compared.
    #[error(transparent)]
    Parity(#[from] ParityError),
}

impl RunParity {
    /// Compares `run`, whose records are in `store`, with what the simulator makes of it.
    ///
    /// # Errors
    /// [`RunParityError`].
    pub async fn new(
        store: &dyn TradingStore,
        run: &RunRecord,
        registry: &Registry,
        stored: &CandleStore,
    ) -> Result<Self, RunParityError> {
        let settings: RunSettings = serde_json::from_value(run.config.clone()).map_err(|e| {
            let (run, version) = (run.id.clone(), run.engine_version.clone());
            RunParityError::Settings { run, version, reason: e.to_string() }
        })?;
        let seen = Seen::read(store, &run.id).await?;
        if seen.events.is_empty() {
            return Err(RunParityError::NoCandles(run.id.clone()));
        }
        let (other, candles) = seen.as_stored(&run.exchange, stored)?;
        let simulate = async |events: &[candles::MarketEvent]| {
            rerun::rerun(&settings, registry, &run.exchange, events, seen.ended).await
        };
        let on_seen = simulate(&seen.events).await?;
        let on_stored = match &other {
            None => on_seen.clone(),
            Some(events) => simulate(events).await?,
        };
        let mut recorded = trades::of_run(store, &run.id).await?;
        trades::fill_references(&mut recorded, &seen.events);
        let plain = |trades: Vec<trades::Found>| -> Vec<_> {
            trades.into_iter().map(|found| found.trade).collect()
        };
        let parity = Parity::new(&plain(recorded), &plain(on_seen), &plain(on_stored))?;
        let refused = refused(store, &run.id, &parity).await?;
        let (run, wallet) = (run.id.clone(), run.wallet.clone());
        Ok(Self { run, wallet, candles, controls: seen.controls, parity, refused })
    }
}

/// Why the run did not make the trades that only the simulator made, where it says so.
async fn refused(
    store: &dyn TradingStore,
    run: &str,
    parity: &Parity,
) -> Result<Vec<(Timestamp, String)>, StoreError> {
    let filter = RecordFilter {
        run: Some(run.to_owned()),
        outcome: Some(DecisionOutcome::Refused),
        ..RecordFilter::default()
    };
    let refusals = store.records::<DecisionRecord>(&filter, Page::ALL).await?;
    let mut found = Vec::new();
    for trade in &parity.only_simulated {
        // What is decided at a close fills at the next open.
        let decided = refusals.iter().find(|refusal| {
            refusal.configuration_id.to_string() == trade.configuration
                && refusal.at.as_ms() == trade.trade.entry_time_ms
        });
        found.extend(decided.map(|refusal| (refusal.at, refusal.reason.clone())));
    }
    Ok(found)
}
