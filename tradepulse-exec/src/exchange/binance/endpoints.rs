//! Addresses: where a venue is, and what its paths are called.

use std::fmt;

use tradepulse_core::market::{ExchangeName, InstrumentKind};

/// The venues of this dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BinanceVenue {
    /// Binance, spot.
    Spot,
    /// Binance.US, spot.
    Us,
    /// Binance USD-M futures.
    UsdFutures,
}

impl BinanceVenue {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Spot, Self::Us, Self::UsdFutures];

    /// Its name: `binance`, `binanceus`, `binanceusdm`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spot => "binance",
            Self::Us => "binanceus",
            Self::UsdFutures => "binanceusdm",
        }
    }

    /// The venue of this name that trades instruments of this kind; `binance` with perpetuals is
    /// USD-M futures. `None` for any other.
    pub fn named(name: &ExchangeName, kind: InstrumentKind) -> Option<Self> {
        match (name.as_str(), kind) {
            ("binance", InstrumentKind::Spot) => Some(Self::Spot),
            ("binanceus", InstrumentKind::Spot) => Some(Self::Us),
            ("binance" | "binanceusdm", InstrumentKind::Perpetual) => Some(Self::UsdFutures),
            _ => None,
        }
    }

    /// What is traded there.
    pub const fn kind(self) -> InstrumentKind {
        match self {
            Self::Spot | Self::Us => InstrumentKind::Spot,
            Self::UsdFutures => InstrumentKind::Perpetual,
        }
    }

    pub(super) const fn is_futures(self) -> bool {
        matches!(self, Self::UsdFutures)
    }
}

impl fmt::Display for BinanceVenue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How user events come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UserStream {
    /// A signed subscription over the WebSocket API.
    Signature,
    /// A stream under a key that has to be kept alive.
    ListenKey,
}

/// The bases of a venue's addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoints {
    pub(super) venue: BinanceVenue,
    testnet: bool,
    rest: String,
    stream: String,
    websocket_api: String,
}

impl Endpoints {
    /// The venue's own, or its test network's; a base that is given takes their place.
    pub(super) fn new(
        venue: BinanceVenue,
        testnet: bool,
        rest: Option<&str>,
        stream: Option<&str>,
    ) -> Self {
        let (own_rest, own_stream, own_api) = match (venue, testnet) {
            (BinanceVenue::Spot, false) => (
                "https://api.binance.com",
                "wss://stream.binance.com:9443",
                "wss://ws-api.binance.com:443",
            ),
            (BinanceVenue::Spot, true) => (
                "https://testnet.binance.vision",
                "wss://stream.testnet.binance.vision",
                "wss://ws-api.testnet.binance.vision",
            ),
            // There is no test network: see the capabilities.
            (BinanceVenue::Us, _) => (
                "https://api.binance.us",
                "wss://stream.binance.us:9443",
                "wss://ws-api.binance.us:443",
            ),
            (BinanceVenue::UsdFutures, false) => {
                ("https://fapi.binance.com", "wss://fstream.binance.com", "")
            }
            (BinanceVenue::UsdFutures, true) => {
                ("https://testnet.binancefuture.com", "wss://fstream.binancefuture.com", "")
            }
        };
        let base = |url: &str| url.trim_end_matches('/').to_owned();
        Self {
            venue,
            testnet,
            rest: base(rest.unwrap_or(own_rest)),
            stream: base(stream.unwrap_or(own_stream)),
            websocket_api: base(stream.unwrap_or(own_api)),
        }
    }

    /// The address of a path such as `order`, below the version that it has.
    pub(super) fn rest(&self, path: &str) -> String {
        let prefix = match self.venue {
            BinanceVenue::Spot if path == "apiRestrictions" => "sapi/v1/account",
            BinanceVenue::Spot | BinanceVenue::Us => "api/v3",
            BinanceVenue::UsdFutures => match path {
                "balance" => "fapi/v2",
                "positionRisk" => "fapi/v3",
                _ => "fapi/v1",
            },
        };
        format!("{}/{prefix}/{path}", self.rest)
    }

    /// The address of market streams such as `btcusdt@kline_1m`.
    pub(super) fn market_stream(&self, names: &[String]) -> String {
        let place = if self.venue.is_futures() { "/market" } else { "" };
        format!("{}{place}/stream?streams={}", self.stream, names.join("/"))
    }

    /// Whether there is an address that tells what a key may do.
    pub(super) const fn tells_permissions(&self) -> bool {
        matches!(self.venue, BinanceVenue::Spot) && !self.testnet
    }

    pub(super) const fn user_stream(&self) -> UserStream {
        match self.venue {
            BinanceVenue::Spot => UserStream::Signature,
            BinanceVenue::Us | BinanceVenue::UsdFutures => UserStream::ListenKey,
        }
    }

    pub(super) fn websocket_api(&self) -> String {
        format!("{}/ws-api/v3", self.websocket_api)
    }

    /// The address of the user stream of this key.
    pub(super) fn listen(&self, key: &str) -> String {
        let place = if self.venue.is_futures() { "/private" } else { "" };
        format!("{}{place}/ws/{key}", self.stream)
    }

    /// The path of listen keys.
    pub(super) const fn listen_key_path(&self) -> &'static str {
        if self.venue.is_futures() { "listenKey" } else { "userDataStream" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_the_venue_and_the_mode() {
        let own = Endpoints::new(BinanceVenue::Spot, false, None, None);
        assert_eq!(own.rest("klines"), "https://api.binance.com/api/v3/klines");
        assert_eq!(own.websocket_api(), "wss://ws-api.binance.com:443/ws-api/v3");
        let streams = ["btcusdt@kline_1m".to_owned(), "ethusdt@kline_1h".to_owned()];
        assert_eq!(
            own.market_stream(&streams),
            "wss://stream.binance.com:9443/stream?streams=btcusdt@kline_1m/ethusdt@kline_1h"
        );
        let futures = Endpoints::new(BinanceVenue::UsdFutures, true, None, None);
        assert_eq!(futures.rest("order"), "https://testnet.binancefuture.com/fapi/v1/order");
        assert_eq!(futures.rest("balance"), "https://testnet.binancefuture.com/fapi/v2/balance");
        assert_eq!(futures.listen("k"), "wss://fstream.binancefuture.com/private/ws/k");
        let (rest, stream) = ("http://127.0.0.1:1/", "ws://127.0.0.1:1/");
        let near = Endpoints::new(BinanceVenue::Us, false, Some(rest), Some(stream));
        assert_eq!(near.rest("time"), "http://127.0.0.1:1/api/v3/time");
        assert_eq!(near.listen("k"), "ws://127.0.0.1:1/ws/k");
    }

    #[test]
    fn venues_are_found_by_name_and_kind() {
        for venue in BinanceVenue::ALL {
            let name: ExchangeName = venue.name().parse().unwrap();
            assert_eq!(BinanceVenue::named(&name, venue.kind()), Some(venue));
        }
        let binance = ExchangeName::binance();
        let futures = BinanceVenue::named(&binance, InstrumentKind::Perpetual);
        assert_eq!(futures, Some(BinanceVenue::UsdFutures));
        let us = "binanceus".parse().unwrap();
        assert_eq!(BinanceVenue::named(&us, InstrumentKind::Perpetual), None);
    }
}
