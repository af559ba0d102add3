use std::collections::BTreeMap;

use super::lane::Lane;
use crate::market::Symbol;
use crate::order::Side;
use crate::risk::{OpenPosition, ReturnWindow};
use crate::time::Timestamp;

/// What the lanes of a desk hold together, as sizing and the risk gate want to know it.
#[derive(Clone, Debug)]
pub(super) struct Wallet {
    capital: f64,
    /// Free quote currency at the venue, where it was asked.
    pub(super) free: Option<f64>,
    lanes: Vec<Standing>,
    returns: BTreeMap<Symbol, ReturnWindow>,
    correlates: bool,
}

/// What one lane holds, or is about to.
#[derive(Clone, Debug)]
struct Standing {
    symbol: Symbol,
    /// Profit of its account so far, realised and not.
    profit: f64,
    holds: Option<Holding>,
}

#[derive(Clone, Copy, Debug)]
struct Holding {
    side: Side,
    notional: f64,
    opened_at: Timestamp,
}

impl Wallet {
    /// `correlates`: whether anybody asks for correlations.
    pub(super) fn new(capital: f64, correlates: bool) -> Self {
        Self { capital, free: None, lanes: Vec::new(), returns: BTreeMap::new(), correlates }
    }

    pub(super) fn add_lane(&mut self, symbol: Symbol) {
        self.lanes.push(Standing { symbol, profit: 0.0, holds: None });
    }

    pub(super) fn note(&mut self, i: usize, lane: &Lane) {
        let standing = &mut self.lanes[i];
        standing.profit = lane.equity() - self.capital;
        standing.holds =
            lane.holds().map(|(side, notional, opened_at)| Holding { side, notional, opened_at });
    }

    /// A candle closed.
    pub(super) fn price(&mut self, symbol: &Symbol, close: f64, at: Timestamp) {
        if !self.correlates {
            return;
        }
        match self.returns.get_mut(symbol) {
            Some(window) => window.push(at, close),
            None => self.returns.entry(symbol.clone()).or_default().push(at, close),
        }
    }

    /// Capital plus the profit of all lanes.
    pub(super) fn equity(&self) -> f64 {
        self.lanes.iter().fold(self.capital, |sum, lane| sum + lane.profit)
    }

    /// What the other lanes have earned.
    pub(super) fn profit_of_others(&self, i: usize) -> f64 {
        let others = self.lanes.iter().enumerate().filter(|(other, _)| *other != i);
        others.fold(0.0, |sum, (_, lane)| sum + lane.profit)
    }

    /// What counts against the limits for an entry of lane `i`.
    pub(super) fn positions(&self, i: usize) -> Vec<OpenPosition> {
        let symbol = &self.lanes[i].symbol;
        self.lanes
            .iter()
            .filter_map(|lane| {
                let Holding { side, notional, opened_at } = lane.holds?;
                let returns = (self.returns.get(symbol), self.returns.get(&lane.symbol));
                let correlation = match returns {
                    (Some(a), Some(b)) if lane.symbol != *symbol => a.correlation(b),
                    _ => None,
                };
                let symbol = lane.symbol.clone();
                Some(OpenPosition { symbol, side, notional, opened_at, correlation })
            })
            .collect()
    }
}
