//! Records: of training here, of trading in [`trading`].
//!
//! [`TrainingStore`] is the port; [`MemoryStore`] is the one that forgets. What is kept:
//!
//! - a [`StudyRecord`] for each search, with its [`TrialRecord`]s and the optimiser's saved state
//!   ([`SearchState`]), written together in [`TrialBatch`]es, and a [`WindowSearch`] for each window
//!   of its walk-forward;
//! - the [`Ledger`]: how many trials were ever run on the same data or market, whatever became of
//!   their studies;
//! - [`TrainedConfiguration`]s, several versions a [`Cell`], at most one of them active, with the
//!   [`ConfigurationEvent`]s of their lives. [`discovery`] is their form as a document.
//!
//! Core asks no clock: every instant is handed in.
//!
//! ```
//! use serde_json::json;
//! use tradepulse_core::store::{
//!     Cell, MemoryStore, RecordId, RegimeScope, SearchState, StudyRecord, StudyStatus, TrainingStore,
//!     TrialBatch, TrialOutcome, TrialRecord,
//! };
//! use tradepulse_core::time::{Timeframe, Timestamp};
//!
//! # pollster::block_on(async {
//! let store = MemoryStore::default();
//! let now = Timestamp::from_ms(1_704_067_200_000);
//! let study = StudyRecord {
//!     id: RecordId::derive(&["study", "ema_cross", "binance BTC/USDT 5m", "42"]),
//!     cell: Cell {
//!         strategy: "ema_cross".into(),
//!         exchange: "binance".parse()?,
//!         pair: "BTC/USDT".parse()?,
//!         timeframe: Timeframe::M5,
//!         regime: RegimeScope::Any,
//!     },
//!     strategy_version: 1,
//!     space: json!({"fast": {"min": 5, "max": 50, "step": 5}}),
//!     method: json!("random"),
//!     seed: 42,
//!     trials_wanted: 100,
//!     objective: json!("sharpe"),
//!     windows: json!(null),
//!     data_fingerprint: "9f86d081884c7d65".into(),
//!     data_from: now,
//!     data_to: now,
//!     engine_version: "0.1.0".into(),
//!     status: StudyStatus::Running,
//!     note: None,
//!     created_at: now,
//!     updated_at: now,
//! };
//! store.put_study(&study).await?;
//! store
//!     .put_batch(&TrialBatch {
//!         study_id: study.id.clone(),
//!         at: now,
//!         trials: vec![TrialRecord {
//!             number: 0,
//!             parameters: json!({"fast": 20}),
//!             outcome: TrialOutcome::Feasible(vec![1.25]),
//!             metrics: None,
//!             sharpe: Some(1.25),
//!             pruned: false,
//!             seconds: 0.004,
//!         }],
//!         state: Some(SearchState { batch: 1, json: r#"{"told":1}"#.into() }),
//!     })
//!     .await?;
//! // After a crash: where was it?
//! let state = store.search_state(&study.id).await?;
//! assert_eq!(state.map(|s| s.batch), Some(1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cell;
mod columns;
mod configuration;
pub mod discovery;
mod error;
mod event;
mod figures;
mod id;
mod ledger;
mod memory;
mod page;
mod study;
pub mod trading;
mod trial;
mod window;

use async_trait::async_trait;
pub use serde_json::Value as Json;

pub use crate::lifecycle::Stage;
pub use cell::{Cell, RegimeScope, UnknownRegime};
pub use columns::{Column, ColumnKind};
pub use configuration::TrainedConfiguration;
pub use error::StoreError;
pub use event::{ChangeKind, ConfigurationChange, ConfigurationEvent, UnknownChange};
pub use figures::{
    ExecutionFigures, HealthFigures, MicrostructureFigures, PerformanceFigures, Provenance,
    RiskFigures, StatisticalFigures,
};
pub use id::{RecordId, RecordIdError};
pub use ledger::{Ledger, LedgerEntry, LedgerScope};
pub use memory::MemoryStore;
pub use page::{CellFilter, ConfigurationFilter, Page, StudyFilter};
pub use study::{StudyRecord, StudyStatus, UnknownStatus};
pub use trading::{TradingStore, TradingStoreExt};
pub use trial::{SearchState, TrialBatch, TrialOutcome, TrialRecord};
pub use window::WindowSearch;

/// Keeps the records of training.
///
/// The contract, proven by the suite `conformance::store` (feature `conformance`):
///
/// - **All or nothing.** A method that returns an error has changed nothing; one that returned
///   `Ok` is not undone by a crash (except by one that keeps nothing at all, such as
///   [`MemoryStore`]).
/// - **Writing twice is writing once.** Every write may be repeated with the same content and
///   leaves the same records.
/// - **What is read is what was written**, every figure bit by bit, except that a zero may lose its
///   sign. `None` stays `None`. Figures that are NaN or infinite are refused
///   ([`StoreError::Invalid`]).
/// - **Many may read and write at once**, from several tasks, and from several processes where the
///   records are shared. A reader sees each write whole or not at all.
/// - Lists come in a stated order, which is total: pages neither overlap nor leave gaps as long as
///   nothing is written in between.
#[async_trait]
pub trait TrainingStore: Send + Sync {
    /// Adds a study, or changes the status, note, number of trials wanted and time of update of
    /// one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if a study of this id is there, or was deleted, that is defined
    /// otherwise ([`StudyRecord::differs_in`]): its trials would say something else.
    async fn put_study(&self, study: &StudyRecord) -> Result<(), StoreError>;

    /// The study.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is none, or it was deleted.
    async fn study(&self, id: &RecordId) -> Result<StudyRecord, StoreError>;

    /// Studies, the newest (`created_at`) first, equals by id.
    async fn studies(
        &self,
        filter: &StudyFilter,
        page: Page,
    ) -> Result<Vec<StudyRecord>, StoreError>;

    /// Removes a study, the content of its trials and its saved searches. **The ledger keeps
    /// counting its trials**: forgetting them would make the next result look better than it is.
    /// Configurations that came of the study stay.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] while its status is running: if it
    /// is not, store it as cancelled first.
    async fn delete_study(&self, id: &RecordId) -> Result<(), StoreError>;

    /// Stores trials, replacing those of the same numbers, and the search's state, in one step.
    /// The study's time of update becomes the batch's.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such study; [`StoreError::Conflict`] if the state's
    /// batch is neither the stored one nor its successor: another process went on with the study.
    async fn put_batch(&self, batch: &TrialBatch) -> Result<(), StoreError>;

    /// The trials of a study in the order of their numbers.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such study.
    async fn trials(&self, study_id: &RecordId, page: Page)
    -> Result<Vec<TrialRecord>, StoreError>;

    /// The state of a study's search as of its last batch; `None` before the first.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such study.
    async fn search_state(&self, study_id: &RecordId) -> Result<Option<SearchState>, StoreError>;

    /// Stores the search of a window. A stored one with more trials stays.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such study.
    async fn put_window(&self, search: &WindowSearch) -> Result<(), StoreError>;

    /// The searches of a study's windows, in order of the windows.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such study.
    async fn windows(&self, study_id: &RecordId) -> Result<Vec<WindowSearch>, StoreError>;

    /// How many trials were ever run in this scope, over all studies, also deleted ones, and over
    /// the windows of their walk-forwards.
    async fn ledger(&self, scope: &LedgerScope) -> Result<Ledger, StoreError>;

    /// Those trials, in order of study id and number, without those of windows.
    async fn ledger_entries(
        &self,
        scope: &LedgerScope,
        page: Page,
    ) -> Result<Vec<LedgerEntry>, StoreError>;

    /// Adds a configuration, or replaces the figures of one.
    ///
    /// This never changes a life: a new configuration is stored inactive, whatever it says, and
    /// its stage is noted as an event of kind [`ChangeKind::Created`] with `causes`. Of a known one
    /// `status`, `is_active`, `activation_date`, `deactivated_at` and `created_at` stay as they
    /// are stored, and `causes` are not looked at. See [`change`](Self::change).
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the id belongs to a configuration of another cell.
    async fn put_configuration(
        &self,
        configuration: &TrainedConfiguration,
        causes: &Json,
    ) -> Result<(), StoreError>;

    /// The configuration.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is none.
    async fn configuration(&self, id: &RecordId) -> Result<TrainedConfiguration, StoreError>;

    /// Configurations, the newest (`created_at`) first, equals by id.
    async fn configurations(
        &self,
        filter: &ConfigurationFilter,
        page: Page,
    ) -> Result<Vec<TrainedConfiguration>, StoreError>;

    /// Activates, deactivates or moves a configuration to another stage, and notes it as an event.
    /// Activating one deactivates the one that was active in its [`Cell`], in the same step and
    /// with an event of its own, whose causes are `{"replaced_by": id}`.
    ///
    /// Returns the events written: none if the configuration is already what it shall be.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such configuration; [`StoreError::Conflict`] if its
    /// stage is neither the one to leave nor the one to reach.
    async fn change(
        &self,
        change: &ConfigurationChange,
    ) -> Result<Vec<ConfigurationEvent>, StoreError>;

    /// What happened to a configuration, in order of `sequence`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such configuration.
    async fn events(
        &self,
        id: &RecordId,
        page: Page,
    ) -> Result<Vec<ConfigurationEvent>, StoreError>;

    /// Removes a configuration and its events.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] while it is active: deactivate it first.
    async fn delete_configuration(&self, id: &RecordId) -> Result<(), StoreError>;
}
