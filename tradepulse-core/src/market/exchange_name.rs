use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The name of an exchange, such as `binance`: 1 to 32 of `a`–`z`, `0`–`9`, `_` and `-`, the first
/// a letter or a digit. Upper-case letters are made lower-case.
///
/// ```
/// use tradepulse_core::market::ExchangeName;
/// assert_eq!("Binance".parse::<ExchangeName>()?.as_str(), "binance");
/// assert!("../binance".parse::<ExchangeName>().is_err());
/// # Ok::<(), tradepulse_core::market::ExchangeNameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ExchangeName(Box<str>);

impl ExchangeName {
    /// The exchange that is meant where nothing else is said.
    pub fn binance() -> Self {
        Self("binance".into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ExchangeName {
    type Err = ExchangeNameError;

    fn from_str(text: &str) -> Result<Self, ExchangeNameError> {
        let starts = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if starts && text.len() <= 32 && text.bytes().all(allowed) {
            Ok(Self(text.to_ascii_lowercase().into_boxed_str()))
        } else {
            Err(ExchangeNameError(text.to_owned()))
        }
    }
}

impl fmt::Display for ExchangeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for ExchangeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExchangeName({})", self.0)
    }
}

impl TryFrom<String> for ExchangeName {
    type Error = ExchangeNameError;

    fn try_from(text: String) -> Result<Self, ExchangeNameError> {
        text.parse()
    }
}

impl From<ExchangeName> for String {
    fn from(name: ExchangeName) -> Self {
        name.0.into_string()
    }
}

/// A text that cannot be the name of an exchange.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not the name of an exchange: expected 1 to 32 of a-z, 0-9, _ and -, \
     the first a letter or a digit"
)]
pub struct ExchangeNameError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_in_paths() {
        for text in ["binance", "binance-us", "kraken_futures", "1inch", "B"] {
            let name: ExchangeName = text.parse().unwrap();
            assert_eq!(name.as_str(), text.to_lowercase());
        }
        for text in
            ["", ".", "..", "-x", "_x", "a/b", "a\\b", "a b", "a\0", "é", "a.b", "/etc", "c:"]
        {
            assert!(text.parse::<ExchangeName>().is_err(), "{text:?}");
        }
        assert!("a".repeat(33).parse::<ExchangeName>().is_err());
    }
}
