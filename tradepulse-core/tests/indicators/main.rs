//! Indicators against reference vectors and against the properties all of them share.
#![allow(clippy::unwrap_used)]

mod cases;
mod properties;
mod swings;
mod vectors;
