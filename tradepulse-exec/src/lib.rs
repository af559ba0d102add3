//! TradePulse exec.
