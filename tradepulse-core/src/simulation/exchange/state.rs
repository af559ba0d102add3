use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::order::{Condition, Parts, VenueOrder};
use super::settings::{FeeCurrency, PartialFills};
use super::wallet::{Booking, Wallet};
use super::{AccountKind, SimulatedExchangeSettings, SimulationError};
use crate::market::{Candle, Symbol};
use crate::money::{Amount, Price, Quantity};
use crate::order::{
    ClientOrderId, Execution, Leg, Moment, OrderReport, OrderStatus, RunTag, Side, Simulated,
};
use crate::simulation::terms::Terms;
use crate::strategy::Quote;
use crate::time::{Timeframe, Timestamp};

/// Everything a simulated exchange is and knows: what is kept to go on with it later.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExchangeState {
    pub(super) settings: SimulatedExchangeSettings,
    pub(super) wallet: Wallet,
    pub(super) markets: BTreeMap<Symbol, Market>,
    /// Markets whose candle is being met, in the order they began.
    meeting: Vec<Symbol>,
    pub(super) orders: BTreeMap<ClientOrderId, VenueOrder>,
    /// Orders in the book, in the order they came.
    pub(super) open: BTreeMap<u64, ClientOrderId>,
    /// Ids of native pairs.
    pub(super) pairs: BTreeSet<ClientOrderId>,
    pub(super) foreign: Vec<(Symbol, String)>,
    /// What has not been handed out.
    pub(super) told: VecDeque<OrderReport>,
    pub(super) last_number: u64,
    /// Orders that have ended and are remembered, in the order in which they did.
    #[serde(default)]
    ended: VecDeque<ClientOrderId>,
    /// By run, the highest number of an order that is not remembered any more: what is not above it
    /// counts as seen.
    #[serde(default)]
    pub(super) forgotten: BTreeMap<RunTag, u32>,
    /// Counts what is worth saving.
    #[serde(skip)]
    pub(super) changes: u64,
}

/// Orders that have ended and are remembered: the newest so many. A state that is saved at every
/// change must not grow with the age of the account.
const ENDED: usize = 256;

/// One market, as far as it has come.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Market {
    pub(super) now: Timestamp,
    pub(super) last_price: Option<Price>,
    /// Candles that have begun.
    pub(super) candles: u64,
    candle: Option<Candle>,
    close_time: Timestamp,
}

impl Market {
    /// When the last candle closed that has begun.
    pub(super) fn last_close(&self) -> Option<Timestamp> {
        (self.candles > 0).then_some(self.close_time)
    }
}

/// The next thing to happen.
struct Due {
    id: ClientOrderId,
    terms: Terms,
    at: Timestamp,
    /// Nothing if there is nothing to reduce.
    quantity: Quantity,
}

impl ExchangeState {
    pub(super) fn new(settings: SimulatedExchangeSettings) -> Result<Self, SimulationError> {
        settings.check()?;
        let markets = settings.markets.keys().map(|s| (s.clone(), Market::default())).collect();
        Ok(Self {
            wallet: Wallet::new(&settings.balances),
            settings,
            markets,
            meeting: Vec::new(),
            orders: BTreeMap::new(),
            open: BTreeMap::new(),
            pairs: BTreeSet::new(),
            foreign: Vec::new(),
            told: VecDeque::new(),
            last_number: 0,
            ended: VecDeque::new(),
            forgotten: BTreeMap::new(),
            changes: 0,
        })
    }

    fn market(&mut self, symbol: &Symbol) -> Result<&mut Market, SimulationError> {
        self.markets.get_mut(symbol).ok_or_else(|| SimulationError::UnknownMarket(symbol.clone()))
    }

    /// Begins to meet a candle; one that was being met is met to its end.
    pub(super) fn begin(
        &mut self,
        symbol: &Symbol,
        candle: Candle,
        timeframe: Timeframe,
    ) -> Result<(), SimulationError> {
        let Candle { open, high, low, close, .. } = candle;
        let [open_price, ..] = prices(symbol, [open, high, low, close])?;
        if high < open.max(close).max(low) || low > open.min(close) {
            let reason = format!("high {high} and low {low} do not hold {open} and {close}");
            return Err(SimulationError::Impossible { symbol: symbol.clone(), reason });
        }
        self.finish(symbol);
        self.changes += 1;
        let market = self.market(symbol)?;
        market.now = market.now.max(candle.open_time);
        market.last_price = Some(open_price);
        market.candles += 1;
        market.candle = Some(candle);
        market.close_time = Timestamp::from_ms(candle.open_time.as_ms() + timeframe.as_ms());
        self.meeting.push(symbol.clone());
        Ok(())
    }

    /// Meets the candle of this market, if one has begun, to its end.
    pub(super) fn finish(&mut self, symbol: &Symbol) {
        if self.meeting.contains(symbol) {
            while let Some(due) = self.due_in(symbol) {
                self.carry_out(due);
            }
            self.end(symbol);
        }
    }

    /// Makes the next thing happen that the candles being met hold. `false` if there is nothing:
    /// they have ended.
    pub(super) fn advance(&mut self) -> bool {
        while let Some(symbol) = self.meeting.first().cloned() {
            if let Some(due) = self.due_in(&symbol) {
                self.carry_out(due);
                return true;
            }
            self.end(&symbol);
        }
        false
    }

    /// Whether [`advance`](Self::advance) would make something happen.
    pub(super) fn has_something_due(&self) -> bool {
        self.meeting.iter().any(|symbol| self.due_in(symbol).is_some())
    }

    fn end(&mut self, symbol: &Symbol) {
        self.changes += 1;
        self.meeting.retain(|other| other != symbol);
        let Some(market) = self.markets.get_mut(symbol) else { return };
        let Some(candle) = market.candle else { return };
        market.now = market.now.max(market.close_time);
        market.last_price = Price::from_f64(candle.close).ok().or(market.last_price);
        for id in self.open.values() {
            let Some(order) = self.orders.get_mut(id) else { continue };
            if order.symbol != *symbol || order.effective > candle.open_time {
                continue;
            }
            order.rested = true;
            if let Condition::StopLimit { trigger, price, triggered: false } = order.condition {
                let triggered = order.is_triggered_by(&candle);
                order.condition = Condition::StopLimit { trigger, price, triggered };
            }
        }
    }

    fn open_in<'a>(&'a self, symbol: &'a Symbol) -> impl Iterator<Item = &'a VenueOrder> {
        let orders = self.open.values().filter_map(|id| self.orders.get(id));
        orders.filter(move |order| order.symbol == *symbol)
    }

    /// What happens next in the candle of this market.
    fn due_in(&self, symbol: &Symbol) -> Option<Due> {
        let market = self.markets.get(symbol)?;
        let candle = market.candle.as_ref()?;
        let costs = &self.settings.costs;
        let (mut first, mut rank) = (None, u8::MAX);
        for order in self.open_in(symbol) {
            if let Some(Parts { terms, at, left }) = &order.parts
                && let Some(quantity) = left.last()
            {
                let quantity = (*quantity).min(self.executable(order));
                return Some(Due { id: order.id, terms: *terms, at: *at, quantity });
            }
            if order.effective > candle.open_time {
                continue;
            }
            if order.condition == Condition::Market && order.candle < market.candles {
                if rank > 0 {
                    (first, rank) = (Some((order, None)), 0);
                }
            } else if let Some(met) = order.meet(costs, candle) {
                let met_rank = 1 + met.fill.rank(self.settings.priority);
                if met_rank < rank {
                    (first, rank) = (Some((order, Some(met))), met_rank);
                }
            }
        }
        let (order, met) = first?;
        let quantity = self.executable(order);
        let size = quantity.to_f64();
        let terms = match met {
            None => costs.market_terms(candle.open, order.side, size, candle, Moment::Open),
            Some(met) => {
                let ambiguous =
                    met.fill.moment == Moment::Inside && self.reaches_other_leg(order, candle);
                met.terms(costs, order, size, candle, ambiguous)
            }
        };
        Some(Due { id: order.id, terms, at: candle.open_time, quantity })
    }

    /// Whether the candle reaches the other leg of the pair that `order` is a leg of, native or
    /// not.
    fn reaches_other_leg(&self, order: &VenueOrder, candle: &Candle) -> bool {
        let other = match order.id.which_leg() {
            None => return false,
            Some(Leg::Stop) => Leg::Target,
            Some(Leg::Target) => Leg::Stop,
        };
        let other = self.orders.get(&order.id.leg(other));
        other.is_some_and(|other| {
            !other.status.is_final()
                && other.symbol == order.symbol
                && other.side == order.side
                && other.effective <= candle.open_time
                && other.meet(&self.settings.costs, candle).is_some()
        })
    }

    /// How much of an order can execute now: all that is left, or what it can reduce.
    pub(super) fn executable(&self, order: &VenueOrder) -> Quantity {
        let remaining = order.remaining();
        match self.settings.account {
            AccountKind::Margin { .. } if order.reduce_only => {
                remaining.min(self.reducible(&order.symbol, order.side))
            }
            _ => remaining,
        }
    }

    /// How much an order of `side` can take off the position.
    pub(super) fn reducible(&self, symbol: &Symbol, side: Side) -> Quantity {
        let position = self.wallet.position(symbol);
        let against = if side == Side::Short { position } else { -position };
        Quantity::try_from(against).unwrap_or_default()
    }

    /// Market orders and whatever a quote reaches execute at its prices.
    pub(super) fn quote(
        &mut self,
        symbol: &Symbol,
        quote: Quote,
        at: Timestamp,
    ) -> Result<(), SimulationError> {
        let Quote { bid, ask } = quote;
        let [_, _, middle] = prices(symbol, [bid, ask, f64::midpoint(bid, ask)])?;
        if bid > ask {
            let reason = format!("the bid {bid} is above the ask {ask}");
            return Err(SimulationError::Impossible { symbol: symbol.clone(), reason });
        }
        self.finish(symbol);
        let market = self.market(symbol)?;
        market.now = market.now.max(at);
        market.last_price = Some(middle);
        let ids: Vec<ClientOrderId> = self.open_in(symbol).map(|order| order.id).collect();
        for id in ids {
            let Some(order) = self.orders.get_mut(&id) else { continue };
            if order.status.is_final() || order.effective > at {
                continue;
            }
            let before = (order.condition, order.rested);
            let terms = order.meet_quote(quote);
            order.rested = true;
            self.changes += u64::from(before != (order.condition, order.rested));
            if let Some(terms) = terms {
                self.execute_whole(id, terms, at);
            }
        }
        Ok(())
    }

    /// Market orders execute at the close of the last candle.
    pub(super) fn fill_at_close(
        &mut self,
        symbol: &Symbol,
        at: Timestamp,
    ) -> Result<(), SimulationError> {
        self.finish(symbol);
        let market = self.market(symbol)?;
        market.now = market.now.max(at);
        let Some(candle) = market.candle else { return Ok(()) };
        let waiting = self.open_in(symbol).filter(|order| order.condition == Condition::Market);
        let ids: Vec<ClientOrderId> = waiting.map(|order| order.id).collect();
        for id in ids {
            let Some(order) = self.orders.get(&id) else { continue };
            let size = self.executable(order).to_f64();
            let (side, costs) = (order.side, &self.settings.costs);
            let terms = costs.market_terms(candle.close, side, size, &candle, Moment::Close);
            self.execute_whole(id, terms, at);
        }
        Ok(())
    }

    fn execute_whole(&mut self, id: ClientOrderId, terms: Terms, at: Timestamp) {
        let executable = |state: &Self| state.orders.get(&id).map(|order| state.executable(order));
        let Some(quantity) = executable(self) else { return };
        self.carry_out(Due { id, terms, at, quantity });
        while let Some(order) = self.orders.get(&id)
            && let Some(quantity) = order.parts.as_ref().and_then(|parts| parts.left.last())
        {
            let quantity = (*quantity).min(self.executable(order));
            self.carry_out(Due { id, terms, at, quantity });
        }
    }

    /// Executes an order, or the next part of it.
    fn carry_out(&mut self, due: Due) {
        let Due { id, terms, at, mut quantity } = due;
        if quantity.is_zero() {
            return self.expire(id, at, "there is nothing left to reduce");
        }
        let Some(order) = self.orders.get_mut(&id) else { return };
        if let Some(parts) = &mut order.parts {
            parts.left.pop();
        } else if let Some(partial) = self.settings.partial_fills {
            let rules = self.settings.markets.get(&order.symbol);
            let step = rules.and_then(|rules| rules.instrument.quantity_step);
            let mut left = split(partial, order.number, quantity, step);
            quantity = left.pop().unwrap_or(quantity);
            order.parts = Some(Parts { terms, at, left });
        }
        if let Err(reason) = self.execute(id, terms, at, quantity) {
            return self.expire(id, at, reason);
        }
        let Some(order) = self.orders.get(&id) else { return };
        let done = order.parts.as_ref().is_none_or(|parts| parts.left.is_empty());
        if done && !order.status.is_final() {
            self.expire(id, at, "there is nothing left to reduce");
        }
    }

    fn execute(
        &mut self,
        id: ClientOrderId,
        terms: Terms,
        at: Timestamp,
        quantity: Quantity,
    ) -> Result<(), &'static str> {
        let Some(order) = self.orders.get(&id) else { return Ok(()) };
        let (symbol, side, number) = (order.symbol.clone(), order.side, order.number);
        let received = side == Side::Long && self.settings.fee_currency == FeeCurrency::Received;
        let (unit, fee_currency) =
            if received { (1.0, symbol.base()) } else { (terms.price, symbol.quote()) };
        let fee = self.settings.costs.fee(unit, quantity.to_f64(), terms.liquidity);
        let no_figure = "its price or fee is no exact figure";
        let price = Price::from_f64(terms.price).map_err(|_| no_figure)?;
        let reference = Price::from_f64(terms.reference).map_err(|_| no_figure)?;
        let fee = Amount::from_f64(fee).map_err(|_| no_figure)?;
        let booking = Booking { symbol: &symbol, side, quantity, price, fee, fee_currency };
        match self.settings.account {
            AccountKind::Spot if !self.can_pay(id, &booking) => {
                return Err("the money did not suffice when it executed");
            }
            AccountKind::Spot => self.wallet.book_spot(&booking),
            AccountKind::Margin { .. } => self.wallet.book_margin(&booking),
        }
        self.changes += 1;
        let Some(order) = self.orders.get_mut(&id) else { return Ok(()) };
        order.filled = order.filled.plus(quantity);
        order.at = at;
        let simulated = Simulated { reference, ambiguous: terms.ambiguous, moment: terms.moment };
        order.executions.push(Execution {
            id: format!("{number}-{}", order.executions.len() + 1),
            quantity,
            price,
            fee,
            fee_currency: fee_currency.to_owned(),
            liquidity: terms.liquidity,
            at,
            simulated: Some(simulated),
        });
        let (sibling, is_filled) = (order.sibling, order.filled >= order.quantity);
        if is_filled {
            order.status = OrderStatus::Filled;
            self.open.remove(&number);
        }
        self.told.push_back(order.report(order.executions.len() - 1));
        if is_filled {
            self.remember(id);
        }
        if let Some(sibling) = sibling {
            self.end_order(sibling, OrderStatus::Cancelled, at, "the other leg was filled");
        }
        Ok(())
    }

    fn expire(&mut self, id: ClientOrderId, at: Timestamp, reason: &str) {
        self.end_order(id, OrderStatus::Expired, at, reason);
        if let Some(sibling) = self.orders.get(&id).and_then(|order| order.sibling) {
            self.end_order(sibling, OrderStatus::Expired, at, reason);
        }
    }

    /// Takes an order out of the book, and tells of it; nothing if it is not there.
    pub(super) fn end_order(
        &mut self,
        id: ClientOrderId,
        status: OrderStatus,
        at: Timestamp,
        reason: &str,
    ) {
        let Some(order) = self.orders.get_mut(&id) else { return };
        if order.status.is_final() {
            return;
        }
        self.changes += 1;
        order.status = status;
        order.reason = Some(reason.to_owned());
        order.at = at;
        order.parts = None;
        self.open.remove(&order.number);
        self.told.push_back(order.report(order.executions.len()));
        self.remember(id);
    }

    /// An order has ended: it is remembered until many others have.
    fn remember(&mut self, id: ClientOrderId) {
        self.ended.push_back(id);
        if self.ended.len() <= ENDED {
            return;
        }
        let Some(oldest) = self.ended.pop_front() else { return };
        self.orders.remove(&oldest);
        let legs = [Leg::Stop, Leg::Target].map(|leg| oldest.group().leg(leg));
        if !legs.iter().any(|leg| self.orders.contains_key(leg)) {
            self.pairs.remove(&oldest.group());
        }
        let highest = self.forgotten.entry(oldest.run()).or_default();
        *highest = oldest.sequence().max(*highest);
    }
}

/// The exact prices of floats.
fn prices<const N: usize>(
    symbol: &Symbol,
    floats: [f64; N],
) -> Result<[Price; N], SimulationError> {
    let impossible = |error: crate::money::MoneyError| SimulationError::Impossible {
        symbol: symbol.clone(),
        reason: error.to_string(),
    };
    let mut last = Price::from_f64(1.0).map_err(impossible)?;
    let mut exact = [last; N];
    for (exact, float) in exact.iter_mut().zip(floats) {
        last = Price::from_f64(float).map_err(impossible)?;
        *exact = last;
    }
    Ok(exact)
}

/// Sizes of the parts of an execution, on the step of quantities, the first one last.
fn split(
    partial: PartialFills,
    number: u64,
    quantity: Quantity,
    step: Option<Quantity>,
) -> Vec<Quantity> {
    let mut random = partial.seed.stream(&format!("parts of order {number}"));
    let (mut left, mut parts) = (quantity, Vec::new());
    for more in (1..partial.parts).rev() {
        let share = random.random_range(0.5..1.5) / f64::from(more + 1);
        let part = Quantity::from_f64(left.to_f64() * share).unwrap_or_default();
        // Without a step, a millionth of the order is fine enough.
        let grid = step.or_else(|| Quantity::from_f64(quantity.to_f64() / 1e6).ok());
        let part = grid.map_or(part, |grid| part.floor_to(grid));
        if !part.is_zero() && part < left {
            parts.push(part);
            left = left.minus(part);
        }
    }
    parts.push(left);
    parts.reverse();
    parts
}
