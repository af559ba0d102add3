//! The ports to venues: [`Exchange`] trades, [`MarketData`] and [`Feed`] tell of the market.
//!
//! An adapter says what its venue can do ([`Capabilities`]) and carries out what it is asked; it
//! decides nothing. Errors say what the caller can do about them; an unknown outcome is one of
//! them, and is never anything else. What every adapter must do is the suite
//! `conformance::exchange` (feature `conformance`).

mod account;
mod capability;
mod error;
mod feed;
mod market_data;

use std::sync::Arc;

use async_trait::async_trait;

pub use account::{Balance, KeyPermissions, VenuePosition};
pub use capability::{Capabilities, Protection};
pub use error::{CancelOutcome, ExchangeError, MarketDataError, RejectKind};
pub use feed::{Feed, FeedError, FeedEvent};
pub use market_data::{CandleStream, MarketData, TradingRules};

use crate::market::Symbol;
use crate::order::{ClientOrderId, OrderReport, OrderRequest};
use crate::risk::Approved;
use crate::time::Timestamp;

/// What a venue says without being asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VenueEvent {
    /// Something happened to an order.
    Order(OrderReport),
    /// Reports may have been lost since this instant (a disconnected stream, a restarted venue):
    /// orders that may be live have to be asked for.
    Gap {
        /// The last instant until which nothing was lost.
        since: Timestamp,
    },
}

/// A venue to trade at.
///
/// The contract, proven by the suite `conformance::exchange`:
///
/// - **Ids are ours.** An order is known by its [`ClientOrderId`] before it is sent. Sending the
///   same id again never makes a second order: it is refused as
///   [`RejectKind::Duplicate`].
/// - **An error says what is certain.** [`ExchangeError::NotSent`], `Rejected`, `RateLimited` and
///   `Unsupported`: the venue does not have the order and will not get it. `OutcomeUnknown`: it may
///   have it; ask by id until it is known ([`order`](Self::order)). Anything an adapter cannot be
///   sure about is `OutcomeUnknown`.
/// - **Reports are complete in the end.** Whatever happens to an order is told by
///   [`drain`](Self::drain), perhaps twice or out of order, or a [`VenueEvent::Gap`] says that
///   something may be missing. The answer of [`order`](Self::order) has all executions.
/// - **Nothing is decided here.** No retry of what is not safe to repeat, no rounding, no default
///   in the place of a figure that could not be had.
/// - Futures may be dropped at any time; a dropped [`submit`](Self::submit) or
///   [`cancel`](Self::cancel) has an unknown outcome.
#[async_trait]
pub trait Exchange: Send + Sync {
    /// What the venue can do.
    fn capabilities(&self) -> &Capabilities;

    /// Gives an order to the venue. `Ok` says that the venue has it, and how it stands: one report
    /// for each id of [`OrderRequest::reported_as`].
    ///
    /// # Errors
    /// See the contract.
    async fn submit(
        &self,
        order: &Approved<OrderRequest>,
    ) -> Result<Vec<OrderReport>, ExchangeError>;

    /// Takes an order back. For a native pair either leg, or the id of the pair, takes back both.
    ///
    /// # Errors
    /// [`ExchangeError::OutcomeUnknown`] if it may have been cancelled; all others: it was not.
    async fn cancel(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<CancelOutcome, ExchangeError>;

    /// How the order stands, with all of its executions; `None` if the venue knows no such order.
    /// For the id of a pair: its stop.
    ///
    /// # Errors
    /// If the venue could not be asked. Nothing is known then.
    async fn order(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<Option<OrderReport>, ExchangeError>;

    /// The orders resting at the venue in this market: ours, each with all of its executions, and
    /// how many are there that are not ours.
    ///
    /// # Errors
    /// If the venue could not be asked.
    async fn open_orders(&self, symbol: &Symbol) -> Result<OpenOrders, ExchangeError>;

    /// What the account holds, every currency that is not zero.
    ///
    /// # Errors
    /// If the venue could not be asked.
    async fn balances(&self) -> Result<Vec<Balance>, ExchangeError>;

    /// Open positions of a derivatives account; empty on a spot venue, where the balances are what
    /// is held.
    ///
    /// # Errors
    /// If the venue could not be asked.
    async fn positions(&self) -> Result<Vec<VenuePosition>, ExchangeError>;

    /// Makes a derivatives market ready for positions of this leverage, each backed by its own
    /// margin, before the first order there; nothing is to be done on a spot venue.
    ///
    /// # Errors
    /// If the venue refuses it, or could not be asked.
    async fn prepare(&self, _symbol: &Symbol, _leverage: u32) -> Result<(), ExchangeError> {
        Ok(())
    }

    /// What the key may do.
    ///
    /// # Errors
    /// If the venue could not be asked.
    async fn permissions(&self) -> Result<KeyPermissions, ExchangeError> {
        Ok(KeyPermissions::default())
    }

    /// What happened since the last call, oldest first. Never waits.
    fn drain(&self) -> Vec<VenueEvent>;

    /// Waits until [`drain`](Self::drain) has something to tell.
    async fn wait(&self);
}

/// Orders resting at a venue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenOrders {
    /// Those with an id of ours (of any run).
    pub ours: Vec<OrderReport>,
    /// The venue's ids of those that are not.
    pub foreign: Vec<String>,
}

/// A shared venue is a venue.
#[async_trait]
impl<E: Exchange + ?Sized> Exchange for Arc<E> {
    fn capabilities(&self) -> &Capabilities {
        (**self).capabilities()
    }

    async fn submit(
        &self,
        order: &Approved<OrderRequest>,
    ) -> Result<Vec<OrderReport>, ExchangeError> {
        (**self).submit(order).await
    }

    async fn cancel(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<CancelOutcome, ExchangeError> {
        (**self).cancel(symbol, id).await
    }

    async fn order(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<Option<OrderReport>, ExchangeError> {
        (**self).order(symbol, id).await
    }

    async fn open_orders(&self, symbol: &Symbol) -> Result<OpenOrders, ExchangeError> {
        (**self).open_orders(symbol).await
    }

    async fn balances(&self) -> Result<Vec<Balance>, ExchangeError> {
        (**self).balances().await
    }

    async fn positions(&self) -> Result<Vec<VenuePosition>, ExchangeError> {
        (**self).positions().await
    }

    async fn prepare(&self, symbol: &Symbol, leverage: u32) -> Result<(), ExchangeError> {
        (**self).prepare(symbol, leverage).await
    }

    async fn permissions(&self) -> Result<KeyPermissions, ExchangeError> {
        (**self).permissions().await
    }

    fn drain(&self) -> Vec<VenueEvent> {
        (**self).drain()
    }

    async fn wait(&self) {
        (**self).wait().await;
    }
}
