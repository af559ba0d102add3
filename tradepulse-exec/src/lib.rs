//! TradePulse's adapters to the world outside: files, stores, venues.
//!
//! Feature `data` (on by default): [`import`] reads candles from files, [`store::columnar`] keeps
//! them, [`export`] writes them. Feature `zstd` adds Parquet files compressed with zstd to what
//! can be imported; it is the only part that needs a C compiler.

#[cfg(feature = "data")]
pub mod atomic;
#[cfg(feature = "data")]
pub mod export;
#[cfg(feature = "data")]
pub mod import;
#[cfg(feature = "data")]
pub mod store;
pub mod threads;
