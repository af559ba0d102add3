//! TradePulse's adapters to the world outside: files, stores, venues.
//!
//! Feature `data` (on by default): [`import`] reads candles from files, [`store::columnar`] keeps
//! them, [`export`] writes them. Feature `zstd` adds Parquet files compressed with zstd to what
//! can be imported. Feature `sqlite`: [`store::sqlite`] keeps the records of training. These two
//! need a C compiler. Feature `paper`: [`exchange::paper`], a simulated venue that remembers.

#[cfg(any(feature = "data", feature = "paper", feature = "sqlite"))]
pub mod atomic;
#[cfg(feature = "paper")]
pub mod exchange;
#[cfg(feature = "data")]
pub mod export;
#[cfg(feature = "data")]
pub mod import;
#[cfg(any(feature = "data", feature = "sqlite"))]
pub mod store;
pub mod threads;
