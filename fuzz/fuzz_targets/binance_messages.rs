//! Any text as a message of Binance.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tradepulse_exec::exchange::binance::wire;

fuzz_target!(|text: &str| {
    let _ = (wire::kinds(text), wire::closed_candle(text));
    for candle in wire::candles(text).unwrap_or_default() {
        assert!(candle.open.is_finite() && candle.volume.is_finite());
    }
});
