use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use tokio::task::JoinHandle;
use tradepulse_core::exchange::{
    Balance, CancelOutcome, Capabilities, Exchange, ExchangeError, KeyPermissions, OpenOrders,
    RejectKind, VenueEvent, VenuePosition,
};
use tradepulse_core::market::Symbol;
use tradepulse_core::order::{ClientOrderId, OrderReport, OrderRequest, OrderStatus};
use tradepulse_core::risk::Approved;

use super::account::Account;
use super::capabilities::capabilities;
use super::client::Call;
use super::errors::CallError;
use super::messages::CancelMessage;
use super::user_events::UserEvents;
use super::{CoinbaseError, CoinbaseSettings, connected};

/// An account at the venue.
///
/// It listens to the account's events from the moment it is connected until it is dropped.
#[derive(Debug)]
pub struct CoinbaseExchange {
    account: Arc<Account>,
    capabilities: Capabilities,
    listener: JoinHandle<()>,
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
        let account = Arc::new(Account::new(connected(settings).await?));
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

impl Account {
    async fn submit(&self, request: &OrderRequest) -> Result<Vec<OrderReport>, ExchangeError> {
        Self::check_support(request)?;
        let is_first = self.book().send(request.id, self.client.clock.now());
        if !is_first {
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
            self.book().unsend(request.id);
        }
        result
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
        // From here on it may be cancelled, whatever is answered.
        let unknown = |error: ExchangeError| ExchangeError::OutcomeUnknown(error.to_string());
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
