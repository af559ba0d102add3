//! TradePulse benches.
