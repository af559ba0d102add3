//! The pure domain of TradePulse.
pub mod indicator;
pub mod market;
pub mod time;

/// Lower-case hex digits of `bytes`.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
