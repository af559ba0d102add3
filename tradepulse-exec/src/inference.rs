//! Models: adapters behind the port [`Predictor`](tradepulse_core::inference::Predictor), and their
//! training.
//!
//! Feature `lightgbm`: [`lightgbm`], LightGBM text models in pure Rust, and [`bundle`], models with
//! their manifests. Feature `boosting`: [`boosting`], which trains such models. Feature `remote`:
//! [`remote`], models behind HTTP.

#[cfg(feature = "boosting")]
pub mod boosting;
#[cfg(feature = "lightgbm")]
pub mod bundle;
#[cfg(feature = "lightgbm")]
pub mod lightgbm;
#[cfg(feature = "remote")]
pub mod remote;
