//! Names of currencies and markets: `BTC` is `XBT` or `XXBT` there, `BTC/USD` is `XBTUSD`,
//! `XXBTZUSD` or `XBT/USD`, and streams say `BTC/USD`.

use tradepulse_core::market::Symbol;

/// Currencies that the venue writes with a letter before them, and without it.
const PREFIXED: [&str; 17] = [
    "XETC", "XETH", "XLTC", "XMLN", "XREP", "XXBT", "XXDG", "XXLM", "XXMR", "XXRP", "XZEC", "ZAUD",
    "ZCAD", "ZEUR", "ZGBP", "ZJPY", "ZUSD",
];

/// The usual name of a currency that the venue calls so.
pub(super) fn currency(name: &str) -> &str {
    let name = if PREFIXED.contains(&name) { &name[1..] } else { name };
    match name {
        "XBT" => "BTC",
        "XDG" => "DOGE",
        other => other,
    }
}

/// The venue's name of a market, which questions may use.
///
/// ```
/// use tradepulse_exec::exchange::kraken::venue_symbol;
/// assert_eq!(venue_symbol(&"BTC/USD".parse()?), "XBTUSD");
/// assert_eq!(venue_symbol(&"ETH/BTC".parse()?), "ETHXBT");
/// # Ok::<(), tradepulse_core::market::SymbolError>(())
/// ```
pub fn venue_symbol(symbol: &Symbol) -> String {
    let name = |currency| match currency {
        "BTC" => "XBT",
        "DOGE" => "XDG",
        other => other,
    };
    format!("{}{}", name(symbol.base()), name(symbol.quote()))
}

/// The market of a name with a slash in it: `XBT/USD`, or `BTC/USD` in streams.
pub(super) fn of_slashed(name: &str) -> Option<Symbol> {
    let (base, quote) = name.split_once('/')?;
    Symbol::new(currency(base), currency(quote)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn currencies_have_their_usual_names() {
        for (theirs, ours) in [
            ("XXBT", "BTC"),
            ("XBT", "BTC"),
            ("ZUSD", "USD"),
            ("XETH", "ETH"),
            ("XXDG", "DOGE"),
            ("USDT", "USDT"),
            ("XTZ", "XTZ"),
            ("ZRX", "ZRX"),
            ("XBT.F", "XBT.F"),
        ] {
            assert_eq!(currency(theirs), ours);
        }
        assert_eq!(of_slashed("XBT/USD"), of_slashed("BTC/USD"));
        assert_eq!(of_slashed("XDG/EUR").unwrap().as_str(), "DOGE/EUR");
        assert_eq!(of_slashed("XXBTZUSD"), None);
    }
}
