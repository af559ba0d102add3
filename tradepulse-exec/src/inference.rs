//! Models: adapters behind the port [`Predictor`](tradepulse_core::inference::Predictor), and their
//! training.
//!
//! Feature `lightgbm`: [`lightgbm`], LightGBM text models in pure Rust, [`bundle`], models with
//! their manifests, and [`model_directory`], the versions of one;
//! [`evaluation`] says what a model is worth. Feature `boosting`: [`boosting`], [`training`] and
//! [`retraining`], which make such models.
//! [`ftrl`] learns from one trade after the other, and [`online`] judges it while it does. Feature
//! `lightgbm-library`: [`lightgbm_library`], LightGBM's own library as a learner. Feature `onnx`:
//! [`onnx`], ONNX models where ONNX Runtime is found. Feature `torch`: TorchScript models, by
//! libtorch, which has to be there when this is built. Feature `remote`: [`remote`], models behind
//! HTTP.

#[cfg(feature = "boosting")]
pub mod boosting;
#[cfg(feature = "lightgbm")]
pub mod bundle;
#[cfg(feature = "lightgbm")]
pub mod evaluation;
#[cfg(feature = "boosting")]
pub mod ftrl;
#[cfg(feature = "boosting")]
pub mod learner;
#[cfg(feature = "lightgbm")]
pub mod lightgbm;
#[cfg(feature = "lightgbm-library")]
pub mod lightgbm_library;
#[cfg(all(feature = "lightgbm", any(feature = "coordinator", feature = "remote")))]
mod local;
#[cfg(any(feature = "coordinator", feature = "remote"))]
mod market_model;
#[cfg(feature = "lightgbm")]
pub mod model_directory;
#[cfg(feature = "boosting")]
pub mod online;
#[cfg(feature = "onnx")]
pub mod onnx;
#[cfg(feature = "remote")]
pub mod remote;
#[cfg(feature = "boosting")]
pub mod retraining;
#[cfg(any(feature = "coordinator", feature = "remote"))]
mod snapshot;
#[cfg(feature = "torch")]
pub mod torch;
#[cfg(feature = "boosting")]
pub mod training;

#[cfg(all(feature = "lightgbm", any(feature = "coordinator", feature = "remote")))]
pub use local::{LocalError, LocalModel};
#[cfg(any(feature = "coordinator", feature = "remote"))]
pub use market_model::{Feedback, MarketModel, Retrained, TradeOutcome};
#[cfg(any(feature = "coordinator", feature = "remote"))]
pub use snapshot::{MarketSnapshot, SnapshotMeta};
