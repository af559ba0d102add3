use tradepulse_core::exchange::{Capabilities, Protection};

use super::BinanceVenue;
use crate::exchange::rate_limit::{Limit, Limited};

impl BinanceVenue {
    /// What the venue can do.
    ///
    /// Ids are forgotten when an order ends: the adapter asks before it sends an id a second time.
    pub fn capabilities(self) -> Capabilities {
        let name = self.name().parse();
        let exchange = name.unwrap_or_else(|_| tradepulse_core::market::ExchangeName::binance());
        Capabilities {
            protection: match self {
                Self::Spot | Self::Us => Protection::NativeOco,
                Self::UsdFutures => Protection::TwoOrders,
            },
            limit: true,
            stop_limit: true,
            reduce_only: self.is_futures(),
            testnet: self != Self::Us,
            arrival_window_ms: RECV_WINDOW_MS,
            remembers_ids: false,
            ..Capabilities::full(exchange, self.kind())
        }
    }
}

/// The venue's limits by its documentation, until it has told them.
pub(super) const fn documented_limits(venue: BinanceVenue) -> [Limit; 2] {
    let (weight, orders) = match venue {
        BinanceVenue::Spot => (6_000, 100),
        BinanceVenue::Us => (1_200, 100),
        BinanceVenue::UsdFutures => (2_400, 300),
    };
    [
        Limit { limited: Limited::Weight, window_ms: 60_000, most: weight },
        Limit { limited: Limited::Orders, window_ms: 10_000, most: orders },
    ]
}

/// How old a signed request may be when it arrives, milliseconds.
pub(super) const RECV_WINDOW_MS: i64 = 5_000;
