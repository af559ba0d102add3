use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A pair such as `BTC/USDT`: the base currency is what is traded, the quote currency what it is
/// priced in.
///
/// Each side has 1 to 20 ASCII letters and digits; letters are made upper-case. Nothing else is
/// allowed, so that a symbol is safe in a path, a table and a URL.
///
/// ```
/// use tradepulse_core::market::Symbol;
/// let symbol: Symbol = "btc/usdt".parse()?;
/// assert_eq!((symbol.base(), symbol.quote()), ("BTC", "USDT"));
/// assert_eq!(symbol.to_string(), "BTC/USDT");
/// assert_eq!(symbol.dashed(), "BTC-USDT");
/// # Ok::<(), tradepulse_core::market::SymbolError>(())
/// ```
#[doc(alias = "pair")]
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Symbol {
    text: Box<str>,
    slash: usize,
}

impl Symbol {
    /// The longest base or quote currency.
    pub const MAX_SIDE: usize = 20;

    /// The pair of `base` and `quote`.
    ///
    /// # Errors
    /// [`SymbolError`] if a side is empty, too long or has other characters than ASCII letters and
    /// digits, or both sides are the same.
    pub fn new(base: &str, quote: &str) -> Result<Self, SymbolError> {
        let refused = |reason| SymbolError { text: format!("{base}/{quote}"), reason };
        for side in [base, quote] {
            if side.is_empty() {
                return Err(refused("a side is empty"));
            }
            if side.len() > Self::MAX_SIDE {
                return Err(refused("a side is longer than 20 characters"));
            }
            if !side.bytes().all(|b| b.is_ascii_alphanumeric()) {
                return Err(refused("only letters A to Z and digits are allowed"));
            }
        }
        if base.eq_ignore_ascii_case(quote) {
            return Err(refused("base and quote are the same"));
        }
        let text = format!("{base}/{quote}").to_ascii_uppercase().into_boxed_str();
        Ok(Self { text, slash: base.len() })
    }

    /// What is traded: `BTC` of `BTC/USDT`.
    pub fn base(&self) -> &str {
        &self.text[..self.slash]
    }

    /// What it is priced in: `USDT` of `BTC/USDT`.
    pub fn quote(&self) -> &str {
        &self.text[self.slash + 1..]
    }

    /// The symbol as written everywhere: `BTC/USDT`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The symbol as the name of a file or folder: `BTC-USDT`.
    pub fn dashed(&self) -> String {
        self.text.replace('/', "-")
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Symbol({})", self.text)
    }
}

impl FromStr for Symbol {
    type Err = SymbolError;

    fn from_str(text: &str) -> Result<Self, SymbolError> {
        match text.split_once('/') {
            Some((base, quote)) => Self::new(base, quote),
            None => Err(SymbolError { text: text.to_owned(), reason: "there is no slash" }),
        }
    }
}

impl TryFrom<String> for Symbol {
    type Error = SymbolError;

    fn try_from(text: String) -> Result<Self, SymbolError> {
        text.parse()
    }
}

impl From<Symbol> for String {
    fn from(symbol: Symbol) -> Self {
        symbol.text.into_string()
    }
}

/// A text that is not a symbol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a symbol such as BTC/USDT: {reason}")]
pub struct SymbolError {
    text: String,
    reason: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_round_trip() {
        for text in ["BTC/USDT", "1INCH/USD", "ETH/BTC", "1000SHIB/USDT"] {
            let symbol: Symbol = text.parse().unwrap();
            assert_eq!(symbol.to_string(), text);
            let json = serde_json::to_string(&symbol).unwrap();
            assert_eq!(json, format!("{text:?}"));
            assert_eq!(serde_json::from_str::<Symbol>(&json).unwrap(), symbol);
        }
        assert_eq!(format!("{:>10}|", "A/B".parse::<Symbol>().unwrap()), "       A/B|");
    }

    #[test]
    fn what_could_escape_a_folder_is_refused() {
        for text in [
            "",
            "/",
            "BTC",
            "BTC/",
            "/USDT",
            "BTC/USDT/X",
            "../../etc/passwd",
            "..",
            "../..",
            "BTC\\USDT",
            "BTC/US DT",
            "BTC/USDT\0",
            "BTC/é",
            "A-B/C",
            "BTC/BTC",
            "btc/BTC",
            "./.",
            "ABCDEFGHIJKLMNOPQRSTU/X",
            "C:/X",
        ] {
            assert!(text.parse::<Symbol>().is_err(), "{text:?}");
        }
        let error = "BTC".parse::<Symbol>().unwrap_err().to_string();
        assert_eq!(error, "\"BTC\" is not a symbol such as BTC/USDT: there is no slash");
    }
}
