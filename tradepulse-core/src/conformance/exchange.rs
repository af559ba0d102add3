//! What every [`Exchange`] must do, case by case.
//!
//! The factory makes venues with one market, [`symbol`], whose last price is 100, by [`rules`],
//! and lets the suite move the price. Venues differ in when a market order fills (at once, or when
//! the market moves next) and in what it costs; the suite allows for both.

mod account;
mod cancel;
mod event;
mod fault;
mod pair;
mod scene;
mod submit;

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;

use super::{Boxed, ensure, ensure_eq};
pub use super::{Failure, Report};
use crate::exchange::{Capabilities, Exchange, ExchangeError, TradingRules};
use crate::market::{Instrument, Symbol, SymbolError};
use crate::money::{MoneyError, Quantity};

/// Makes the venues that a suite works on.
#[async_trait]
pub trait ExchangeFactory: Send + Sync {
    /// What its venues declare: the cases are chosen by it.
    fn capabilities(&self) -> Capabilities;

    /// A new venue with this account, without orders and positions. The market's last price is
    /// 100. A perpetual's leverage is at least 1.
    async fn make(
        &self,
        balances: &BTreeMap<String, Quantity>,
    ) -> Result<Box<dyn TestVenue>, Failure>;
}

/// A venue whose market the suite moves.
#[async_trait]
pub trait TestVenue: Send + Sync {
    /// The adapter.
    fn exchange(&self) -> Arc<dyn Exchange>;

    /// The market moves: it opens at the first of these prices, trades at the high, the low, and
    /// last at the close (in any order between). What it fills has happened at the latest when the
    /// adapter has been drained until it says nothing.
    async fn trade(&self, open: f64, high: f64, low: f64, close: f64) -> Result<(), Failure>;

    /// Waits until what has happened can be drained. Nothing to do where that is always so.
    async fn settle(&self);

    /// Puts an order into the book that is not ours; its id at the venue. `None` if this cannot be
    /// done here.
    async fn place_foreign(&self) -> Result<Option<String>, Failure>;
}

/// The market of the suite: `BTC/USDT`.
///
/// # Errors
/// None: it is a symbol.
pub fn symbol() -> Result<Symbol, SymbolError> {
    "BTC/USDT".parse()
}

/// The rules of its market: tick 0.01, step 0.001, at least 0.001 and worth 5.
///
/// # Errors
/// None: all are decimals.
pub fn rules(capabilities: &Capabilities) -> Result<TradingRules, MoneyError> {
    let instrument = Instrument {
        kind: capabilities.kind,
        quantity_step: Some("0.001".parse()?),
        min_quantity: Some("0.001".parse()?),
        min_notional: Some("5".parse()?),
    };
    Ok(TradingRules { instrument, price_tick: Some("0.01".parse()?) })
}

/// One thing that a venue must do.
#[derive(Clone, Copy)]
pub struct Case {
    /// Its name: kept, so that reports can be compared.
    pub id: &'static str,
    needs: fn(&Capabilities) -> bool,
    run: for<'a> fn(&'a dyn ExchangeFactory) -> Boxed<'a, Result<(), Failure>>,
}

impl Case {
    /// Whether a venue that declares this has to do it.
    pub fn applies_to(&self, capabilities: &Capabilities) -> bool {
        (self.needs)(capabilities)
    }

    /// Whether the venues of `factory` do it.
    ///
    /// # Errors
    /// What they do instead.
    pub async fn run(&self, factory: &dyn ExchangeFactory) -> Result<(), Failure> {
        (self.run)(factory).await
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Case").field(&self.id).finish()
    }
}

impl From<ExchangeError> for Failure {
    fn from(error: ExchangeError) -> Self {
        Self(format!("unexpected error: {error} ({error:?})"))
    }
}

impl From<MoneyError> for Failure {
    fn from(error: MoneyError) -> Self {
        Self(error.to_string())
    }
}

impl From<SymbolError> for Failure {
    fn from(error: SymbolError) -> Self {
        Self(error.to_string())
    }
}

impl Failure {
    /// What a factory could not do.
    pub fn new(reason: impl fmt::Display) -> Self {
        Self(reason.to_string())
    }
}

/// Every case.
pub fn cases() -> Vec<Case> {
    let groups =
        [submit::CASES, cancel::CASES, account::CASES, event::CASES, pair::CASES, fault::CASES];
    groups.concat()
}

/// Runs the cases that apply to the venues of `factory`.
pub async fn run(factory: &dyn ExchangeFactory) -> Report {
    let capabilities = factory.capabilities();
    let mut results = Vec::new();
    for case in cases().iter().filter(|case| case.applies_to(&capabilities)) {
        results.push((case.id, case.run(factory).await));
    }
    Report { results }
}

/// A table of cases: `"id" if needs => async fn(&dyn ExchangeFactory)`.
macro_rules! case_table {
    ($($id:literal if $needs:expr => $case:path,)*) => {
        pub(super) const CASES: &[super::Case] = &[$(super::Case {
            id: $id,
            needs: $needs,
            run: |factory| Box::pin($case(factory)),
        },)*];
    };
}

use case_table;

#[cfg(test)]
mod tests;
