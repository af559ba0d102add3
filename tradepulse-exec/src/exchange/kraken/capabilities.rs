use tradepulse_core::exchange::{Capabilities, Protection};
use tradepulse_core::market::{ExchangeName, InstrumentKind};

/// The venue's name.
pub const NAME: &str = "kraken";

/// What the venue can do.
///
/// A stop and a target for the same coins cannot both rest on a spot account. Ids are forgotten
/// when an order ends: the adapter asks before it sends an id a second time.
pub fn capabilities() -> Capabilities {
    let exchange = NAME.parse().unwrap_or_else(|_| ExchangeName::binance());
    Capabilities {
        protection: Protection::StopOnly,
        limit: true,
        stop_limit: true,
        reduce_only: false,
        testnet: false,
        arrival_window_ms: DEADLINE_MS,
        remembers_ids: false,
        ..Capabilities::full(exchange, InstrumentKind::Spot)
    }
}

/// How long after it was sent an order may arrive, milliseconds: it bears a deadline.
pub(super) const DEADLINE_MS: i64 = 5_000;
