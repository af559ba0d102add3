use tradepulse_core::exchange::{Capabilities, Protection};
use tradepulse_core::market::{ExchangeName, InstrumentKind};

use super::signing::TOKEN_LIFE_S;
use crate::exchange::rate_limit::{Limit, Limited};

/// What the venue can do.
///
/// An order that was signed can arrive for as long as its token lives. An id that was used brings
/// back the order that it was used for: nothing is doubled.
pub fn capabilities() -> Capabilities {
    let exchange = super::NAME.parse().unwrap_or_else(|_| ExchangeName::binance());
    Capabilities {
        protection: Protection::NativeOco,
        limit: true,
        stop_limit: true,
        reduce_only: false,
        testnet: false,
        arrival_window_ms: TOKEN_LIFE_S * 1_000,
        remembers_ids: true,
        ..Capabilities::full(exchange, InstrumentKind::Spot)
    }
}

/// Requests in a second by the venue's documentation, for those without a key and those with one.
pub(super) const PUBLIC_REQUESTS: u64 = 10;
pub(super) const PRIVATE_REQUESTS: u64 = 30;

pub(super) const fn limit(requests_per_second: u64) -> Limit {
    Limit { limited: Limited::Weight, window_ms: 1_000, most: requests_per_second }
}
