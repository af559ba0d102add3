//! TradePulse strategies.
