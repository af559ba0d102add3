//! Addresses: where the venue is, and what its paths are called.

/// The bases of the venue's addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoints {
    rest: String,
    market_stream: String,
    user_stream: String,
}

/// What all paths begin with.
const PREFIX: &str = "/api/v3/brokerage/";

impl Endpoints {
    /// The venue's own; a base that is given takes their place.
    pub(super) fn new(rest: Option<&str>, stream: Option<&str>) -> Self {
        let base = |url: &str| url.trim_end_matches('/').to_owned();
        Self {
            rest: base(rest.unwrap_or("https://api.coinbase.com")),
            market_stream: base(stream.unwrap_or("wss://advanced-trade-ws.coinbase.com")),
            user_stream: base(stream.unwrap_or("wss://advanced-trade-ws-user.coinbase.com")),
        }
    }

    /// The address of a path such as `orders`.
    pub(super) fn rest(&self, path: &str) -> String {
        format!("{}{PREFIX}{path}", self.rest)
    }

    /// The address as a token names it: without the scheme.
    pub(super) fn signed(&self, path: &str) -> String {
        let host = self.rest.split_once("://").map_or(self.rest.as_str(), |(_, host)| host);
        format!("{host}{PREFIX}{path}")
    }

    pub(super) fn market_stream(&self) -> &str {
        &self.market_stream
    }

    pub(super) fn user_stream(&self) -> &str {
        &self.user_stream
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_the_venue_or_the_base_that_is_given() {
        let own = Endpoints::new(None, None);
        assert_eq!(own.rest("time"), "https://api.coinbase.com/api/v3/brokerage/time");
        assert_eq!(own.signed("accounts"), "api.coinbase.com/api/v3/brokerage/accounts");
        assert_ne!(own.market_stream(), own.user_stream());
        let near = Endpoints::new(Some("http://127.0.0.1:1/"), Some("ws://127.0.0.1:1/"));
        assert_eq!(near.rest("time"), "http://127.0.0.1:1/api/v3/brokerage/time");
        assert_eq!(near.signed("orders"), "127.0.0.1:1/api/v3/brokerage/orders");
        assert_eq!(
            (near.market_stream(), near.user_stream()),
            ("ws://127.0.0.1:1", "ws://127.0.0.1:1")
        );
    }
}
