use tradepulse_core::exchange::{ExchangeError, FeedError};
use tradepulse_core::market::Symbol;
use tradepulse_core::store::StoreError;

use super::CrashPoint;
use crate::coordinator::journal::JournalError;

/// A run that cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriverError {
    /// The journal cannot be read or written: nothing may leave any more.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The records cannot be stored.
    #[error("records: {0}")]
    Store(#[from] StoreError),
    /// The feed cannot go on.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// A test broke it off.
    #[error("broken off at {0:?}")]
    Crashed(CrashPoint),
    /// The venue could not be asked what rests there.
    #[error("the venue could not be asked for open orders of {symbol}: {source}")]
    Recovery {
        /// The market.
        symbol: Symbol,
        /// Why.
        source: ExchangeError,
    },
}
