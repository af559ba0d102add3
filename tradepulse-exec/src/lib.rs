//! TradePulse's adapters to the world outside: files, stores, venues.
//!
//! Feature `data` (on by default): [`import`] reads candles from files, [`store::columnar`] keeps
//! them, [`export`] writes them. Feature `zstd` adds Parquet files compressed with zstd to what
//! can be imported. Feature `sqlite`: [`store::sqlite`] keeps the records of training and
//! trading, [`store::backup`] copies them. These two need a C compiler.

#[cfg(any(feature = "data", feature = "sqlite"))]
pub mod atomic;
#[cfg(feature = "coordinator")]
pub mod coordinator;
#[cfg(feature = "data")]
pub mod export;
#[cfg(feature = "data")]
pub mod import;
#[cfg(any(feature = "data", feature = "sqlite"))]
pub mod store;
pub mod threads;
