//! Addresses: where the venue is.

/// The bases of the venue's addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoints {
    rest: String,
    stream: String,
    account_stream: String,
}

impl Endpoints {
    /// The venue's own; a base that is given takes their place.
    pub(super) fn new(rest: Option<&str>, stream: Option<&str>) -> Self {
        let base = |url: &str| url.trim_end_matches('/').to_owned();
        Self {
            rest: base(rest.unwrap_or("https://api.kraken.com")),
            stream: base(stream.unwrap_or("wss://ws.kraken.com")),
            account_stream: base(stream.unwrap_or("wss://ws-auth.kraken.com")),
        }
    }

    /// The address of a path such as `/0/public/Time`.
    pub(super) fn rest(&self, path: &str) -> String {
        format!("{}{path}", self.rest)
    }

    /// Where markets are told of.
    pub(super) fn market_stream(&self) -> String {
        format!("{}/v2", self.stream)
    }

    /// Where the account is told of.
    pub(super) fn account_stream(&self) -> String {
        format!("{}/v2", self.account_stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_the_venue_or_as_given() {
        let own = Endpoints::new(None, None);
        assert_eq!(own.rest("/0/public/Time"), "https://api.kraken.com/0/public/Time");
        assert_eq!(own.market_stream(), "wss://ws.kraken.com/v2");
        assert_eq!(own.account_stream(), "wss://ws-auth.kraken.com/v2");
        let near = Endpoints::new(Some("http://127.0.0.1:1/"), Some("ws://127.0.0.1:1/"));
        assert_eq!(near.rest("/0/public/Time"), "http://127.0.0.1:1/0/public/Time");
        assert_eq!(near.account_stream(), "ws://127.0.0.1:1/v2");
    }
}
