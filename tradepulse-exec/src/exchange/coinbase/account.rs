use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tradepulse_core::exchange::{Balance, ExchangeError, KeyPermissions, OpenOrders};
use tradepulse_core::market::Symbol;
use tradepulse_core::money::{Price, Quantity};
use tradepulse_core::order::{ClientOrderId, Execution, OrderReport, OrderStatus};
use tradepulse_core::time::Timestamp;

use super::client::{Call, Client};
use super::errors::CallError;
use super::messages::{
    AccountsMessage, FillsMessage, KeyPermissionsMessage, OrderAnswer, OrderMessage, OrdersMessage,
    product_id,
};
use crate::exchange::event_queue::EventQueue;

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

    /// An order is sent. Whether it is the first time; when that was stays.
    pub(super) fn send(&mut self, id: ClientOrderId, now: Timestamp) -> bool {
        let is_first = !self.sent.contains_key(&id);
        self.sent.entry(id).or_insert(now);
        is_first
    }

    /// It is certain that the venue does not have it.
    pub(super) fn unsend(&mut self, id: ClientOrderId) {
        self.sent.remove(&id);
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

/// Executions may be listed a moment after the order says that it is filled.
const FILL_CHECKS: u32 = 5;
const FILL_PAUSE: Duration = Duration::from_millis(200);
/// How long before it was sent an order may have been made, by clocks that are not the same.
const EARLIER_MS: i64 = 60_000;

impl Account {
    pub(super) fn new(client: Arc<Client>) -> Self {
        Self { client, events: EventQueue::default(), book: Mutex::default() }
    }

    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The venue's order of this id, or the pair that it is a leg of.
    pub(super) async fn find(
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

    pub(super) async fn open_orders(&self, symbol: &Symbol) -> Result<OpenOrders, ExchangeError> {
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

    pub(super) async fn balances(&self) -> Result<Vec<Balance>, ExchangeError> {
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

    /// What the key may do. A transfer is a withdrawal: it leaves the portfolio.
    pub(super) async fn permissions(&self) -> Result<KeyPermissions, ExchangeError> {
        let told = self.client.call(&Call::ask("key_permissions")).await;
        let told: KeyPermissionsMessage = told.map_err(CallError::of_question)?;
        Ok(KeyPermissions { trade: Some(told.can_trade), withdraw: Some(told.can_transfer) })
    }
}
