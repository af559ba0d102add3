use std::collections::BTreeMap;
use std::time::Duration;

use serde::de::DeserializeOwned;
use tradepulse_core::exchange::{Balance, ExchangeError};
use tradepulse_core::market::Symbol;
use tradepulse_core::money::Quantity;
use tradepulse_core::order::{
    ClientOrderId, Execution, OrderReport, OrderRequest, OrderStatus, RequestKind, Side,
};
use tradepulse_core::time::Timestamp;

use super::capabilities::DEADLINE_MS;
use super::client::Call;
use super::errors::CallError;
use super::messages::{
    AddedMessage, BalanceMessage, CancelledMessage, ClosedMessage, OpenMessage, OrderMessage,
    TradeMessage, order_status,
};
use super::symbols::{currency, venue_symbol};
use super::trading::Account;
use crate::exchange::parameters::Parameters;

/// An order under its id at the venue.
pub(super) type Found = (String, OrderMessage);

/// The parameters of an order that is not taken after `deadline`; `None` for what the venue does
/// not have.
pub(super) fn form(request: &OrderRequest, deadline: Timestamp) -> Option<Parameters> {
    let side = match request.side {
        Side::Long => "buy",
        Side::Short => "sell",
    };
    let form = Parameters::new()
        .with("pair", venue_symbol(&request.symbol))
        .with("type", side)
        .with("volume", request.quantity)
        .with("cl_ord_id", request.id)
        // Fees are taken in the quote currency, whichever side it is.
        .with("oflags", "fciq")
        .with("deadline", deadline);
    Some(match request.kind {
        RequestKind::Market => form.with("ordertype", "market"),
        RequestKind::Limit { price } => form.with("ordertype", "limit").with("price", price),
        RequestKind::Stop { trigger } => form.with("ordertype", "stop-loss").with("price", trigger),
        RequestKind::StopLimit { trigger, price } => {
            form.with("ordertype", "stop-loss-limit").with("price", trigger).with("price2", price)
        }
        RequestKind::Oco { .. } => return None,
    })
}

/// An order, if it is of this market.
fn here(symbol: &Symbol, found: Found) -> Option<Found> {
    (found.1.pair() == venue_symbol(symbol)).then_some(found)
}

impl Account {
    /// Sends an order; its id at the venue.
    pub(super) async fn add(&self, request: &OrderRequest) -> Result<String, ExchangeError> {
        let deadline = self.client.clock.now().as_ms().saturating_add(DEADLINE_MS);
        let form = form(request, Timestamp::from_ms(deadline));
        let form = form.ok_or(ExchangeError::Unsupported("a native pair"))?;
        let call = Call::command("/0/private/AddOrder", form);
        let added: Result<AddedMessage, _> = self.client.call(&call).await;
        let added = added.map_err(CallError::of_command)?;
        match &added.txid[..] {
            [venue_id] => Ok(venue_id.clone()),
            other => {
                let reason = format!("the answer names {} orders for {}", other.len(), request.id);
                Err(ExchangeError::OutcomeUnknown(reason))
            }
        }
    }

    /// Whether the venue had such an order resting, and takes it back.
    pub(super) async fn cancel_resting(&self, id: ClientOrderId) -> Result<bool, ExchangeError> {
        let form = Parameters::new().with("cl_ord_id", id);
        let call = Call::command("/0/private/CancelOrder", form);
        match self.client.call::<CancelledMessage>(&call).await {
            Ok(cancelled) => Ok(cancelled.count > 0),
            Err(error) if error.is_no_such_order() => Ok(false),
            Err(error) => Err(error.of_command()),
        }
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        path: &'static str,
        form: Parameters,
    ) -> Result<T, CallError> {
        self.client.call(&Call::question(path, 1, form)).await
    }

    /// The order of this id as it stands, with all of its executions.
    pub(super) async fn order(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<Option<OrderReport>, ExchangeError> {
        // Executions may be listed a moment after the order says that it is filled.
        for _ in 0..5 {
            let found = self.find(symbol, id).await.map_err(CallError::of_question)?;
            let Some((venue_id, order)) = found else { return Ok(None) };
            if let Some(report) = self.complete(symbol, id, &venue_id, &order).await? {
                return Ok(Some(report));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Err(ExchangeError::Unavailable(format!("the executions of {id} are not complete yet")))
    }

    /// Looks for an order: by the venue's id where that is known, else among those that rest, else
    /// among those that have ended, in this order, for that is how they go.
    async fn find(&self, symbol: &Symbol, id: ClientOrderId) -> Result<Option<Found>, CallError> {
        if let Some(venue_id) = self.registry.venue_id(id) {
            let form = Parameters::new().with("txid", &venue_id).with("trades", true);
            let orders = self.ask::<BTreeMap<String, OrderMessage>>("/0/private/QueryOrders", form);
            match orders.await {
                Ok(mut orders) => {
                    if let Some(found) = orders.remove_entry(&venue_id) {
                        return Ok(here(symbol, found));
                    }
                }
                Err(error) if error.is_no_such_order() => {}
                Err(error) => return Err(error),
            }
        }
        let is_it = |order: &OrderMessage| order.cl_ord_id == Some(id.to_string());
        let form = Parameters::new().with("trades", true).with("cl_ord_id", id);
        let resting: OpenMessage = self.ask("/0/private/OpenOrders", form.clone()).await?;
        if let Some(found) = resting.open.into_iter().find(|(_, order)| is_it(order)) {
            return Ok(here(symbol, found));
        }
        let ended: ClosedMessage = self.ask("/0/private/ClosedOrders", form).await?;
        let found = ended.closed.into_iter().find(|(_, order)| is_it(order));
        Ok(found.and_then(|found| here(symbol, found)))
    }

    /// The report of an order with all of its executions; `None` while they do not add up.
    async fn complete(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
        venue_id: &str,
        order: &OrderMessage,
    ) -> Result<Option<OrderReport>, ExchangeError> {
        self.registry.learn(venue_id, id, symbol);
        let executions = self.executions(symbol, &order.trades).await;
        let executions = executions.map_err(CallError::of_question)?;
        let sum = executions.iter().fold(Quantity::ZERO, |sum, e| sum.plus(e.quantity));
        if sum != order.vol_exec {
            return Ok(None);
        }
        let status = order_status(&order.status).ok_or_else(|| {
            ExchangeError::Unavailable(format!("{id} has an unknown status: {}", order.status))
        })?;
        Ok(Some(OrderReport {
            id,
            symbol: symbol.clone(),
            venue_id: Some(venue_id.to_owned()),
            status,
            filled: order.vol_exec,
            executions,
            reason: order.reason.clone().filter(|reason| !reason.is_empty()),
            at: order.at(),
        }))
    }

    async fn executions(
        &self,
        symbol: &Symbol,
        ids: &[String],
    ) -> Result<Vec<Execution>, CallError> {
        const MOST: usize = 20;
        let mut executions = Vec::with_capacity(ids.len());
        for ids in ids.chunks(MOST) {
            let form = Parameters::new().with("txid", ids.join(","));
            let trades: BTreeMap<String, TradeMessage> =
                self.ask("/0/private/QueryTrades", form).await?;
            let those = trades.into_iter().map(|(id, trade)| trade.execution(id, symbol));
            executions.extend(those);
        }
        executions.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        Ok(executions)
    }

    /// The orders resting in this market: ours, and the venue's ids of others.
    pub(super) async fn resting(
        &self,
        symbol: &Symbol,
    ) -> Result<(Vec<OrderReport>, Vec<String>), ExchangeError> {
        let form = Parameters::new().with("trades", true);
        let resting: Result<OpenMessage, _> = self.ask("/0/private/OpenOrders", form).await;
        let resting = resting.map_err(CallError::of_question)?;
        let (mut ours, mut foreign) = (Vec::new(), Vec::new());
        for found in resting.open {
            let Some((venue_id, order)) = here(symbol, found) else { continue };
            let id = order.cl_ord_id.as_deref().and_then(|id| id.parse::<ClientOrderId>().ok());
            let Some(id) = id else {
                foreign.push(venue_id);
                continue;
            };
            match self.complete(symbol, id, &venue_id, &order).await? {
                Some(report) => ours.push(report),
                // It is being filled: its own answer has it as it is now.
                None => ours.extend(self.order(symbol, id).await?),
            }
        }
        ours.retain(|report| report.status == OrderStatus::Open);
        Ok((ours, foreign))
    }

    pub(super) async fn balances(&self) -> Result<Vec<Balance>, ExchangeError> {
        let balances: Result<BTreeMap<String, BalanceMessage>, _> =
            self.ask("/0/private/BalanceEx", Parameters::new()).await;
        let balances = balances.map_err(CallError::of_question)?.into_iter();
        let balances = balances.filter(|(_, balance)| !balance.balance.is_zero());
        Ok(balances
            .map(|(asset, BalanceMessage { balance, hold_trade })| {
                let locked = hold_trade.min(balance);
                let currency = currency(&asset).to_owned();
                Balance { currency, free: balance.minus(locked), locked }
            })
            .collect())
    }
}
