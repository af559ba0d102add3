//! TradePulse's adapters to the world outside: files, stores, venues.
//!
//! Feature `data` (on by default): [`import`] reads candles from files, [`store::columnar`] keeps
//! them, [`export`] writes them. Feature `zstd` adds Parquet files compressed with zstd to what
//! can be imported. Feature `sqlite`: [`store::sqlite`] keeps the records of training and
//! trading, [`store::backup`] copies them. These two need a C compiler. Feature `paper`:
//! [`exchange::paper`], a simulated venue that remembers. Features `binance`, `coinbase`
//! and `kraken`: [`exchange::binance`], [`exchange::coinbase`] and [`exchange::kraken`], real ones. Feature `simulator`: [`simulator`],
//! a venue on this machine that speaks like a real one. Feature `coordinator`: [`coordinator`], the
//! loop around a desk. Feature `checks`: [`preflight`] and [`doctor`] look whether everything is in
//! order, [`parity`] whether a run earned what a backtest says.
//!
//! Models that can be asked are in the module `inference`. Feature `lightgbm`: LightGBM text models.
//! Feature `onnx`: ONNX models. Feature `torch`: TorchScript models; it needs libtorch to build.
//! Feature `remote`: models behind HTTP. Feature `model-server`: [`model_server`] serves one over
//! HTTP. Feature `full`: all features but `torch`.
//!
//! What stands around trading, each a feature of its name: `config` reads `config.yaml`, `alerts`
//! tells people (the module `alert`), `metrics` tells Prometheus, `logging` writes logs.

#[cfg(any(feature = "alerts", feature = "config"))]
pub mod alert;
#[cfg(any(feature = "data", feature = "lightgbm", feature = "paper", feature = "sqlite"))]
pub mod atomic;
#[cfg(feature = "checks")]
pub mod check;
#[cfg(feature = "config")]
pub mod config;
#[cfg(feature = "coordinator")]
pub mod coordinator;
#[cfg(feature = "checks")]
pub mod doctor;
#[cfg(any(feature = "paper", feature = "venues"))]
pub mod exchange;
#[cfg(feature = "data")]
pub mod export;
#[cfg(feature = "data")]
pub mod import;
#[cfg(any(
    feature = "coordinator",
    feature = "lightgbm",
    feature = "onnx",
    feature = "remote",
    feature = "torch"
))]
pub mod inference;
#[cfg(feature = "logging")]
pub mod logging;
#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(feature = "model-server")]
pub mod model_server;
#[cfg(feature = "checks")]
pub mod parity;
#[cfg(feature = "checks")]
pub mod preflight;
#[cfg(any(feature = "coinbase", feature = "simulator"))]
pub mod private_key;
#[cfg(any(feature = "config", feature = "coordinator", feature = "model-server"))]
pub mod schedule;
#[cfg(feature = "secret")]
pub mod secret;
#[cfg(feature = "simulator")]
pub mod simulator;
#[cfg(any(feature = "data", feature = "sqlite"))]
pub mod store;
pub mod threads;
