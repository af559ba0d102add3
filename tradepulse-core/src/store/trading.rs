//! Records of trading: the journal, and what came of it.
//!
//! [`TradingStore`] is the port; [`MemoryStore`](super::MemoryStore) is the one that forgets. A run
//! first writes what it is told into its journal ([`JournalEntry`]), then acts, then puts what came
//! of it ([`TradingRecord`]), the records of one step together.
//!
//! Each kind of record ([`Record`]) is one table: its columns, its natural key and the columns that
//! may still change are defined once ([`Table`]), and stores, filters and files follow from that.
//!
//! ```
//! use tradepulse_core::store::MemoryStore;
//! use tradepulse_core::store::trading::{
//!     JournalEntry, RecordFilter, TradingStore, TradingStoreExt, WalletRecord,
//! };
//! use tradepulse_core::store::Page;
//! use tradepulse_core::time::Timestamp;
//!
//! # pollster::block_on(async {
//! let (store, now) = (MemoryStore::default(), Timestamp::from_ms(1_704_067_200_000));
//! let told = JournalEntry {
//!     run: "run-1".into(),
//!     sequence: 1,
//!     at: now,
//!     kind: "candle".into(),
//!     body: r#"{"close":"42000.5"}"#.into(),
//! };
//! store.append_journal("run-1", &[told.clone()], true).await?;
//! assert_eq!(store.journal("run-1", 1, 100).await?, [told]);
//!
//! let wallet = WalletRecord {
//!     name: "main".into(),
//!     exchange: "binance".parse()?,
//!     allocation: 0.5,
//!     enabled: true,
//!     created_at: now,
//!     updated_at: now,
//! };
//! store.put(&[wallet.clone().into()]).await?;
//! let wallets = store.records::<WalletRecord>(&RecordFilter::default(), Page::ALL).await?;
//! assert_eq!(wallets, [wallet]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod control;
mod decision;
mod equity_point;
mod fill;
mod filter;
mod journal;
pub(super) mod memory;
mod order;
mod position;
mod prediction;
mod record;
mod risk_state;
mod run;
mod snapshot;
mod system_event;
mod trade;
mod wallet;

use async_trait::async_trait;

pub use control::{ControlKind, ControlRecord, ControlResult};
pub use decision::{DecisionOutcome, DecisionRecord};
pub use equity_point::EquityPoint;
pub use fill::FillRecord;
pub use filter::{First, RecordFilter};
pub use journal::JournalEntry;
pub use order::{OrderRecord, OrderType};
pub use position::PositionRecord;
pub use prediction::PredictionRecord;
pub use record::{KeyPart, Record, RecordKind, Table, TradingRecord};
pub use risk_state::RiskStateRecord;
pub use run::{RunMode, RunRecord};
pub use snapshot::SnapshotRecord;
pub use system_event::{EventLevel, SystemEventRecord};
pub use trade::{TradeOwner, TradeRecord};
pub use wallet::WalletRecord;

use super::{Page, StoreError};
use crate::time::{DAY_MS, Timestamp};

/// Keeps the records of trading.
///
/// The contract, proven by the suite `conformance::trading_store` (feature `conformance`), is that
/// of [`TrainingStore`](super::TrainingStore) (all or nothing; writing twice is writing once; what
/// is read is what was written, except the sign of a zero; many at once; a total order), and:
///
/// - **A journal has no holes.** The entries of a run are numbered from 1, and an entry never
///   changes.
/// - **Facts do not change.** Of a stored record only the columns in [`Table::changes`] may be put
///   with other values; a fill or a trade has none.
/// - What was put or appended durably survives a power failure. Entries appended otherwise survive
///   the end of the process, however it ends, and become durable with the next durable write of
///   whatever kind.
#[async_trait]
pub trait TradingStore: Send + Sync {
    /// Appends to the journal of `run`, whose entries these must be, one after the other.
    /// `durable`: they are on the disk when this returns.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if they leave a hole behind the last stored one, or one of them is
    /// stored with another content: another process writes this run. [`StoreError::Invalid`] if one
    /// is of another run, is number 0, or its body is not JSON.
    async fn append_journal(
        &self,
        run: &str,
        entries: &[JournalEntry],
        durable: bool,
    ) -> Result<(), StoreError>;

    /// The journal of `run` from this sequence number on, at most `limit` entries, in order. Empty
    /// if there is none.
    async fn journal(
        &self,
        run: &str,
        from_sequence: u64,
        limit: u64,
    ) -> Result<Vec<JournalEntry>, StoreError>;

    /// Number of the last entry in the journal of `run`; 0 if there is none.
    async fn journal_end(&self, run: &str) -> Result<u64, StoreError>;

    /// Stores records durably, all of them or none, in this order. One whose key is stored takes
    /// the place of that one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if a stored record differs in a column that does not change;
    /// [`StoreError::Invalid`] if a figure is not finite or too large.
    async fn put(&self, records: &[TradingRecord]) -> Result<(), StoreError>;

    /// Records of one kind, by the time of their table ([`Table::time`]), equals by key; the newest
    /// first unless the filter says otherwise.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if the filter asks for what such records do not have.
    async fn list(
        &self,
        kind: RecordKind,
        filter: &RecordFilter,
        page: Page,
    ) -> Result<Vec<TradingRecord>, StoreError>;
}

/// What every [`TradingStore`] can do besides.
#[async_trait]
pub trait TradingStoreExt: TradingStore {
    /// [`list`](TradingStore::list), in the type of the records.
    ///
    /// # Errors
    /// As `list`.
    async fn records<R: Record>(
        &self,
        filter: &RecordFilter,
        page: Page,
    ) -> Result<Vec<R>, StoreError> {
        let found = self.list(R::KIND, filter, page).await?;
        Ok(found.into_iter().filter_map(R::from_record).collect())
    }

    /// The trades of a wallet that ended since the beginning of a UTC day
    /// ([`Timestamp::utc_day`]), in the order of their ends: what the risk counters count.
    ///
    /// # Errors
    /// As `list`.
    async fn trades_since(&self, wallet: &str, day: i64) -> Result<Vec<TradeRecord>, StoreError> {
        let filter = RecordFilter {
            wallet: Some(wallet.to_owned()),
            from: Some(Timestamp::from_ms(day.saturating_mul(DAY_MS))),
            first: First::Oldest,
            ..RecordFilter::default()
        };
        self.records(&filter, Page::ALL).await
    }
}

impl<S: TradingStore + ?Sized> TradingStoreExt for S {}
