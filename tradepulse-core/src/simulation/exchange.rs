mod admission;
mod order;
mod settings;
mod state;
mod wallet;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use async_trait::async_trait;

pub use settings::{
    AccountKind, FeeCurrency, PartialFills, SimulatedExchangeSettings, SimulationError,
};
pub use state::ExchangeState;

use crate::exchange::{
    Balance, CancelOutcome, Capabilities, Exchange, ExchangeError, OpenOrders, VenueEvent,
    VenuePosition,
};
use crate::market::{Candle, Symbol};
use crate::order::{ClientOrderId, Leg, OrderReport, OrderRequest, OrderStatus};
use crate::risk::Approved;
use crate::strategy::Quote;
use crate::time::{Timeframe, Timestamp};

/// A venue made of candles and quotes, behind the port [`Exchange`].
///
/// It has no clock: time is what its markets are told. Whoever drives it
///
/// 1. tells it of a closed candle ([`begin`](Self::begin)),
/// 2. calls [`drain`](Exchange::drain) and acts on what it says, until it says nothing,
/// 3. decides at the close, and submits.
///
/// Each call of `drain` hands out what has happened, or, if that is nothing, makes the next fill
/// happen: waiting market orders at the open in the order they came, then what else fills at the
/// open, then what fills inside the candle, stops before targets. So an order that answers a fill
/// is tested against the same candle, as in [`Venue`](super::Venue). A market order that comes
/// while a candle is being met, and every order that comes after it, waits for the next one.
///
/// Between candles, [`quote`](Self::quote) fills at bid and ask at once. Orders never meet a
/// candle that opened before they arrived.
///
/// Prices, sizes and fees are reckoned in floats by the code of `Venue`, and pass the money door;
/// money is booked exactly. An order that could be paid when it came, and cannot when it executes,
/// expires. Ended orders are remembered for good.
#[derive(Debug)]
pub struct SimulatedExchange {
    capabilities: Capabilities,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    state: ExchangeState,
    waiting: Vec<Waker>,
}

impl Inner {
    fn wake(&mut self) {
        self.waiting.drain(..).for_each(Waker::wake);
    }
}

impl SimulatedExchange {
    /// A venue that has seen nothing yet.
    ///
    /// # Errors
    /// [`SimulationError::Settings`].
    pub fn new(settings: SimulatedExchangeSettings) -> Result<Self, SimulationError> {
        ExchangeState::new(settings).map(Self::restore)
    }

    /// The venue that was in this state.
    pub fn restore(state: ExchangeState) -> Self {
        let capabilities = state.settings.capabilities.clone();
        Self { capabilities, inner: Mutex::new(Inner { state, waiting: Vec::new() }) }
    }

    /// All it is and knows, what has not been drained included.
    pub fn snapshot(&self) -> ExchangeState {
        self.lock().state.clone()
    }

    /// Begins to meet a closed candle. One of the same market that was not drained to its end is
    /// met to its end first.
    ///
    /// # Errors
    /// For a market it does not have, and prices that cannot be.
    pub fn begin(
        &self,
        symbol: &Symbol,
        candle: &Candle,
        timeframe: Timeframe,
    ) -> Result<(), SimulationError> {
        let mut inner = self.lock();
        inner.state.begin(symbol, *candle, timeframe)?;
        inner.wake();
        Ok(())
    }

    /// Meets a quote: market orders fill at the ask or bid, without slippage; stops that it reaches
    /// too; resting limit orders at their own price. What fills is told by the next
    /// [`drain`](Exchange::drain), all at once.
    ///
    /// # Errors
    /// For a market it does not have, and prices that cannot be.
    pub fn quote(
        &self,
        symbol: &Symbol,
        quote: Quote,
        at: Timestamp,
    ) -> Result<(), SimulationError> {
        let mut inner = self.lock();
        inner.state.quote(symbol, quote, at)?;
        inner.wake();
        Ok(())
    }

    /// When the last candle closed, or will have, that was begun in this market.
    pub fn last_close(&self, symbol: &Symbol) -> Option<Timestamp> {
        self.lock().state.markets.get(symbol).and_then(|market| market.last_close())
    }

    /// Fills waiting market orders at the close of the last candle, at the time `at`: how a run
    /// ends. Nothing happens where there was no candle.
    ///
    /// # Errors
    /// For a market it does not have.
    pub fn fill_at_close(&self, symbol: &Symbol, at: Timestamp) -> Result<(), SimulationError> {
        let mut inner = self.lock();
        inner.state.fill_at_close(symbol, at)?;
        inner.wake();
        Ok(())
    }

    /// Takes an order from whoever sends it, as a venue does: for servers that make a venue of this.
    /// Whoever trades goes through the risk gate and [`submit`](Exchange::submit).
    ///
    /// # Errors
    /// As [`submit`](Exchange::submit).
    pub fn take(&self, order: &OrderRequest) -> Result<Vec<OrderReport>, ExchangeError> {
        let mut inner = self.lock();
        let reports = inner.state.submit(order)?;
        inner.wake();
        Ok(reports)
    }

    /// Puts an order that is not ours into the book, where it rests and never fills.
    ///
    /// # Errors
    /// For a market it does not have.
    pub fn place_foreign(&self, symbol: &Symbol, venue_id: &str) -> Result<(), SimulationError> {
        let mut inner = self.lock();
        if !inner.state.markets.contains_key(symbol) {
            return Err(SimulationError::UnknownMarket(symbol.clone()));
        }
        inner.state.changes += 1;
        inner.state.foreign.push((symbol.clone(), venue_id.to_owned()));
        Ok(())
    }

    /// Rises when something happens that a saved state has to have. Quotes that fill nothing move
    /// the last price only, and do not count. Begins at 0 in each process.
    pub fn changes(&self) -> u64 {
        self.lock().state.changes
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Exchange for SimulatedExchange {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn submit(
        &self,
        order: &Approved<OrderRequest>,
    ) -> Result<Vec<OrderReport>, ExchangeError> {
        self.take(order.get())
    }

    async fn cancel(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<CancelOutcome, ExchangeError> {
        let mut inner = self.lock();
        let outcome = inner.state.cancel(symbol, id);
        inner.wake();
        Ok(outcome)
    }

    async fn order(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<Option<OrderReport>, ExchangeError> {
        let inner = self.lock();
        let found = inner.state.find(symbol, id);
        Ok(found.first().and_then(|id| inner.state.orders.get(id)).map(|order| order.report(0)))
    }

    async fn open_orders(&self, symbol: &Symbol) -> Result<OpenOrders, ExchangeError> {
        let state = &self.lock().state;
        let ours = state.open.values().filter_map(|id| state.orders.get(id));
        let foreign = state.foreign.iter().filter(|(other, _)| other == symbol);
        Ok(OpenOrders {
            ours: ours.filter(|o| o.symbol == *symbol).map(|o| o.report(0)).collect(),
            foreign: foreign.map(|(_, venue_id)| venue_id.clone()).collect(),
        })
    }

    async fn balances(&self) -> Result<Vec<Balance>, ExchangeError> {
        Ok(self.lock().state.balances())
    }

    async fn positions(&self) -> Result<Vec<VenuePosition>, ExchangeError> {
        Ok(self.lock().state.wallet.positions())
    }

    fn drain(&self) -> Vec<VenueEvent> {
        let state = &mut self.lock().state;
        if state.told.is_empty() {
            state.advance();
        }
        state.changes += u64::from(!state.told.is_empty());
        state.told.drain(..).map(VenueEvent::Order).collect()
    }

    async fn wait(&self) {
        std::future::poll_fn(|context| {
            let mut inner = self.lock();
            if !inner.state.told.is_empty() || inner.state.has_something_due() {
                return Poll::Ready(());
            }
            if !inner.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                inner.waiting.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }
}

impl ExchangeState {
    /// The same state under other settings: other costs, rules, or more markets. Balances stay as
    /// they are.
    ///
    /// # Errors
    /// If the settings contradict themselves, leave out a market, or turn a spot account into a
    /// margin account or back.
    pub fn under(mut self, settings: SimulatedExchangeSettings) -> Result<Self, SimulationError> {
        settings.check()?;
        let refused = |reason| Err(SimulationError::Settings { reason });
        let is_margin = |account| matches!(account, AccountKind::Margin { .. });
        if is_margin(settings.account) != is_margin(self.settings.account) {
            return refused("the account was of another kind: begin a new one");
        }
        if !self.markets.keys().all(|symbol| settings.markets.contains_key(symbol)) {
            return refused("a market that was traded is left out: add it");
        }
        for symbol in settings.markets.keys() {
            self.markets.entry(symbol.clone()).or_default();
        }
        self.settings = settings;
        Ok(self)
    }

    /// The order of this id, or the legs of the pair, in this market.
    fn find(&self, symbol: &Symbol, id: ClientOrderId) -> Vec<ClientOrderId> {
        let ids = if self.pairs.contains(&id) {
            vec![id.leg(Leg::Stop), id.leg(Leg::Target)]
        } else {
            vec![id]
        };
        let here = |id: &ClientOrderId| self.orders.get(id).is_some_and(|o| o.symbol == *symbol);
        ids.into_iter().filter(here).collect()
    }

    fn cancel(&mut self, symbol: &Symbol, id: ClientOrderId) -> CancelOutcome {
        let mut ids = self.find(symbol, id);
        let Some(first) = ids.first() else { return CancelOutcome::NotFound };
        if let Some(sibling) = self.orders.get(first).and_then(|order| order.sibling)
            && !ids.contains(&sibling)
        {
            ids.push(sibling);
        }
        let is_open =
            |id: &ClientOrderId| self.orders.get(id).is_some_and(|o| !o.status.is_final());
        let any_open = ids.iter().any(is_open);
        let now = self.markets.get(symbol).map_or_else(Timestamp::default, |market| market.now);
        for id in &ids {
            self.end_order(*id, OrderStatus::Cancelled, now, "cancelled on request");
        }
        let reports = ids.iter().filter_map(|id| self.orders.get(id)).map(|o| o.report(0));
        let reports = reports.collect();
        if any_open { CancelOutcome::Cancelled(reports) } else { CancelOutcome::TooLate(reports) }
    }
}

#[cfg(test)]
mod tests;
