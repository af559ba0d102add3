use std::str::FromStr;

use super::super::server::Request;
use super::refusal::Refusal;

/// Parameters of a request, from the query and the body: clients differ.
#[derive(Debug, Default)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(super) fn of(request: &Request) -> Self {
        let mut parameters = Self::parse(&request.query);
        parameters.0.extend(Self::parse(&request.body).0);
        parameters
    }

    fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        });
        Self(pairs.collect())
    }

    /// Those of a request over the WebSocket API.
    pub(super) fn of_json(object: &serde_json::Map<String, serde_json::Value>) -> Self {
        let text = |value: &serde_json::Value| {
            value.as_str().map_or_else(|| value.to_string(), str::to_owned)
        };
        Self(object.iter().map(|(name, value)| (name.clone(), text(value))).collect())
    }

    /// Sorted and joined, as a request over the WebSocket API is signed.
    pub(super) fn sorted_payload(&self) -> String {
        let pairs = self.0.iter().filter(|(name, _)| name != "signature");
        let mut pairs: Vec<_> = pairs.map(|(name, value)| format!("{name}={value}")).collect();
        pairs.sort();
        pairs.join("&")
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    pub(super) fn require(&self, name: &'static str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| Refusal::missing(name))
    }

    /// The value of a parameter that need not be there.
    pub(super) fn read<T: FromStr>(&self, name: &'static str) -> Result<Option<T>, Refusal> {
        let value = self.get(name).map(str::parse).transpose();
        value.map_err(|_| Refusal::illegal(name))
    }

    pub(super) fn read_required<T: FromStr>(&self, name: &'static str) -> Result<T, Refusal> {
        self.require(name)?.parse().map_err(|_| Refusal::illegal(name))
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
}

/// A text without its percent-encoding.
pub(in crate::simulator) fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let decoded = match byte {
            b'+' => b' ',
            b'%' => {
                let mut ahead = rest.clone();
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                match (digit(ahead.next()), digit(ahead.next())) {
                    (Some(high), Some(low)) => {
                        rest = ahead;
                        u8::try_from(high * 16 + low).unwrap_or(b'%')
                    }
                    _ => b'%',
                }
            }
            byte => byte,
        };
        bytes.push(decoded);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_come_in_the_query_or_the_body() {
        let request = Request {
            method: axum::http::Method::POST,
            path: String::new(),
            query: "symbol=BTC%2FUSDT&empty=".into(),
            body: "note=a+b%zz&symbol=other".into(),
            api_key: None,
            headers: axum::http::HeaderMap::new(),
        };
        let parameters = Parameters::of(&request);
        assert_eq!(parameters.get("symbol"), Some("BTC/USDT"));
        assert_eq!(parameters.get("note"), Some("a b%zz"));
        assert_eq!((parameters.get("empty"), parameters.get("missing")), (None, None));
    }
}
