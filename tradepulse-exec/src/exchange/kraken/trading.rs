use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinHandle;
use tradepulse_core::exchange::{
    Balance, CancelOutcome, Capabilities, Exchange, ExchangeError, OpenOrders, RejectKind,
    VenueEvent, VenuePosition,
};
use tradepulse_core::market::Symbol;
use tradepulse_core::money::Quantity;
use tradepulse_core::order::{
    ClientOrderId, OrderReport, OrderRequest, OrderStatus, RequestKind, Side,
};
use tradepulse_core::risk::Approved;

use super::client::Client;
use super::registry::Registry;
use super::user_events::UserEvents;
use super::{KrakenError, KrakenSettings, capabilities, connected};
use crate::exchange::event_queue::EventQueue;

/// An account at the venue.
///
/// It listens to the account's events from the moment it is connected until it is dropped.
#[derive(Debug)]
pub struct KrakenExchange {
    account: Arc<Account>,
    capabilities: Capabilities,
    listener: JoinHandle<()>,
}

/// What requests and the listener share.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) client: Arc<Client>,
    pub(super) registry: Registry,
    pub(super) events: EventQueue,
}

impl KrakenExchange {
    /// Connects: asks for the venue's time, and subscribes to the account's events.
    ///
    /// # Errors
    /// If there is no key, the venue does not answer, or does not accept the key.
    pub async fn connect(settings: KrakenSettings) -> Result<Self, KrakenError> {
        if settings.credentials.is_none() {
            return Err(KrakenError::NoKey);
        }
        let account = Arc::new(Account {
            client: connected(settings).await?,
            registry: Registry::default(),
            events: EventQueue::default(),
        });
        let events = UserEvents::subscribe(Arc::clone(&account)).await;
        let events = events.map_err(KrakenError::Unreachable)?;
        let listener = tokio::spawn(events.listen());
        Ok(Self { account, capabilities: capabilities(), listener })
    }
}

impl Drop for KrakenExchange {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl Account {
    async fn submit(&self, request: &OrderRequest) -> Result<Vec<OrderReport>, ExchangeError> {
        let (id, symbol) = (request.id, &request.symbol);
        if matches!(request.kind, RequestKind::Oco { .. }) {
            return Err(ExchangeError::Unsupported("a native pair"));
        }
        if request.reduce_only && request.side == Side::Long {
            return Err(ExchangeError::Unsupported("a reduce-only order"));
        }
        if !self.registry.send(id) {
            let known = self.order(symbol, id).await.map_err(|error| match error {
                ExchangeError::Unavailable(reason) => ExchangeError::NotSent(reason),
                other => other,
            })?;
            if known.is_some() {
                let reason = format!("an order of the id {id} was there");
                let kind = RejectKind::Duplicate;
                return Err(ExchangeError::Rejected { kind, code: None, reason });
            }
        }
        match self.add(request).await {
            Ok(venue_id) => {
                self.registry.learn(&venue_id, id, symbol);
                // The venue says that it has it; what becomes of it is told by events.
                Ok(vec![OrderReport {
                    id,
                    symbol: symbol.clone(),
                    venue_id: Some(venue_id),
                    status: OrderStatus::Open,
                    filled: Quantity::ZERO,
                    executions: Vec::new(),
                    reason: None,
                    at: self.client.clock.now(),
                }])
            }
            Err(error) => {
                let duplicate =
                    matches!(error, ExchangeError::Rejected { kind: RejectKind::Duplicate, .. });
                if !error.outcome_is_unknown() && !duplicate {
                    self.registry.refused(id);
                }
                Err(error)
            }
        }
    }

    async fn cancel(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<CancelOutcome, ExchangeError> {
        let cancelled = self.cancel_resting(id).await?;
        // The answer says nothing of what had filled before. A cancel may take a moment.
        for _ in 0..5 {
            let report = self.order(symbol, id).await.map_err(|error| match error {
                ExchangeError::Unavailable(reason) => ExchangeError::OutcomeUnknown(reason),
                ExchangeError::RateLimited { until } => ExchangeError::OutcomeUnknown(format!(
                    "the cancel of {id} was taken, and the venue limits questions until {until}"
                )),
                other => other,
            })?;
            match report {
                None if !cancelled => return Ok(CancelOutcome::NotFound),
                Some(report) if report.status.is_final() => {
                    let taken_back = cancelled && report.status == OrderStatus::Cancelled;
                    return Ok(match taken_back {
                        true => CancelOutcome::Cancelled(vec![report]),
                        false => CancelOutcome::TooLate(vec![report]),
                    });
                }
                _ => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        }
        Err(ExchangeError::OutcomeUnknown(format!("{id} is still open after its cancel")))
    }
}

#[async_trait]
impl Exchange for KrakenExchange {
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
        let (ours, foreign) = self.account.resting(symbol).await?;
        Ok(OpenOrders { ours, foreign })
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
