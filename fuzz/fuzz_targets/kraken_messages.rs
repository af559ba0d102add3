//! Any text as a message of Kraken.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tradepulse_exec::exchange::kraken::wire;

fuzz_target!(|text: &str| {
    let _ = wire::kinds(text);
    let told = wire::told_candles(text).unwrap_or_default();
    for candle in wire::candles(text).unwrap_or_default().into_iter().chain(told) {
        assert!(candle.open.is_finite() && candle.volume.is_finite());
    }
});
