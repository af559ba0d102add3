//! LightGBM text models: Python's own answers, and files that are no models.
//!
//! The committed models and answers are made by `tools/lightgbm_models.py`. Where a Python with
//! LightGBM is found (`TRADEPULSE_PYTHON`, or `python3`), larger ones are made on the spot.

#![allow(clippy::unwrap_used)]

mod answers;
mod damaged;
