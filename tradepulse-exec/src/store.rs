//! Where candles and records are kept.
#[cfg(feature = "sqlite")]
pub mod backup;
#[cfg(feature = "data")]
pub mod columnar;
#[cfg(feature = "sqlite")]
pub mod lock;
#[cfg(feature = "sqlite")]
pub mod sqlite;
#[cfg(feature = "sqlite")]
pub mod trades_csv;
