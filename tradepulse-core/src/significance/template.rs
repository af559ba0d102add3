use serde::{Deserialize, Serialize};

use super::SignificanceError;
use crate::account::Trade;
use crate::order::{ExitReason, Side};
use crate::performance::quantile;

/// What random entries keep of a trade: everything but its time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TradeTemplate {
    /// Long or short.
    pub side: Side,
    /// Distance of the stop from the entry's reference price, a fraction of it (0.02 is 2 %).
    pub stop: Option<f64>,
    /// Distance of the target from the entry's reference price, a fraction of it.
    pub target: Option<f64>,
    /// Candles after whose close it is closed; the entry candle counts as 1. `None` for no limit.
    pub max_holding: Option<u32>,
    /// Candles the trade was held, by which room is left for it.
    pub holding: u32,
    /// Entry notional as a fraction of the capital, the weight of its profit.
    pub weight: f64,
}

impl TradeTemplate {
    /// The templates of a run's trades, of which no more is known than [`Trade`] tells:
    ///
    /// - a trade that ended at its stop (target) has the distance of that exit, and those of other
    ///   trades are the median of the ones that ended so; `None` if none did;
    /// - a trade that ended by a signal, the holding limit or the end of the data is held as long
    ///   as it was, if nothing ends it before; the others at most as long as the longest trade;
    /// - the weight is the entry's notional over `capital`.
    ///
    /// Distances are from the entry to the exit price and so hold a little slippage. Whoever knows
    /// the distances should rather make the templates himself.
    pub fn of_trades(trades: &[Trade], capital: f64) -> Vec<Self> {
        let distance = |trade: &Trade| (trade.exit_price / trade.entry_price - 1.0).abs();
        let ended = |reason: ExitReason| -> Vec<f64> {
            trades.iter().filter(|t| t.exit_reason == reason).map(distance).collect()
        };
        let usual = |reason| quantile(&ended(reason), 0.5).filter(|d| *d > 0.0);
        let (stop, target) = (usual(ExitReason::Stop), usual(ExitReason::Target));
        let longest = trades.iter().map(|t| t.holding).max().unwrap_or(1).max(1);
        let template = |trade: &Trade| {
            let own = Some(distance(trade)).filter(|d| *d > 0.0);
            let holding = trade.holding.max(1);
            let (stop, target, limit) = match trade.exit_reason {
                ExitReason::Stop => (own.or(stop), target, longest),
                ExitReason::Target => (stop, own.or(target), longest),
                _ => (stop, target, holding),
            };
            Self {
                side: trade.side,
                stop: stop.filter(|d| trade.side == Side::Short || *d < 1.0),
                target: target.filter(|d| trade.side == Side::Long || *d < 1.0),
                max_holding: Some(limit),
                holding,
                weight: trade.entry_price * trade.quantity / capital,
            }
        };
        trades.iter().map(template).collect()
    }

    pub(super) fn check(&self, trade: usize) -> Result<(), SignificanceError> {
        let fault = |name, value, expected| {
            Err(SignificanceError::Template { trade, name, value, expected })
        };
        for (name, distance) in [("stop", self.stop), ("target", self.target)] {
            // A price below zero is never reached.
            if let Some(d) = distance
                && !(d > 0.0 && d.is_finite())
            {
                return fault(name, d, "a fraction above 0");
            }
        }
        if self.max_holding == Some(0) {
            return fault("max_holding", 0.0, "at least 1 candle");
        }
        if !(self.weight >= 0.0 && self.weight.is_finite()) {
            return fault("weight", self.weight, "a number not below 0");
        }
        Ok(())
    }
}
