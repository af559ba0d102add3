use serde::{Deserialize, Serialize};

use crate::market::{Candle, Symbol};
use crate::money::{Price, Quantity};
use crate::order::{
    ClientOrderId, Execution, Leg, Liquidity, Moment, OrderReport, OrderStatus, Side,
};
use crate::simulation::terms::Terms;
use crate::simulation::{Costs, LegFill, leg_fill};
use crate::strategy::Quote;
use crate::time::Timestamp;

/// What an order waits for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Condition {
    Market,
    Limit { price: Price },
    Stop { trigger: Price },
    StopLimit { trigger: Price, price: Price, triggered: bool },
}

/// An order in the book, or one that was there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct VenueOrder {
    pub(super) id: ClientOrderId,
    pub(super) symbol: Symbol,
    pub(super) side: Side,
    pub(super) quantity: Quantity,
    pub(super) condition: Condition,
    pub(super) reduce_only: bool,
    /// The other leg of a native pair.
    pub(super) sibling: Option<ClientOrderId>,
    /// The venue's number of it; rises.
    pub(super) number: u64,
    /// When it has arrived.
    pub(super) effective: Timestamp,
    /// How many candles its market had seen when it was sent.
    pub(super) candle: u64,
    /// Whether it has been in the book while the market moved.
    pub(super) rested: bool,
    /// What a unit of it binds, in quote currency.
    pub(super) unit_cost: Price,
    /// What is left of an execution in parts.
    pub(super) parts: Option<Parts>,
    pub(super) status: OrderStatus,
    pub(super) filled: Quantity,
    pub(super) executions: Vec<Execution>,
    pub(super) reason: Option<String>,
    pub(super) at: Timestamp,
}

/// An execution that comes in several parts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Parts {
    pub(super) terms: Terms,
    /// Time of the executions.
    pub(super) at: Timestamp,
    /// Sizes still to come, the next one last.
    pub(super) left: Vec<Quantity>,
}

/// How an order meets a candle: on which terms, and in which place among the others.
pub(super) struct Met {
    pub(super) fill: LegFill,
    terms: Option<Terms>,
}

impl Met {
    /// The terms for `order`, if `quantity` of it executes.
    pub(super) fn terms(
        &self,
        costs: &Costs,
        order: &VenueOrder,
        quantity: f64,
        candle: &Candle,
        ambiguous: bool,
    ) -> Terms {
        let fill = LegFill { ambiguous, ..self.fill };
        let terms =
            self.terms.unwrap_or_else(|| costs.leg_terms(&fill, order.side, quantity, candle));
        // A limit order that crosses the market as it arrives takes liquidity; the target of a
        // pair counts as resting from the entry on.
        let crosses = matches!(order.condition, Condition::Limit { .. })
            && !order.rested
            && order.id.which_leg().is_none()
            && fill.moment == Moment::Open;
        if crosses { Terms { liquidity: Liquidity::Taker, ..terms } } else { terms }
    }
}

impl VenueOrder {
    /// What is not filled yet.
    pub(super) fn remaining(&self) -> Quantity {
        self.quantity.minus(self.filled)
    }

    /// How it stands, with the executions from `first` on.
    pub(super) fn report(&self, first: usize) -> OrderReport {
        OrderReport {
            id: self.id,
            symbol: self.symbol.clone(),
            venue_id: Some(self.number.to_string()),
            status: self.status,
            filled: self.filled,
            executions: self.executions.get(first..).unwrap_or_default().to_vec(),
            reason: self.reason.clone(),
            at: self.at,
        }
    }

    /// Where a resting order meets the candle; `None` if it does not, or is a market order.
    pub(super) fn meet(&self, costs: &Costs, candle: &Candle) -> Option<Met> {
        match self.condition {
            Condition::Market => None,
            Condition::Limit { price } | Condition::StopLimit { price, triggered: true, .. } => {
                let fill = self.limit_fill(candle, price.to_f64())?;
                Some(Met { fill, terms: None })
            }
            Condition::Stop { trigger } => {
                let fill = self.stop_fill(candle, trigger.to_f64())?;
                Some(Met { fill, terms: None })
            }
            Condition::StopLimit { trigger, price, .. } => {
                self.meet_stop_limit(costs, candle, trigger.to_f64(), price.to_f64())
            }
        }
    }

    /// Whether the candle reaches the trigger of a stop-limit order.
    pub(super) fn is_triggered_by(&self, candle: &Candle) -> bool {
        match self.condition {
            Condition::StopLimit { trigger, .. } => {
                self.stop_fill(candle, trigger.to_f64()).is_some()
            }
            _ => false,
        }
    }

    fn stop_fill(&self, candle: &Candle, trigger: f64) -> Option<LegFill> {
        leg_fill(candle, self.side.opposite(), trigger, None, Default::default())
    }

    fn limit_fill(&self, candle: &Candle, price: f64) -> Option<LegFill> {
        let no_stop = match self.side {
            Side::Short => f64::NEG_INFINITY,
            Side::Long => f64::INFINITY,
        };
        leg_fill(candle, self.side.opposite(), no_stop, Some(price), Default::default())
    }

    /// Whether `price` is at least as good as the limit.
    fn allows(&self, limit: f64, price: f64) -> bool {
        match self.side {
            Side::Long => price <= limit,
            Side::Short => price >= limit,
        }
    }

    /// A stop-limit order in the candle that triggers it. Triggered inside the candle with its
    /// limit away from the market, it fills only if the candle closes at the limit or beyond: no
    /// other price is known to come after the trigger.
    fn meet_stop_limit(
        &self,
        costs: &Costs,
        candle: &Candle,
        trigger: f64,
        limit: f64,
    ) -> Option<Met> {
        let hit = self.stop_fill(candle, trigger)?;
        if self.allows(limit, hit.reference) {
            let quantity = self.quantity.to_f64();
            let terms = costs.leg_terms(&hit, self.side, quantity, candle);
            let price = if self.allows(limit, terms.price) { terms.price } else { limit };
            return Some(Met { fill: hit, terms: Some(Terms { price, ..terms }) });
        }
        let inside = LegFill {
            leg: Leg::Target,
            reference: limit,
            moment: Moment::Inside,
            ambiguous: false,
        };
        let reached = match hit.moment {
            Moment::Open => self.limit_fill(candle, limit).is_some(),
            _ => self.allows(limit, candle.close),
        };
        reached.then_some(Met { fill: inside, terms: None })
    }

    /// The terms at a quote, if it executes there: stops and market orders at the quote's price,
    /// a resting limit order at its own.
    pub(super) fn meet_quote(&mut self, quote: Quote) -> Option<Terms> {
        let price = match self.side {
            Side::Long => quote.ask,
            Side::Short => quote.bid,
        };
        let taker = Terms {
            price,
            reference: price,
            liquidity: Liquidity::Taker,
            ambiguous: false,
            moment: Moment::Inside,
        };
        let is_beyond = |trigger: f64| match self.side {
            Side::Long => price >= trigger,
            Side::Short => price <= trigger,
        };
        let limit = match self.condition {
            Condition::Market => return Some(taker),
            Condition::Stop { trigger } => return is_beyond(trigger.to_f64()).then_some(taker),
            Condition::Limit { price } => price,
            Condition::StopLimit { trigger, price, triggered } => {
                if !triggered {
                    if !is_beyond(trigger.to_f64()) {
                        return None;
                    }
                    self.condition = Condition::StopLimit { trigger, price, triggered: true };
                    return self.allows(price.to_f64(), taker.price).then_some(taker);
                }
                price
            }
        };
        let limit = limit.to_f64();
        if !self.allows(limit, price) {
            return None;
        }
        let resting =
            Terms { price: limit, reference: limit, liquidity: Liquidity::Maker, ..taker };
        Some(if self.rested { resting } else { taker })
    }
}
