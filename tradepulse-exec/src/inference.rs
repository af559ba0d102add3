//! Models that can be asked: adapters behind the port [`tradepulse_core::inference::Predictor`].
//!
//! Feature `lightgbm`: [`lightgbm`], LightGBM text models in pure Rust, and [`bundle`], models with
//! their manifests. Feature `onnx`: [`onnx`], ONNX models where ONNX Runtime is found. Feature `remote`: [`remote`], models behind HTTP.

#[cfg(feature = "lightgbm")]
pub mod bundle;
#[cfg(feature = "lightgbm")]
pub mod lightgbm;
#[cfg(feature = "onnx")]
pub mod onnx;
#[cfg(feature = "remote")]
pub mod remote;
