//! Where candles and records are kept.
#[cfg(feature = "data")]
pub mod columnar;
#[cfg(feature = "sqlite")]
pub mod sqlite;
