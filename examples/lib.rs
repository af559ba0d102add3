//! TradePulse examples.
