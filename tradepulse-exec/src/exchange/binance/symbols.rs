//! Names of markets: `BTC/USDT` is `BTCUSDT` there, and the way back needs the venue's list.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tradepulse_core::market::Symbol;

use super::client::{Call, Client};
use super::errors::CallError;
use super::messages::ExchangeInfo;
use crate::exchange::parameters::Parameters;

/// The venue's name of a market.
///
/// ```
/// use tradepulse_exec::exchange::binance::venue_symbol;
/// assert_eq!(venue_symbol(&"BTC/USDT".parse()?), "BTCUSDT");
/// # Ok::<(), tradepulse_core::market::SymbolError>(())
/// ```
pub fn venue_symbol(symbol: &Symbol) -> String {
    format!("{}{}", symbol.base(), symbol.quote())
}

/// What the venue's names mean, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Symbols {
    known: Mutex<BTreeMap<String, Symbol>>,
}

impl Symbols {
    /// Remembers a market that is dealt with.
    pub(super) fn note(&self, symbol: &Symbol) -> String {
        let name = venue_symbol(symbol);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(name.clone()).or_insert_with(|| symbol.clone());
        name
    }

    pub(super) fn get(&self, name: &str) -> Option<Symbol> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn learn(&self, info: &ExchangeInfo) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for market in &info.symbols {
            if let Ok(symbol) = Symbol::new(&market.base_asset, &market.quote_asset)
                && venue_symbol(&symbol) == market.symbol
            {
                known.entry(market.symbol.clone()).or_insert(symbol);
            }
        }
    }

    /// The market of this name; the venue is asked for its list where it is not known. `None` for
    /// names that are no pair, such as those of dated futures.
    pub(super) async fn resolve(
        &self,
        client: &Client,
        name: &str,
    ) -> Result<Option<Symbol>, CallError> {
        if let Some(symbol) = self.get(name) {
            return Ok(Some(symbol));
        }
        let call = Call::ask("exchangeInfo", 20, Parameters::new());
        let info: ExchangeInfo = client.call(&call).await?;
        self.learn(&info);
        Ok(self.get(name))
    }
}
