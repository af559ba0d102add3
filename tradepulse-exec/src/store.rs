//! Where candles are kept.
pub mod columnar;
