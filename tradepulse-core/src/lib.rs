//! The pure domain of TradePulse.
pub mod account;
pub mod backtest;
pub mod engine;
pub mod indicator;
pub mod lifecycle;
pub mod market;
pub mod money;
pub mod order;
pub mod overfitting;
pub mod parameter;
pub mod performance;
pub mod random;
pub mod regime;
pub mod significance;
pub mod simulation;
pub mod sizing;
pub mod strategy;
pub mod time;
pub mod variable;

/// Lower-case hex digits of `bytes`.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
