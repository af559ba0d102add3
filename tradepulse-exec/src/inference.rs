//! Models: backends of the port [`Predictor`](tradepulse_core::inference::Predictor), and their
//! training.

#[cfg(feature = "boosting")]
pub mod boosting;
