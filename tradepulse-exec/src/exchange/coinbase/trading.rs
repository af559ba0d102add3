use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use tokio::task::JoinHandle;
use tradepulse_core::exchange::{
    Balance, CancelOutcome, Capabilities, Exchange, ExchangeError, OpenOrders, RejectKind,
    VenueEvent, VenuePosition,
};
use tradepulse_core::market::Symbol;
use tradepulse_core::money::{Price, Quantity};
use tradepulse_core::order::{ClientOrderId, Execution, OrderReport, OrderRequest, OrderStatus};
use tradepulse_core::risk::Approved;
use tradepulse_core::time::Timestamp;

use super::capabilities::capabilities;
use super::client::{Call, Client};
use super::errors::CallError;
use super::messages::{
    AccountsMessage, CancelMessage, FillsMessage, OrderAnswer, OrderMessage, OrdersMessage,
    product_id,
};
use super::user_events::UserEvents;
use super::{CoinbaseError, CoinbaseSettings, connected};
use crate::exchange::event_queue::EventQueue;

/// An account at the venue.
///
/// It listens to the account's events from the moment it is connected until it is dropped.
#[derive(Debug)]
pub struct CoinbaseExchange {
    account: Arc<Account>,
    capabilities: Capabilities,
    listener: JoinHandle<()>,
}

/// What requests and the listener share.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) client: Arc<Client>,
    pub(super) events: EventQueue,
    book: Mutex<Book>,
}

/// What is known of the venue's names for things.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// Ids that were sent, and when by the venue's clock.
    sent: BTreeMap<ClientOrderId, Timestamp>,
    venue_ids: BTreeMap<ClientOrderId, String>,
    ticks: BTreeMap<Symbol, Price>,
}

impl Book {
    pub(super) fn note(&mut self, id: ClientOrderId, venue_id: &str) {
        self.venue_ids.insert(id, venue_id.to_owned());
    }

    /// The venue's id of the order, or of the pair that it is a leg of.
    fn venue_id(&self, id: ClientOrderId) -> Option<String> {
        self.venue_ids.get(&id).or_else(|| self.venue_ids.get(&id.group())).cloned()
    }

    fn sent(&self, id: ClientOrderId) -> Option<Timestamp> {
        self.sent.get(&id).or_else(|| self.sent.get(&id.group())).copied()
    }

    pub(super) fn tick(&self, symbol: &Symbol) -> Option<Price> {
        self.ticks.get(symbol).copied()
    }

    pub(super) fn note_tick(&mut self, symbol: &Symbol, tick: Price) {
        self.ticks.insert(symbol.clone(), tick);
    }
}

impl CoinbaseExchange {
    /// Connects: asks for the venue's time, and subscribes to the account's events.
    ///
    /// # Errors
    /// If there is no key, the venue does not answer, or does not accept the key.
    pub async fn connect(settings: CoinbaseSettings) -> Result<Self, CoinbaseError> {
        if settings.credentials.is_none() {
            return Err(CoinbaseError::NoKey);
        }
        let account = Arc::new(Account {
            client: connected(settings).await?,
            events: EventQueue::default(),
            book: Mutex::default(),
        });
        let events = UserEvents::subscribe(Arc::clone(&account)).await;
        let events = events.map_err(CoinbaseError::Unreachable)?;
        let listener = tokio::spawn(events.listen());
        Ok(Self { account, capabilities: capabilities(), listener })
    }

    /// How far the venue's clock is ahead of this machine's, milliseconds.
    pub fn clock_offset_ms(&self) -> i64 {
        self.account.client.clock.offset_ms()
    }
}

impl Drop for CoinbaseExchange {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// An id that was used.
pub(super) fn duplicate(id: ClientOrderId) -> ExchangeError {
    let reason = format!("an order of the id {id} was there");
    ExchangeError::Rejected { kind: RejectKind::Duplicate, code: None, reason }
}

/// What a question that was not answered means to a command that depends on it.
pub(super) fn not_sent(error: ExchangeError) -> ExchangeError {
    match error {
        ExchangeError::Unavailable(reason) => ExchangeError::NotSent(reason),
        other => other,
    }
}

/// How long a cancel that was taken may need to be carried out.
const CANCEL_CHECKS: u32 = 20;
const CANCEL_PAUSE: Duration = Duration::from_millis(100);
/// Executions may be listed a moment after the order says that it is filled.
const FILL_CHECKS: u32 = 5;
const FILL_PAUSE: Duration = Duration::from_millis(200);
/// How long before it was sent an order may have been made, by clocks that are not the same.
const EARLIER_MS: i64 = 60_000;

impl Account {
    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn submit(&self, request: &OrderRequest) -> Result<Vec<OrderReport>, ExchangeError> {
        Self::check_support(request)?;
        let now = self.client.clock.now();
        let was_sent = self.book().sent.contains_key(&request.id);
        if !was_sent {
            self.book().sent.insert(request.id, now);
        } else {
            let known = self.find(&request.symbol, request.id).await.map_err(not_sent)?;
            if known.is_some() {
                return Err(duplicate(request.id));
            }
        }
        let result = self.place(request).await;
        if let Err(error) = &result
            && !error.outcome_is_unknown()
            && !matches!(error, ExchangeError::Rejected { kind: RejectKind::Duplicate, .. })
        {
            self.book().sent.remove(&request.id);
        }
        result
    }

    /// The venue's order of this id, or the pair that it is a leg of.
    async fn find(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<Option<OrderMessage>, ExchangeError> {
        let known = self.book().venue_id(id);
        match known {
            Some(venue_id) => {
                let order = self.by_venue_id(&venue_id).await?;
                Ok(Some(order).filter(|order| order.product_id == product_id(symbol)))
            }
            None => self.search(symbol, id).await,
        }
    }

    /// The order that the venue gave this id. It is there, and may not be listed yet.
    pub(super) async fn by_venue_id(&self, venue_id: &str) -> Result<OrderMessage, ExchangeError> {
        let call = Call::ask(format!("orders/historical/{venue_id}"));
        match self.client.call::<OrderAnswer>(&call).await {
            Ok(answer) => Ok(answer.order),
            Err(error) if error.is_not_found() => {
                Err(ExchangeError::Unavailable(format!("{venue_id} is not listed yet")))
            }
            Err(error) => Err(error.of_question()),
        }
    }

    /// Looks through the orders of the market, from when it was sent, where that is known.
    async fn search(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<Option<OrderMessage>, ExchangeError> {
        let mut call = self.list(symbol);
        if let Some(sent) = self.book().sent(id) {
            let from = Timestamp::from_ms(sent.as_ms().saturating_sub(EARLIER_MS));
            call = call.with("start_date", from);
        }
        let is_it = |order: &OrderMessage| {
            let named = order.client_order_id.parse::<ClientOrderId>();
            named.is_ok_and(|named| named == id || named == id.group())
        };
        let orders = self.orders(call, |page| page.iter().any(is_it)).await?;
        let found = orders.into_iter().find(is_it);
        if let Some(order) = &found
            && let Ok(named) = order.client_order_id.parse()
        {
            self.book().note(named, &order.order_id);
        }
        Ok(found)
    }

    fn list(&self, symbol: &Symbol) -> Call {
        const MOST: u32 = 1_000;
        Call::ask("orders/historical/batch")
            .with("product_ids", product_id(symbol))
            .with("limit", MOST)
    }

    /// All pages of a list of orders, or those up to the one that is enough.
    async fn orders(
        &self,
        call: Call,
        enough: impl Fn(&[OrderMessage]) -> bool,
    ) -> Result<Vec<OrderMessage>, ExchangeError> {
        let (mut all, mut next) = (Vec::new(), call.clone());
        loop {
            let page: Result<OrdersMessage, _> = self.client.call(&next).await;
            let page = page.map_err(CallError::of_question)?;
            let done = enough(&page.orders) || !page.has_next || page.cursor.is_empty();
            all.extend(page.orders);
            if done {
                return Ok(all);
            }
            next = call.clone().with("cursor", page.cursor);
        }
    }

    /// The reports of the order of this id, all executions included: two for a pair.
    pub(super) async fn reports(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<Vec<OrderReport>, ExchangeError> {
        for _ in 0..FILL_CHECKS {
            let Some(order) = self.find(symbol, id).await? else { return Ok(Vec::new()) };
            let Ok(named) = order.client_order_id.parse() else { return Ok(Vec::new()) };
            if let Some(reports) = self.complete(symbol, named, &order).await? {
                return Ok(reports);
            }
            tokio::time::sleep(FILL_PAUSE).await;
        }
        Err(ExchangeError::Unavailable(format!("the executions of {id} are not complete yet")))
    }

    /// The reports of an order with all of its executions; `None` while they do not add up.
    pub(super) async fn complete(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
        order: &OrderMessage,
    ) -> Result<Option<Vec<OrderReport>>, ExchangeError> {
        let executions = if order.filled_size.is_zero() {
            Vec::new()
        } else {
            self.executions(symbol, &order.order_id).await?
        };
        let sum = executions.iter().fold(Quantity::ZERO, |sum, e| sum.plus(e.quantity));
        if sum != order.filled_size {
            return Ok(None);
        }
        let reports = order.reports(id, symbol, executions);
        reports.map(Some).map_err(|unknown| ExchangeError::Unavailable(unknown.to_string()))
    }

    /// The executions of an order, oldest first.
    async fn executions(
        &self,
        symbol: &Symbol,
        venue_id: &str,
    ) -> Result<Vec<Execution>, ExchangeError> {
        const MOST: u32 = 250;
        let call =
            Call::ask("orders/historical/fills").with("order_ids", venue_id).with("limit", MOST);
        let (mut executions, mut next) = (Vec::new(), call.clone());
        loop {
            let page: Result<FillsMessage, _> = self.client.call(&next).await;
            let FillsMessage { fills, cursor } = page.map_err(CallError::of_question)?;
            let is_last = fills.is_empty() || cursor.is_empty();
            for fill in fills.into_iter().filter(|fill| fill.order_id == venue_id) {
                let execution = fill.execution(symbol).ok_or_else(|| {
                    ExchangeError::Unavailable(format!("a fill of {venue_id} that cannot be"))
                })?;
                executions.push(execution);
            }
            if is_last {
                // Newest come first.
                executions.reverse();
                return Ok(executions);
            }
            next = call.clone().with("cursor", cursor);
        }
    }

    async fn cancel(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<CancelOutcome, ExchangeError> {
        // Nothing is cancelled while the order is not found.
        let Some(order) = self.find(symbol, id).await.map_err(not_sent)? else {
            return Ok(CancelOutcome::NotFound);
        };
        let body = json!({ "order_ids": [order.order_id] });
        let call = Call::command("orders/batch_cancel", body);
        let answer: Result<CancelMessage, _> = self.client.call(&call).await;
        let taken = answer.map_err(CallError::of_command)?.is_cancelled();
        let unknown = |error| match error {
            ExchangeError::Unavailable(reason) => ExchangeError::OutcomeUnknown(reason),
            other => other,
        };
        // A cancel is queued first; the order says when it was carried out.
        for check in 1..=CANCEL_CHECKS {
            let reports = self.reports(symbol, id).await.map_err(unknown)?;
            let is_open = |report: &OrderReport| report.status == OrderStatus::Open;
            let cancelled = |report: &OrderReport| report.status == OrderStatus::Cancelled;
            match &taken {
                _ if reports.is_empty() => return Ok(CancelOutcome::NotFound),
                Ok(()) if reports.iter().any(cancelled) => {
                    return Ok(CancelOutcome::Cancelled(reports));
                }
                _ if !reports.iter().any(is_open) => return Ok(CancelOutcome::TooLate(reports)),
                Err(reason) => {
                    let reason = format!("{id} was not to be cancelled, and is open: {reason}");
                    return Err(ExchangeError::OutcomeUnknown(reason));
                }
                Ok(()) if check < CANCEL_CHECKS => tokio::time::sleep(CANCEL_PAUSE).await,
                Ok(()) => {}
            }
        }
        Err(ExchangeError::OutcomeUnknown(format!("the cancel of {id} waits at the venue")))
    }

    async fn open_orders(&self, symbol: &Symbol) -> Result<OpenOrders, ExchangeError> {
        let mut open = OpenOrders::default();
        // The venue takes one of these at a time.
        for status in ["OPEN", "PENDING"] {
            let call = self.list(symbol).with("order_status", status);
            for order in self.orders(call, |_| false).await? {
                let Ok(id) = order.client_order_id.parse::<ClientOrderId>() else {
                    if !open.foreign.contains(&order.order_id) {
                        open.foreign.push(order.order_id);
                    }
                    continue;
                };
                self.book().note(id, &order.order_id);
                let reports = match self.complete(symbol, id, &order).await? {
                    Some(reports) => reports,
                    // It is being filled: its own answer has it as it is now.
                    None => self.reports(symbol, id).await?,
                };
                let known = |id| open.ours.iter().any(|report: &OrderReport| report.id == id);
                let new: Vec<_> = reports.into_iter().filter(|r| !known(r.id)).collect();
                open.ours.extend(new);
            }
        }
        open.ours.retain(|report| report.status == OrderStatus::Open);
        Ok(open)
    }

    async fn balances(&self) -> Result<Vec<Balance>, ExchangeError> {
        const MOST: u32 = 250;
        let call = Call::ask("accounts").with("limit", MOST);
        let (mut balances, mut next) = (BTreeMap::<String, Balance>::new(), call.clone());
        loop {
            let page: Result<AccountsMessage, _> = self.client.call(&next).await;
            let page = page.map_err(CallError::of_question)?;
            for account in page.accounts {
                let free = account.available_balance.value;
                let locked = account.hold.map(|hold| hold.value).unwrap_or_default();
                if free.is_zero() && locked.is_zero() {
                    continue;
                }
                let currency = account.currency;
                let balance = balances.entry(currency.clone()).or_insert_with(|| Balance {
                    currency,
                    free: Quantity::ZERO,
                    locked: Quantity::ZERO,
                });
                // There may be several wallets of one currency.
                balance.free = balance.free.plus(free);
                balance.locked = balance.locked.plus(locked);
            }
            if !page.has_next || page.cursor.is_empty() {
                return Ok(balances.into_values().collect());
            }
            next = call.clone().with("cursor", page.cursor);
        }
    }
}

#[async_trait]
impl Exchange for CoinbaseExchange {
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
        let reports = self.account.reports(symbol, id).await?;
        // Of a pair its stop, where it was not a leg that was asked for.
        let asked = reports.iter().position(|report| report.id == id);
        Ok(reports.into_iter().nth(asked.unwrap_or(0)))
    }

    async fn open_orders(&self, symbol: &Symbol) -> Result<OpenOrders, ExchangeError> {
        self.account.open_orders(symbol).await
    }

    async fn balances(&self) -> Result<Vec<Balance>, ExchangeError> {
        self.account.balances().await
    }

    async fn positions(&self) -> Result<Vec<VenuePosition>, ExchangeError> {
        Ok(Vec::new())
    }

    fn drain(&self) -> Vec<VenueEvent> {
        self.account.events.drain()
    }

    async fn wait(&self) {
        self.account.events.wait().await;
    }
}
