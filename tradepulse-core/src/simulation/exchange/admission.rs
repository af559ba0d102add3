use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::AccountKind;
use super::order::{Condition, VenueOrder};
use super::settings::FeeCurrency;
use super::state::ExchangeState;
use super::wallet::{Booking, amount};
use crate::exchange::{Balance, ExchangeError, Protection, RejectKind};
use crate::market::Symbol;
use crate::money::{Amount, Price, Quantity};
use crate::order::{ClientOrderId, Leg, OrderReport, OrderRequest, OrderStatus, RequestKind, Side};
use crate::time::Timestamp;

fn rejected(kind: RejectKind, reason: impl Into<String>) -> ExchangeError {
    ExchangeError::Rejected { kind, code: None, reason: reason.into() }
}

impl ExchangeState {
    /// Takes an order into the book, or says why not.
    pub(super) fn submit(
        &mut self,
        request: &OrderRequest,
    ) -> Result<Vec<OrderReport>, ExchangeError> {
        self.check_support(request)?;
        let market = self.markets.get(&request.symbol).ok_or_else(|| {
            rejected(RejectKind::Symbol, format!("there is no market {}", request.symbol))
        })?;
        if self.is_known(request) {
            let reason = format!("the id {} has been used", request.id);
            return Err(rejected(RejectKind::Duplicate, reason));
        }
        let Some(price) = reference_price(request, market.last_price) else {
            let reason = format!("{} has no price yet: no candle, no quote", request.symbol);
            return Err(rejected(RejectKind::Closed, reason));
        };
        self.check_rules(request, price)?;
        let (now, candle) = (market.now, market.candles);
        let unit_cost = self.unit_cost(request, price);
        let effective = Timestamp::from_ms(now.as_ms().saturating_add(self.settings.latency_ms));
        let legs = conditions(request);
        let paired = legs.len() > 1;
        let mut orders = Vec::with_capacity(legs.len());
        for (id, condition) in legs {
            let sibling = match id.which_leg() {
                Some(Leg::Stop) if paired => Some(id.leg(Leg::Target)),
                Some(Leg::Target) if paired => Some(id.leg(Leg::Stop)),
                _ => None,
            };
            orders.push(VenueOrder {
                id,
                symbol: request.symbol.clone(),
                side: request.side,
                quantity: request.quantity,
                condition,
                reduce_only: request.reduce_only,
                sibling,
                number: self.last_number + 1 + orders.len() as u64,
                effective,
                candle,
                rested: false,
                unit_cost,
                parts: None,
                status: OrderStatus::Open,
                filled: Quantity::ZERO,
                executions: Vec::new(),
                reason: None,
                at: now,
            });
        }
        if let Some(order) = orders.first() {
            self.check_money(order)?;
        }
        self.changes += 1;
        if paired {
            self.pairs.insert(request.id);
        }
        let mut reports = Vec::with_capacity(orders.len());
        for order in orders {
            self.last_number = order.number;
            reports.push(order.report(0));
            self.open.insert(order.number, order.id);
            self.orders.insert(order.id, order);
        }
        self.told.extend(reports.iter().cloned());
        Ok(reports)
    }

    fn is_known(&self, request: &OrderRequest) -> bool {
        let id = request.id;
        self.forgotten.get(&id.run()).is_some_and(|highest| id.sequence() <= *highest)
            || self.orders.contains_key(&id)
            || self.pairs.contains(&id)
            || request.reported_as().any(|id| self.orders.contains_key(&id))
    }

    fn check_support(&self, request: &OrderRequest) -> Result<(), ExchangeError> {
        let can = &self.settings.capabilities;
        let unsupported = |what| Err(ExchangeError::Unsupported(what));
        match request.kind {
            RequestKind::Limit { .. } if !can.limit => return unsupported("a limit order"),
            RequestKind::StopLimit { .. } if !can.stop_limit => {
                return unsupported("a stop-limit order");
            }
            RequestKind::Stop { .. } if can.protection == Protection::Watched => {
                return unsupported("a stop order");
            }
            RequestKind::Oco { .. } if can.protection != Protection::NativeOco => {
                return unsupported("a native pair");
            }
            _ => {}
        }
        let reduces_by_nature =
            self.settings.account == AccountKind::Spot && request.side == Side::Short;
        if request.reduce_only && !can.reduce_only && !reduces_by_nature {
            return unsupported("a reduce-only order");
        }
        Ok(())
    }

    /// The filters of the market.
    fn check_rules(&self, request: &OrderRequest, price: Price) -> Result<(), ExchangeError> {
        let rules = self.settings.markets.get(&request.symbol).copied().unwrap_or_default();
        let refused = |reason: String| Err(rejected(RejectKind::Filter, reason));
        let quantity = request.quantity;
        if quantity.is_zero() {
            return refused("the quantity is zero".into());
        }
        let instrument = rules.instrument;
        if let Some(step) = instrument.quantity_step
            && quantity.floor_to(step) != quantity
        {
            return refused(format!("the quantity {quantity} is no multiple of {step}"));
        }
        if let Some(min) = instrument.min_quantity
            && quantity < min
        {
            return refused(format!("the quantity {quantity} is below {min}"));
        }
        let prices = request.kind.prices();
        if let Some(tick) = rules.price_tick {
            for price in prices.into_iter().flatten() {
                if price.floor_to(tick) != price {
                    return refused(format!("the price {price} is no multiple of {tick}"));
                }
            }
        }
        let lowest = prices.into_iter().flatten().min().unwrap_or(price);
        if let Some(min) = instrument.min_notional
            && !request.reduce_only
            && quantity.times(lowest) < amount(min)
        {
            return refused(format!("{quantity} at {lowest} is worth less than {min}"));
        }
        if let RequestKind::Oco { stop, target } = request.kind
            && (stop < target) != (request.side == Side::Short)
        {
            let reason = format!("stop {stop} and target {target} are on the wrong sides");
            return Err(rejected(RejectKind::Other, reason));
        }
        Ok(())
    }

    /// What a unit of a buy can cost, fees included, in quote currency.
    fn unit_cost(&self, request: &OrderRequest, price: Price) -> Price {
        let costs = &self.settings.costs;
        let fee = match self.settings.fee_currency {
            FeeCurrency::Quote => costs.taker_fee.max(costs.maker_fee).max(0.0),
            FeeCurrency::Received => 0.0,
        };
        let slippage = match request.kind {
            RequestKind::Limit { .. } | RequestKind::StopLimit { .. } => 0.0,
            _ => costs.slippage.expected(),
        };
        let highest = request.kind.prices().into_iter().flatten().max().unwrap_or(price);
        Price::from_f64(highest.to_f64() * (1.0 + slippage) * (1.0 + fee)).unwrap_or(highest)
    }

    fn check_money(&self, order: &VenueOrder) -> Result<(), ExchangeError> {
        let balance = |reason| Err(rejected(RejectKind::Balance, reason));
        match self.settings.account {
            AccountKind::Spot => {
                let (currency, needed) = bound_by(order);
                let bound = self.bound(currency, None);
                let free = self.wallet.held(currency).plus(-bound);
                if free < needed {
                    return balance(format!("{needed} {currency} needed, {free} free"));
                }
            }
            AccountKind::Margin { leverage } => {
                if order.reduce_only {
                    if self.reducible(&order.symbol, order.side).is_zero() {
                        return balance(format!(
                            "there is no position in {} to reduce",
                            order.symbol
                        ));
                    }
                    return Ok(());
                }
                let currency = order.symbol.quote();
                let before = self.margin(currency, leverage, None);
                let after = self.margin(currency, leverage, Some(order));
                let equity = self.equity(currency);
                if after > before && after > equity {
                    return balance(format!(
                        "{after} {currency} of margin needed, equity {equity}"
                    ));
                }
            }
        }
        Ok(())
    }

    /// Whether a spot account can give what this execution takes, besides what others have bound.
    pub(super) fn can_pay(&self, id: ClientOrderId, booking: &Booking<'_>) -> bool {
        let (currency, needed) = match booking.side {
            Side::Short => (booking.symbol.base(), amount(booking.quantity)),
            Side::Long => {
                let fee = if booking.fee_currency == booking.symbol.quote() {
                    booking.fee
                } else {
                    Amount::ZERO
                };
                (booking.symbol.quote(), booking.quantity.times(booking.price).plus(fee))
            }
        };
        self.wallet.held(currency).plus(-self.bound(currency, Some(id))) >= needed
    }

    /// Orders that bind money: of a pair, whose legs bind it once, the first that is open.
    fn binding(&self, except: Option<ClientOrderId>) -> impl Iterator<Item = &VenueOrder> {
        let orders = self.open.values().filter_map(|id| self.orders.get(id));
        orders.filter(move |order| {
            let other = order.sibling.and_then(|id| self.orders.get(&id));
            let counted = other.is_some_and(|o| !o.status.is_final() && o.number < order.number);
            let excepted = except.is_some_and(|id| id == order.id || Some(id) == order.sibling);
            !counted && !excepted
        })
    }

    /// What open orders of a spot account bind of a currency.
    fn bound(&self, currency: &str, except: Option<ClientOrderId>) -> Amount {
        let bound = self.binding(except).map(bound_by).filter(|(bound, _)| *bound == currency);
        bound.fold(Amount::ZERO, |sum, (_, bound)| sum.plus(bound))
    }

    /// The margin that positions and open orders need, and `extra`, if they all fill.
    fn margin(&self, currency: &str, leverage: f64, extra: Option<&VenueOrder>) -> Amount {
        let mut sides: BTreeMap<&Symbol, (Decimal, Decimal, Price)> = BTreeMap::new();
        let orders = self.binding(None).filter(|order| !order.reduce_only).chain(extra);
        for order in orders {
            let mark = self.mark(&order.symbol).unwrap_or(order.unit_cost);
            let (buys, sells, _) =
                sides.entry(&order.symbol).or_insert((Decimal::ZERO, Decimal::ZERO, mark));
            let sum = if order.side == Side::Long { buys } else { sells };
            *sum = sum.checked_add(order.remaining().into()).unwrap_or(Decimal::MAX);
        }
        for (symbol, market) in &self.markets {
            if let Some(mark) = market.last_price {
                sides.entry(symbol).or_insert((Decimal::ZERO, Decimal::ZERO, mark));
            }
        }
        let leverage = Amount::from_f64(leverage).map_or(Decimal::ONE, Decimal::from);
        let mut needed = Amount::ZERO;
        for (symbol, (buys, sells, mark)) in sides {
            if symbol.quote() == currency {
                let position = self.wallet.position(symbol);
                let long = position.checked_add(buys).unwrap_or(Decimal::MAX);
                let short = sells.checked_sub(position).unwrap_or(Decimal::MAX);
                let exposure = Quantity::try_from(long.max(short)).unwrap_or_default();
                let worth = Decimal::from(exposure.times(mark));
                needed = needed.plus(worth.checked_div(leverage).unwrap_or(worth).into());
            }
        }
        needed
    }

    fn mark(&self, symbol: &Symbol) -> Option<Price> {
        self.markets.get(symbol)?.last_price
    }

    /// Cash and what open positions would earn.
    fn equity(&self, currency: &str) -> Amount {
        let mut equity = self.wallet.held(currency);
        for (symbol, market) in &self.markets {
            if symbol.quote() == currency
                && let Some(mark) = market.last_price
            {
                equity = equity.plus(self.wallet.unrealised(symbol, mark));
            }
        }
        equity
    }

    /// What the account holds; of a margin account, the margin in use is what is bound.
    pub(super) fn balances(&self) -> Vec<Balance> {
        let quantity = |a: Amount| Quantity::try_from(Decimal::from(a)).unwrap_or_default();
        let balance = |(currency, held): (&str, Amount)| {
            let bound = match self.settings.account {
                AccountKind::Spot => self.bound(currency, None),
                AccountKind::Margin { leverage } => self.margin(currency, leverage, None),
            };
            let (held, bound) = (quantity(held), quantity(bound));
            let locked = bound.min(held);
            Balance { currency: currency.to_owned(), free: held.minus(locked), locked }
        };
        let balances = self.wallet.currencies().map(balance);
        balances.filter(|b| !b.free.is_zero() || !b.locked.is_zero()).collect()
    }
}

/// What an open order of a spot account binds.
fn bound_by(order: &VenueOrder) -> (&str, Amount) {
    match order.side {
        Side::Short => (order.symbol.base(), amount(order.remaining())),
        Side::Long => (order.symbol.quote(), order.remaining().times(order.unit_cost)),
    }
}

/// The order, or the legs of the pair, with what each waits for.
fn conditions(request: &OrderRequest) -> Vec<(ClientOrderId, Condition)> {
    let id = request.id;
    match request.kind {
        RequestKind::Market => vec![(id, Condition::Market)],
        RequestKind::Limit { price } => vec![(id, Condition::Limit { price })],
        RequestKind::Stop { trigger } => vec![(id, Condition::Stop { trigger })],
        RequestKind::StopLimit { trigger, price } => {
            vec![(id, Condition::StopLimit { trigger, price, triggered: false })]
        }
        RequestKind::Oco { stop, target } => vec![
            (id.leg(Leg::Stop), Condition::Stop { trigger: stop }),
            (id.leg(Leg::Target), Condition::Limit { price: target }),
        ],
    }
}

/// The price to reckon an order with: its own, or the last one of the market.
fn reference_price(request: &OrderRequest, last: Option<Price>) -> Option<Price> {
    request.kind.prices().into_iter().flatten().max().or(last)
}
