//! Models that can be asked: adapters behind the port [`tradepulse_core::inference::Predictor`].
//!
//! Feature `lightgbm`: [`lightgbm`], LightGBM text models in pure Rust, and [`bundle`], models with
//! their manifests. Feature `remote`: [`remote`], models behind HTTP.

#[cfg(feature = "lightgbm")]
pub mod bundle;
#[cfg(feature = "lightgbm")]
pub mod lightgbm;
#[cfg(feature = "remote")]
pub mod remote;
