use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::exchange::{Capabilities, Protection, TradingRules};
use crate::market::{InstrumentKind, Symbol};
use crate::money::Quantity;
use crate::random::Seed;
use crate::simulation::{Costs, Priority, Slippage};

/// What an account may do with its money.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AccountKind {
    /// What is bought is paid and held; what is not held cannot be sold.
    Spot,
    /// Buying and selling opens positions; cash moves by realised profit and fees only.
    Margin {
        /// Largest exposure over equity at which an order is taken.
        leverage: f64,
    },
}

/// What the fee of an execution is taken in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeeCurrency {
    /// The quote currency.
    #[default]
    Quote,
    /// What is received: the base currency when buying, as at Binance. Spot accounts only.
    Received,
}

/// Orders fill in several executions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartialFills {
    /// Executions of an order, at least 1; fewer where the quantity step allows no more.
    pub parts: u32,
    /// Decides the sizes of the parts.
    pub seed: Seed,
}

/// What a [`SimulatedExchange`](super::SimulatedExchange) is like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimulatedExchangeSettings {
    /// What it declares; nothing else is done.
    pub capabilities: Capabilities,
    /// Its markets, with their rules for orders.
    pub markets: BTreeMap<Symbol, TradingRules>,
    /// Spot or margin.
    pub account: AccountKind,
    /// What the account holds at first, by currency.
    pub balances: BTreeMap<String, Quantity>,
    /// Fees and slippage.
    pub costs: Costs,
    /// What fees are taken in.
    pub fee_currency: FeeCurrency,
    /// Stop or target first, inside a candle that reaches both.
    pub priority: Priority,
    /// For how long an order is on its way, milliseconds. An order meets candles that open, and
    /// quotes that come, when it has arrived.
    pub latency_ms: i64,
    /// Whole orders fill at once without this.
    pub partial_fills: Option<PartialFills>,
}

impl SimulatedExchangeSettings {
    /// A venue with the default costs, without markets and money.
    pub fn new(capabilities: Capabilities, account: AccountKind) -> Self {
        Self {
            capabilities,
            markets: BTreeMap::new(),
            account,
            balances: BTreeMap::new(),
            costs: Costs::default(),
            fee_currency: FeeCurrency::default(),
            priority: Priority::default(),
            latency_ms: 0,
            partial_fills: None,
        }
    }

    /// With another market.
    #[must_use]
    pub fn market(mut self, symbol: Symbol, rules: TradingRules) -> Self {
        self.markets.insert(symbol, rules);
        self
    }

    /// Holding this much of a currency.
    #[must_use]
    pub fn balance(mut self, currency: &str, held: Quantity) -> Self {
        self.balances.insert(currency.to_owned(), held);
        self
    }

    /// Whether these settings make sense together.
    pub(super) fn check(&self) -> Result<(), SimulationError> {
        let refused = |reason| Err(SimulationError::Settings { reason });
        let margin = match self.account {
            AccountKind::Spot => false,
            AccountKind::Margin { leverage } if leverage.is_finite() && leverage > 0.0 => true,
            AccountKind::Margin { .. } => return refused("leverage must be above zero"),
        };
        let Capabilities { kind, protection, limit, reduce_only, .. } = self.capabilities;
        if kind == InstrumentKind::Perpetual && !margin {
            return refused("perpetuals need a margin account");
        }
        if protection == Protection::TwoOrders && !(margin && reduce_only && limit) {
            return refused(
                "protection by two orders needs a margin account, reduce-only and limit orders",
            );
        }
        if protection == Protection::NativeOco && !limit {
            return refused("native pairs need limit orders");
        }
        if self.fee_currency == FeeCurrency::Received && margin {
            return refused("in a margin account fees are taken in quote currency");
        }
        let (fraction, impact) = match self.costs.slippage {
            Slippage::Fixed { fraction } => (fraction, 0.0),
            Slippage::VolumeShare { fraction, impact } => (fraction, impact),
        };
        if !(fraction >= 0.0 && impact >= 0.0 && fraction + impact < 1.0) {
            return refused("slippage must be in 0..1");
        }
        if [self.costs.taker_fee, self.costs.maker_fee]
            .iter()
            .any(|fee| fee.is_nan() || fee.abs() >= 1.0)
        {
            return refused("fees must be between -1 and 1");
        }
        if self.latency_ms < 0 {
            return refused("latency must not be negative");
        }
        if self.partial_fills.is_some_and(|partial| partial.parts == 0) {
            return refused("an order fills in at least one part");
        }
        Ok(())
    }
}

/// What a simulated venue cannot do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SimulationError {
    /// The settings contradict themselves.
    #[error("these settings make no venue: {reason}")]
    Settings {
        /// What to change.
        reason: &'static str,
    },
    /// A candle or quote of a market that it was not given.
    #[error("the simulated venue has no market {0}: add it to the settings")]
    UnknownMarket(Symbol),
    /// Prices that cannot be.
    #[error("impossible market data of {symbol}: {reason}")]
    Impossible {
        /// Whose.
        symbol: Symbol,
        /// What is wrong with it.
        reason: String,
    },
}
