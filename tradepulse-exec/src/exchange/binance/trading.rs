use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use reqwest::Method;
use tokio::task::JoinHandle;
use tradepulse_core::exchange::{
    Balance, CancelOutcome, Capabilities, Exchange, ExchangeError, KeyPermissions, OpenOrders,
    RejectKind, VenueEvent, VenuePosition,
};
use tradepulse_core::market::Symbol;
use tradepulse_core::money::Quantity;
use tradepulse_core::order::{
    ClientOrderId, Execution, Leg, OrderReport, OrderRequest, OrderStatus, RequestKind, Side,
};
use tradepulse_core::risk::Approved;

use super::client::{Call, Client};
use super::errors::{CallError, ErrorMessage};
use super::futures_orders::MarginMode;
use super::messages::{OrderMessage, TradeMessage};
use super::symbols::Symbols;
use super::user_events::UserEvents;
use super::{BinanceError, BinanceSettings, connected};
use crate::exchange::event_queue::EventQueue;
use crate::exchange::parameters::Parameters;

/// An account at a venue.
///
/// It listens to the account's events from the moment it is connected until it is dropped.
#[derive(Debug)]
pub struct BinanceExchange {
    pub(super) account: Arc<Account>,
    capabilities: Capabilities,
    listener: JoinHandle<()>,
}

/// What requests and the listener share.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) client: Arc<Client>,
    pub(super) symbols: Symbols,
    pub(super) events: EventQueue,
    /// Ids that were sent: the venue takes an id again once its order has ended.
    sent: Mutex<BTreeSet<ClientOrderId>>,
}

impl BinanceExchange {
    /// Connects: asks for the venue's time and limits, and subscribes to the account's events.
    ///
    /// # Errors
    /// If there is no key, the venue does not answer, or does not accept the key.
    pub async fn connect(settings: BinanceSettings) -> Result<Self, BinanceError> {
        let venue = settings.venue;
        if settings.credentials.is_none() {
            return Err(BinanceError::NoKey(venue));
        }
        let account = Arc::new(Account {
            client: connected(settings).await?,
            symbols: Symbols::default(),
            events: EventQueue::default(),
            sent: Mutex::default(),
        });
        let events = UserEvents::subscribe(Arc::clone(&account)).await;
        let events = events.map_err(|reason| BinanceError::Unreachable { venue, reason })?;
        let listener = tokio::spawn(events.listen());
        Ok(Self { account, capabilities: venue.capabilities(), listener })
    }

    /// How far the venue's clock is ahead of this machine's, milliseconds.
    pub fn clock_offset_ms(&self) -> i64 {
        self.account.client.clock.offset_ms()
    }
}

impl Drop for BinanceExchange {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl Account {
    pub(super) fn is_futures(&self) -> bool {
        self.client.endpoints.venue.is_futures()
    }

    fn sent(&self) -> MutexGuard<'_, BTreeSet<ClientOrderId>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn submit(&self, request: &OrderRequest) -> Result<Vec<OrderReport>, ExchangeError> {
        self.check_support(request)?;
        if !self.sent().insert(request.id) {
            let known =
                self.order(&request.symbol, request.id).await.map_err(|error| match error {
                    ExchangeError::Unavailable(reason) => ExchangeError::NotSent(reason),
                    other => other,
                })?;
            if known.is_some() {
                let reason = format!("an order of the id {} was there", request.id);
                let kind = RejectKind::Duplicate;
                return Err(ExchangeError::Rejected { kind, code: None, reason });
            }
        }
        let result = if self.is_futures() {
            self.submit_futures(request).await
        } else {
            self.submit_spot(request).await
        };
        if let Err(error) = &result
            && !error.outcome_is_unknown()
            && !matches!(error, ExchangeError::Rejected { kind: RejectKind::Duplicate, .. })
        {
            self.sent().remove(&request.id);
        }
        result
    }

    fn check_support(&self, request: &OrderRequest) -> Result<(), ExchangeError> {
        let is_pair = matches!(request.kind, RequestKind::Oco { .. });
        match (self.is_futures(), request.reduce_only, request.side) {
            (true, ..) if is_pair => Err(ExchangeError::Unsupported("a native pair")),
            (false, true, Side::Long) => Err(ExchangeError::Unsupported("a reduce-only order")),
            _ => Ok(()),
        }
    }

    pub(super) async fn order(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<Option<OrderReport>, ExchangeError> {
        if let Some(report) = self.one_order(symbol, id).await? {
            return Ok(Some(report));
        }
        // It may be the id of a pair.
        if self.is_futures() || id.which_leg().is_some() {
            return Ok(None);
        }
        self.one_order(symbol, id.leg(Leg::Stop)).await
    }

    async fn one_order(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<Option<OrderReport>, ExchangeError> {
        if self.is_futures() {
            self.futures_order(symbol, id).await
        } else {
            self.placed_order(symbol, id, &[("origClientOrderId", id.to_string())]).await
        }
    }

    /// An order in the book, or that was there, with all of its executions, reported under `id`.
    pub(super) async fn placed_order(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
        by: &[(&'static str, String)],
    ) -> Result<Option<OrderReport>, ExchangeError> {
        let name = self.symbols.note(symbol);
        let mut parameters = Parameters::new().with("symbol", name);
        for (parameter, value) in by {
            parameters = parameters.with(parameter, value);
        }
        let weight = if self.is_futures() { 1 } else { 4 };
        let call = Call::signed(Method::GET, "order", weight, parameters);
        // Executions may be listed a moment after the order says that it is filled.
        for _ in 0..5 {
            let order: OrderMessage = match self.client.call(&call).await {
                Ok(order) => order,
                Err(CallError::Refused(ErrorMessage { code: -2013, .. })) => return Ok(None),
                Err(error) => return Err(error.of_question()),
            };
            if let Some(report) = self.complete(symbol, id, &order).await? {
                return Ok(Some(report));
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
        Err(ExchangeError::Unavailable(format!("the executions of {id} are not complete yet")))
    }

    /// The report of an order with all of its executions; `None` while they do not add up.
    pub(super) async fn complete(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
        order: &OrderMessage,
    ) -> Result<Option<OrderReport>, ExchangeError> {
        let executions = if order.executed_qty.is_zero() {
            Vec::new()
        } else {
            self.executions(symbol, order.order_id).await?
        };
        let sum = executions.iter().fold(Quantity::ZERO, |sum, e| sum.plus(e.quantity));
        if sum != order.executed_qty {
            return Ok(None);
        }
        self.report(symbol, id, order, executions).map(Some).map_err(CallError::of_question)
    }

    async fn executions(
        &self,
        symbol: &Symbol,
        order_id: i64,
    ) -> Result<Vec<Execution>, ExchangeError> {
        const MOST: usize = 1_000;
        let path = if self.is_futures() { "userTrades" } else { "myTrades" };
        let mut executions: Vec<Execution> = Vec::new();
        let mut from = None;
        loop {
            let mut parameters = Parameters::new()
                .with("symbol", self.symbols.note(symbol))
                .with("orderId", order_id)
                .with("limit", MOST);
            if let Some(id) = from {
                parameters = parameters.with("fromId", id);
            }
            let call = Call::signed(Method::GET, path, 5, parameters);
            let trades: Result<Vec<TradeMessage>, _> = self.client.call(&call).await;
            let trades = trades.map_err(CallError::of_question)?;
            let is_full = trades.len() >= MOST;
            from = trades.iter().map(|trade| trade.id + 1).max();
            executions.extend(trades.into_iter().map(TradeMessage::execution));
            if !is_full {
                return Ok(executions);
            }
        }
    }

    pub(super) fn report(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
        order: &OrderMessage,
        executions: Vec<Execution>,
    ) -> Result<OrderReport, CallError> {
        Ok(OrderReport {
            id,
            symbol: symbol.clone(),
            venue_id: Some(order.order_id.to_string()),
            status: order.status().map_err(|unknown| CallError::Lost(unknown.to_string()))?,
            filled: order.executed_qty,
            executions,
            reason: None,
            at: order.at(),
        })
    }

    /// The reports of orders that a command was answered with, those of ours.
    pub(super) fn reports(
        &self,
        symbol: &Symbol,
        orders: &[OrderMessage],
    ) -> Result<Vec<OrderReport>, ExchangeError> {
        let ours = orders.iter().filter_map(|order| {
            let id: ClientOrderId = order.placed_as().parse().ok()?;
            Some(self.report(symbol, id, order, order.executions()))
        });
        ours.collect::<Result<_, CallError>>().map_err(CallError::of_command)
    }

    async fn cancel(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<CancelOutcome, ExchangeError> {
        let cancelled = if self.is_futures() {
            self.cancel_futures(symbol, id).await?
        } else {
            self.cancel_spot(symbol, id).await?
        };
        if let Some(reports) = cancelled {
            return Ok(CancelOutcome::Cancelled(reports));
        }
        // The venue says the same of what has ended and of what never was.
        let reports = self.ended(symbol, id).await.map_err(|error| match error {
            ExchangeError::Unavailable(reason) => ExchangeError::OutcomeUnknown(reason),
            other => other,
        })?;
        if reports.is_empty() {
            return Ok(CancelOutcome::NotFound);
        }
        if reports.iter().any(|report| report.status == OrderStatus::Open) {
            let reason = format!("{id} was not to be cancelled, and is open");
            return Err(ExchangeError::OutcomeUnknown(reason));
        }
        Ok(CancelOutcome::TooLate(reports))
    }

    /// The order of this id, or the legs of the pair.
    async fn ended(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<Vec<OrderReport>, ExchangeError> {
        if let Some(report) = self.one_order(symbol, id).await? {
            return Ok(vec![report]);
        }
        let mut reports = Vec::new();
        if !self.is_futures() && id.which_leg().is_none() {
            for leg in [Leg::Stop, Leg::Target] {
                reports.extend(self.one_order(symbol, id.leg(leg)).await?);
            }
        }
        Ok(reports)
    }

    async fn open_orders(&self, symbol: &Symbol) -> Result<OpenOrders, ExchangeError> {
        let parameters = Parameters::new().with("symbol", self.symbols.note(symbol));
        let weight = if self.is_futures() { 1 } else { 6 };
        let call = Call::signed(Method::GET, "openOrders", weight, parameters);
        let orders: Result<Vec<OrderMessage>, _> = self.client.call(&call).await;
        let mut open = OpenOrders::default();
        for order in orders.map_err(CallError::of_question)? {
            let Ok(id) = order.placed_as().parse::<ClientOrderId>() else {
                open.foreign.push(order.order_id.to_string());
                continue;
            };
            match self.complete(symbol, id, &order).await? {
                Some(report) => open.ours.push(report),
                // It is being filled: its own answer has it as it is now.
                None => open.ours.extend(self.one_order(symbol, id).await?),
            }
        }
        if self.is_futures() {
            self.open_algo_orders(symbol, &mut open).await?;
        }
        open.ours.retain(|report| report.status == OrderStatus::Open);
        Ok(open)
    }
}

#[async_trait]
impl Exchange for BinanceExchange {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn submit(
        &self,
        order: &Approved<OrderRequest>,
    ) -> Result<Vec<OrderReport>, ExchangeError> {
        self.account.submit(order.get()).await
    }

    async fn cancel(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<CancelOutcome, ExchangeError> {
        self.account.cancel(symbol, id).await
    }

    async fn order(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<Option<OrderReport>, ExchangeError> {
        self.account.order(symbol, id).await
    }

    async fn open_orders(&self, symbol: &Symbol) -> Result<OpenOrders, ExchangeError> {
        self.account.open_orders(symbol).await
    }

    async fn balances(&self) -> Result<Vec<Balance>, ExchangeError> {
        if self.account.is_futures() {
            self.account.futures_balances().await
        } else {
            self.account.spot_balances().await
        }
    }

    async fn positions(&self) -> Result<Vec<VenuePosition>, ExchangeError> {
        if self.account.is_futures() { self.account.positions().await } else { Ok(Vec::new()) }
    }

    async fn prepare(&self, symbol: &Symbol, leverage: u32) -> Result<(), ExchangeError> {
        if !self.account.is_futures() {
            return Ok(());
        }
        self.account.check_position_mode().await?;
        self.set_margin_mode(symbol, MarginMode::Isolated).await?;
        self.set_leverage(symbol, leverage).await
    }

    async fn permissions(&self) -> Result<KeyPermissions, ExchangeError> {
        self.account.permissions().await
    }

    fn drain(&self) -> Vec<VenueEvent> {
        self.account.events.drain()
    }

    async fn wait(&self) {
        self.account.events.wait().await;
    }
}
