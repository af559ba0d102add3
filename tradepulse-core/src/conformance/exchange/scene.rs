use std::collections::BTreeMap;
use std::sync::Arc;

use super::{ExchangeFactory, Failure, TestVenue, ensure, symbol};
use crate::exchange::{Capabilities, Exchange, ExchangeError, OpenOrders, RejectKind, VenueEvent};
use crate::market::{InstrumentKind, Symbol};
use crate::money::{Price, Quantity};
use crate::order::{
    ClientOrderId, OrderReport, OrderRequest, OrderStatus, RequestKind, RunTag, Side,
};
use crate::risk::Approved;

/// A venue, and what a case needs to work on it.
pub(super) struct Scene {
    pub(super) venue: Box<dyn TestVenue>,
    /// What cases talk to: the adapter, or faults in front of it.
    pub(super) exchange: Arc<dyn Exchange>,
    pub(super) symbol: Symbol,
    pub(super) can: Capabilities,
}

/// 10,000 USDT, and 10 BTC where they can be held.
pub(super) async fn scene(factory: &dyn ExchangeFactory) -> Result<Scene, Failure> {
    let can = factory.capabilities();
    let mut balances = BTreeMap::from([("USDT".to_owned(), "10000".parse()?)]);
    if can.kind == InstrumentKind::Spot {
        balances.insert("BTC".to_owned(), "10".parse()?);
    }
    let venue = factory.make(&balances).await?;
    Ok(Scene { exchange: venue.exchange(), venue, symbol: symbol()?, can })
}

pub(super) fn id(sequence: u32) -> ClientOrderId {
    ClientOrderId::new(RunTag::new(77), sequence)
}

pub(super) fn limit(at: &str) -> Result<RequestKind, Failure> {
    Ok(RequestKind::Limit { price: at.parse()? })
}

pub(super) fn stop(at: &str) -> Result<RequestKind, Failure> {
    Ok(RequestKind::Stop { trigger: at.parse()? })
}

pub(super) fn oco(stop: &str, target: &str) -> Result<RequestKind, Failure> {
    Ok(RequestKind::Oco { stop: stop.parse()?, target: target.parse()? })
}

impl Scene {
    pub(super) fn is_spot(&self) -> bool {
        self.can.kind == InstrumentKind::Spot
    }

    pub(super) fn request(
        &self,
        sequence: u32,
        side: Side,
        quantity: &str,
        kind: RequestKind,
    ) -> Result<OrderRequest, Failure> {
        Ok(OrderRequest {
            id: id(sequence),
            symbol: self.symbol.clone(),
            side,
            quantity: quantity.parse()?,
            kind,
            reduce_only: false,
        })
    }

    /// A sale that closes what [`hold`](Self::hold) bought.
    pub(super) fn exit(
        &self,
        sequence: u32,
        quantity: &str,
        kind: RequestKind,
    ) -> Result<OrderRequest, Failure> {
        let reduce_only = self.can.reduce_only && !self.is_spot();
        let request = self.request(sequence, Side::Short, quantity, kind)?;
        Ok(OrderRequest { reduce_only, ..request })
    }

    pub(super) async fn submit(
        &self,
        request: &OrderRequest,
    ) -> Result<Vec<OrderReport>, ExchangeError> {
        self.exchange.submit(&Approved::new(request.clone())).await
    }

    /// Fails unless the venue refuses it so.
    pub(super) async fn refused(
        &self,
        request: &OrderRequest,
        expected: RejectKind,
    ) -> Result<(), Failure> {
        match self.submit(request).await {
            Err(ExchangeError::Rejected { kind, .. }) if kind == expected => Ok(()),
            other => Err(Failure(format!("{request:?}: {other:?} instead of {expected:?}"))),
        }
    }

    /// The market moves; what the adapter tells.
    pub(super) async fn trade(
        &self,
        [open, high, low, close]: [f64; 4],
    ) -> Result<Vec<VenueEvent>, Failure> {
        self.venue.trade(open, high, low, close).await?;
        Ok(self.drain().await)
    }

    /// What the adapter tells, until it tells nothing.
    pub(super) async fn drain(&self) -> Vec<VenueEvent> {
        let mut all = Vec::new();
        loop {
            self.venue.settle().await;
            let events = self.exchange.drain();
            if events.is_empty() {
                return all;
            }
            all.extend(events);
        }
    }

    /// Buys, where there is nothing to sell.
    pub(super) async fn hold(&self, sequence: u32, quantity: &str) -> Result<(), Failure> {
        if !self.is_spot() {
            self.submit(&self.request(sequence, Side::Long, quantity, RequestKind::Market)?)
                .await?;
            self.trade([100.0; 4]).await?;
        }
        Ok(())
    }

    /// How an order stands; it has to be known.
    pub(super) async fn order(&self, id: ClientOrderId) -> Result<OrderReport, Failure> {
        let report = self.exchange.order(&self.symbol, id).await?;
        let report = report.ok_or_else(|| Failure(format!("{id} is not known")))?;
        let sum = report.executions.iter().fold(Quantity::ZERO, |sum, e| sum.plus(e.quantity));
        ensure!(sum == report.filled, "the executions of {report:?} add up to {sum}");
        Ok(report)
    }

    pub(super) async fn open(&self) -> Result<OpenOrders, Failure> {
        Ok(self.exchange.open_orders(&self.symbol).await?)
    }

    /// Fails unless the order is filled, at prices within one percent of `at`.
    pub(super) async fn filled(&self, id: ClientOrderId, at: f64) -> Result<OrderReport, Failure> {
        let report = self.order(id).await?;
        ensure!(report.status == OrderStatus::Filled, "not filled: {report:?}");
        for execution in &report.executions {
            let price: Price = execution.price;
            let off = (price.to_f64() - at).abs() / at;
            ensure!(off <= 0.01, "filled at {price}, far from {at}");
        }
        Ok(report)
    }

    /// Fails unless the order has this status and nothing of it is filled.
    pub(super) async fn unfilled(
        &self,
        id: ClientOrderId,
        status: OrderStatus,
    ) -> Result<(), Failure> {
        let report = self.order(id).await?;
        ensure!(report.status == status && report.filled.is_zero(), "not {status:?}: {report:?}");
        Ok(())
    }

    /// Free and bound of a currency.
    pub(super) async fn balance(&self, currency: &str) -> Result<(f64, f64), Failure> {
        let balances = self.exchange.balances().await?;
        let found = balances.iter().find(|balance| balance.currency == currency);
        Ok(found.map_or((0.0, 0.0), |b| (b.free.to_f64(), b.locked.to_f64())))
    }
}
