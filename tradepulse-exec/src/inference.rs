//! Models that can be asked: adapters behind the port [`tradepulse_core::inference::Predictor`].
//!
//! Feature `lightgbm`: [`lightgbm`], LightGBM text models in pure Rust, and [`bundle`], models with
//! their manifests.

#[cfg(feature = "lightgbm")]
pub mod bundle;
#[cfg(feature = "lightgbm")]
pub mod lightgbm;
