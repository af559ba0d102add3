//! Parameters of requests, encoded as they are signed.

use std::fmt;

use super::http::percent_encode;

/// Parameters of a request, in the order they are sent in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(&'static str, String)>);

impl Parameters {
    /// None yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// With another one.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.0.push((name, value.to_string()));
        self
    }

    /// As they are sent, and signed: percent-encoded.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.0 {
            if !text.is_empty() {
                text.push('&');
            }
            text.push_str(name);
            text.push('=');
            percent_encode(value, &mut text);
        }
        text
    }

    /// Sorted by name and not encoded, as the WebSocket API has them signed.
    pub(crate) fn sorted(&self) -> String {
        let mut pairs: Vec<_> = self.0.iter().map(|(name, v)| format!("{name}={v}")).collect();
        pairs.sort();
        pairs.join("&")
    }

    /// As JSON.
    pub(crate) fn json(&self) -> serde_json::Map<String, serde_json::Value> {
        self.0.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_encoded_before_they_are_signed() {
        let parameters = Parameters::new().with("symbol", "１２").with("note", "a b+c&d=e~f");
        assert_eq!(parameters.encode(), "symbol=%EF%BC%91%EF%BC%92&note=a%20b%2Bc%26d%3De~f");
        assert_eq!(parameters.sorted(), "note=a b+c&d=e~f&symbol=１２");
    }
}
