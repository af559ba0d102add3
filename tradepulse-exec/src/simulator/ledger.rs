use std::collections::BTreeMap;

use rust_decimal::Decimal;
use tradepulse_core::exchange::{
    Balance, CancelOutcome, Exchange, ExchangeError, VenueEvent, VenuePosition,
};
use tradepulse_core::market::{Candle, Symbol};
use tradepulse_core::money::{Amount, Price, Quantity};
use tradepulse_core::order::{
    ClientOrderId, Leg, Liquidity, OrderReport, OrderRequest, OrderStatus, RequestKind, RunTag,
    Side,
};
use tradepulse_core::simulation::{SimulatedExchange, SimulationError};
use tradepulse_core::strategy::Quote;
use tradepulse_core::time::{Timeframe, Timestamp};

use super::settings::SimulatorSettings;

/// Kinds of orders, in no dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OrderType {
    Market,
    Limit,
    LimitMaker,
    Stop,
    StopLimit,
    /// A market order once the price has reached the trigger: simulated as a limit order there.
    TakeProfit,
    /// The same with a limit order: it fills at the trigger or its limit, whichever comes later.
    TakeProfitLimit,
}

/// An order as a client gives it.
#[derive(Clone, Debug)]
pub(super) struct NewOrder {
    pub(super) client_id: String,
    pub(super) symbol: Symbol,
    pub(super) side: Side,
    pub(super) kind: OrderType,
    pub(super) time_in_force: &'static str,
    pub(super) quantity: Quantity,
    pub(super) price: Option<Price>,
    pub(super) trigger: Option<Price>,
    pub(super) reduce_only: bool,
}

/// A pair as a client gives it.
#[derive(Clone, Debug)]
pub(super) struct NewPair {
    pub(super) client_id: String,
    pub(super) stop: NewOrder,
    pub(super) target: NewOrder,
}

/// An order that was taken.
#[derive(Clone, Debug)]
pub(super) struct PlacedOrder {
    pub(super) number: i64,
    pub(super) new: NewOrder,
    /// The pair that it is a leg of.
    pub(super) list: Option<i64>,
    pub(super) status: OrderStatus,
    pub(super) filled: Quantity,
    /// Quote currency paid or received.
    pub(super) paid: Decimal,
    pub(super) trades: Vec<Trade>,
    pub(super) created_ms: i64,
    pub(super) updated_ms: i64,
    internal: ClientOrderId,
    announced: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Trade {
    pub(super) id: i64,
    pub(super) quantity: Quantity,
    pub(super) price: Price,
    pub(super) fee: Amount,
    pub(super) fee_currency: String,
    pub(super) is_maker: bool,
    pub(super) at_ms: i64,
}

#[derive(Clone, Debug)]
pub(super) struct PlacedPair {
    pub(super) number: i64,
    pub(super) client_id: String,
    pub(super) symbol: Symbol,
    /// Stop and target.
    pub(super) orders: [i64; 2],
    pub(super) created_ms: i64,
}

/// Something has happened to an order, as it is then.
#[derive(Clone, Debug)]
pub(super) struct Happened {
    pub(super) order: PlacedOrder,
    pub(super) what: Happening,
}

#[derive(Clone, Debug)]
pub(super) enum Happening {
    New,
    Trade(Trade),
    Cancelled,
    Expired,
}

/// The orders of a venue under the numbers and names that its clients know.
#[derive(Debug)]
pub(super) struct Ledger {
    exchange: SimulatedExchange,
    orders: BTreeMap<i64, PlacedOrder>,
    pairs: BTreeMap<i64, PlacedPair>,
    by_internal: BTreeMap<ClientOrderId, i64>,
    by_client_id: BTreeMap<String, i64>,
    sequence: u32,
    trades: i64,
    /// The time of the markets, which is that of their candles.
    market_time: Timestamp,
    happened: Vec<Happened>,
}

impl Ledger {
    pub(super) fn new(settings: &SimulatorSettings) -> Result<Self, SimulationError> {
        let exchange = SimulatedExchange::new(settings.venue())?;
        let mut ledger = Self {
            exchange,
            orders: BTreeMap::new(),
            pairs: BTreeMap::new(),
            by_internal: BTreeMap::new(),
            by_client_id: BTreeMap::new(),
            sequence: 0,
            trades: 0,
            market_time: Timestamp::EARLIEST,
            happened: Vec::new(),
        };
        for market in &settings.markets {
            if let Some(candle) = market.history.last() {
                ledger.meet(&market.symbol, candle, market.timeframe, 0)?;
            }
        }
        Ok(ledger)
    }

    /// What has happened since the last call.
    pub(super) fn take_happened(&mut self) -> Vec<Happened> {
        std::mem::take(&mut self.happened)
    }

    pub(super) fn order(&self, number: i64) -> Option<&PlacedOrder> {
        self.orders.get(&number)
    }

    pub(super) fn order_named(&self, client_id: &str) -> Option<&PlacedOrder> {
        self.orders.get(self.by_client_id.get(client_id)?)
    }

    pub(super) fn orders(&self) -> impl Iterator<Item = &PlacedOrder> {
        self.orders.values()
    }

    pub(super) fn pair(&self, number: i64) -> Option<&PlacedPair> {
        self.pairs.get(&number)
    }

    pub(super) fn pairs(&self) -> impl Iterator<Item = &PlacedPair> {
        self.pairs.values()
    }

    /// Whether an order of this name is in the book: names are free again once it has ended.
    pub(super) fn is_taken(&self, client_id: &str) -> bool {
        self.order_named(client_id).is_some_and(|order| !order.status.is_final())
    }

    /// Meets a closed candle to its end.
    pub(super) fn meet(
        &mut self,
        symbol: &Symbol,
        candle: &Candle,
        timeframe: Timeframe,
        now_ms: i64,
    ) -> Result<(), SimulationError> {
        self.exchange.begin(symbol, candle, timeframe)?;
        self.pump(now_ms);
        let close = Timestamp::from_ms(candle.open_time.as_ms() + timeframe.as_ms());
        self.market_time = self.market_time.max(close);
        Ok(())
    }

    /// Meets a price: what can execute there does.
    pub(super) fn meet_price(&mut self, symbol: &Symbol, price: Price, now_ms: i64) {
        let price = price.to_f64();
        let quote = Quote { bid: price, ask: price };
        // The market is one of the venue's and the price is one: it cannot be refused.
        let _ = self.exchange.quote(symbol, quote, self.market_time);
        self.pump(now_ms);
    }

    /// Takes an order into the book; what can execute at `last` does. Its number.
    pub(super) fn place(
        &mut self,
        new: NewOrder,
        last: Price,
        now_ms: i64,
    ) -> Result<i64, ExchangeError> {
        let kind = match (new.kind, new.price, new.trigger) {
            (OrderType::Market, ..) => RequestKind::Market,
            (OrderType::Limit | OrderType::LimitMaker, Some(price), _) => {
                RequestKind::Limit { price }
            }
            (OrderType::Stop, _, Some(trigger)) => RequestKind::Stop { trigger },
            (OrderType::StopLimit, Some(price), Some(trigger)) => {
                RequestKind::StopLimit { trigger, price }
            }
            (OrderType::TakeProfit, _, Some(price)) => RequestKind::Limit { price },
            (OrderType::TakeProfitLimit, Some(price), Some(trigger)) => {
                let price = match new.side {
                    Side::Long => price.min(trigger),
                    Side::Short => price.max(trigger),
                };
                RequestKind::Limit { price }
            }
            _ => return Err(ExchangeError::Unsupported("an order without its prices")),
        };
        let internal = self.next_id();
        let request = OrderRequest {
            id: internal,
            symbol: new.symbol.clone(),
            side: new.side,
            quantity: new.quantity,
            kind,
            reduce_only: new.reduce_only,
        };
        self.exchange.take(&request)?;
        let (symbol, is_immediate) = (new.symbol.clone(), new.time_in_force != "GTC");
        let number = self.record(new, internal, None, now_ms);
        self.pump(now_ms);
        self.meet_price(&symbol, last, now_ms);
        if is_immediate
            && let Some(order) = self.orders.get(&number)
            && !order.status.is_final()
        {
            self.end(&symbol, internal, Happening::Expired, now_ms);
        }
        Ok(number)
    }

    /// Takes a pair into the book. Its number.
    pub(super) fn place_pair(&mut self, pair: NewPair, now_ms: i64) -> Result<i64, ExchangeError> {
        let (Some(stop), Some(target)) = (pair.stop.trigger, pair.target.price) else {
            return Err(ExchangeError::Unsupported("a pair without its prices"));
        };
        let internal = self.next_id();
        let symbol = pair.stop.symbol.clone();
        let request = OrderRequest {
            id: internal,
            symbol: symbol.clone(),
            side: pair.stop.side,
            quantity: pair.stop.quantity,
            kind: RequestKind::Oco { stop, target },
            reduce_only: false,
        };
        self.exchange.take(&request)?;
        let number = i64::from(self.sequence);
        let orders = [(pair.stop, Leg::Stop), (pair.target, Leg::Target)]
            .map(|(new, leg)| self.record(new, internal.leg(leg), Some(number), now_ms));
        let client_id = pair.client_id;
        let placed = PlacedPair { number, client_id, symbol, orders, created_ms: now_ms };
        self.pairs.insert(number, placed);
        self.pump(now_ms);
        Ok(number)
    }

    /// Takes an order out of the book, and the other leg of its pair with it. `false` if it is
    /// not there.
    pub(super) fn cancel(&mut self, number: i64, now_ms: i64) -> bool {
        let Some(order) = self.orders.get(&number) else { return false };
        if order.status.is_final() {
            return false;
        }
        let (symbol, internal) = (order.new.symbol.clone(), order.internal);
        self.end(&symbol, internal, Happening::Cancelled, now_ms)
    }

    fn end(
        &mut self,
        symbol: &Symbol,
        internal: ClientOrderId,
        what: Happening,
        now_ms: i64,
    ) -> bool {
        self.pump(now_ms);
        let outcome = immediate(self.exchange.cancel(symbol, internal));
        let cancelled = matches!(outcome, Some(Ok(CancelOutcome::Cancelled(_))));
        let expired = matches!(what, Happening::Expired);
        for event in self.exchange.drain() {
            if let VenueEvent::Order(mut report) = event {
                if expired && report.status == OrderStatus::Cancelled {
                    report.status = OrderStatus::Expired;
                }
                self.take(&report, now_ms);
            }
        }
        cancelled
    }

    pub(super) fn balances(&self) -> Vec<Balance> {
        immediate(self.exchange.balances()).and_then(Result::ok).unwrap_or_default()
    }

    pub(super) fn positions(&self) -> Vec<VenuePosition> {
        immediate(self.exchange.positions()).and_then(Result::ok).unwrap_or_default()
    }

    fn next_id(&mut self) -> ClientOrderId {
        self.sequence += 1;
        ClientOrderId::new(RunTag::new(0), self.sequence)
    }

    fn record(
        &mut self,
        new: NewOrder,
        internal: ClientOrderId,
        list: Option<i64>,
        now_ms: i64,
    ) -> i64 {
        let number = self.orders.last_key_value().map_or(1, |(last, _)| last + 1);
        self.by_internal.insert(internal, number);
        self.by_client_id.insert(new.client_id.clone(), number);
        let order = PlacedOrder {
            number,
            new,
            list,
            status: OrderStatus::Open,
            filled: Quantity::ZERO,
            paid: Decimal::ZERO,
            trades: Vec::new(),
            created_ms: now_ms,
            updated_ms: now_ms,
            internal,
            announced: false,
        };
        self.orders.insert(number, order);
        number
    }

    /// Makes everything happen that is due, and notes it.
    fn pump(&mut self, now_ms: i64) {
        loop {
            let events = self.exchange.drain();
            if events.is_empty() {
                return;
            }
            for event in events {
                if let VenueEvent::Order(report) = event {
                    self.take(&report, now_ms);
                }
            }
        }
    }

    fn take(&mut self, report: &OrderReport, now_ms: i64) {
        let number = self.by_internal.get(&report.id);
        let Some(order) = number.and_then(|number| self.orders.get_mut(number)) else { return };
        order.updated_ms = now_ms;
        if !order.announced {
            order.announced = true;
            self.happened.push(Happened { order: order.clone(), what: Happening::New });
        }
        for (at, execution) in report.executions.iter().enumerate() {
            self.trades += 1;
            let trade = Trade {
                id: self.trades,
                quantity: execution.quantity,
                price: execution.price,
                fee: execution.fee,
                fee_currency: execution.fee_currency.clone(),
                is_maker: execution.liquidity == Liquidity::Maker,
                at_ms: now_ms,
            };
            order.filled = order.filled.plus(execution.quantity);
            order.paid += Decimal::from(execution.quantity.times(execution.price));
            order.trades.push(trade.clone());
            if at + 1 == report.executions.len() {
                order.status = report.status;
            }
            self.happened.push(Happened { order: order.clone(), what: Happening::Trade(trade) });
        }
        if report.executions.is_empty() && report.status != order.status {
            // A leg whose other leg was filled is ended by the venue, not by its owner.
            let by_request = report.reason.as_deref() == Some("cancelled on request");
            let cancelled = report.status == OrderStatus::Cancelled && by_request;
            let what = if cancelled { Happening::Cancelled } else { Happening::Expired };
            order.status = if cancelled { OrderStatus::Cancelled } else { OrderStatus::Expired };
            self.happened.push(Happened { order: order.clone(), what });
        }
    }
}

/// The simulated venue answers at once: its futures are ready when they are first asked.
fn immediate<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(value) => Some(value),
        std::task::Poll::Pending => None,
    }
}
