//! A venue that does not say what the account holds.

use async_trait::async_trait;
use tradepulse_core::exchange::{
    Balance, CancelOutcome, Capabilities, Exchange, ExchangeError, OpenOrders, VenueEvent,
    VenuePosition,
};
use tradepulse_core::market::Symbol;
use tradepulse_core::order::{ClientOrderId, OrderReport, OrderRequest};
use tradepulse_core::risk::Approved;
use tradepulse_core::simulation::SimulatedExchange;

pub(crate) struct MuteAccount(pub(crate) std::sync::Arc<SimulatedExchange>);

#[async_trait]
impl Exchange for MuteAccount {
    fn capabilities(&self) -> &Capabilities {
        self.0.capabilities()
    }

    async fn submit(
        &self,
        order: &Approved<OrderRequest>,
    ) -> Result<Vec<OrderReport>, ExchangeError> {
        self.0.submit(order).await
    }

    async fn cancel(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<CancelOutcome, ExchangeError> {
        self.0.cancel(symbol, id).await
    }

    async fn order(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<Option<OrderReport>, ExchangeError> {
        self.0.order(symbol, id).await
    }

    async fn open_orders(&self, symbol: &Symbol) -> Result<OpenOrders, ExchangeError> {
        self.0.open_orders(symbol).await
    }

    async fn balances(&self) -> Result<Vec<Balance>, ExchangeError> {
        Err(ExchangeError::Unavailable("502".to_owned()))
    }

    async fn positions(&self) -> Result<Vec<VenuePosition>, ExchangeError> {
        self.0.positions().await
    }

    fn drain(&self) -> Vec<VenueEvent> {
        self.0.drain()
    }

    async fn wait(&self) {
        self.0.wait().await;
    }
}
