//! The orders that were dealt with: under our ids, and under the venue's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tradepulse_core::market::Symbol;
use tradepulse_core::money::Quantity;
use tradepulse_core::order::ClientOrderId;

/// Which order of ours an id of the venue is.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) id: ClientOrderId,
    pub(super) symbol: Symbol,
}

#[derive(Debug, Default)]
struct State {
    /// Ids that were sent: the venue takes an id again once its order has ended.
    sent: BTreeSet<ClientOrderId>,
    by_id: BTreeMap<ClientOrderId, String>,
    by_venue_id: BTreeMap<String, Known>,
    /// What the stream told of an order's executions: their ids, and how much that is.
    told: BTreeMap<String, (BTreeSet<String>, Quantity)>,
}

/// What requests and the listener know of orders.
#[derive(Debug, Default)]
pub(super) struct Registry(Mutex<State>);

impl Registry {
    /// An id is about to be sent. `false` if it has been sent before.
    pub(super) fn send(&self, id: ClientOrderId) -> bool {
        self.lock().sent.insert(id)
    }

    /// What was sent under this id never became an order.
    pub(super) fn refused(&self, id: ClientOrderId) {
        self.lock().sent.remove(&id);
    }

    /// The venue calls an order so.
    pub(super) fn learn(&self, venue_id: &str, id: ClientOrderId, symbol: &Symbol) {
        let mut state = self.lock();
        state.by_id.insert(id, venue_id.to_owned());
        let known = Known { id, symbol: symbol.clone() };
        state.by_venue_id.insert(venue_id.to_owned(), known);
    }

    pub(super) fn venue_id(&self, id: ClientOrderId) -> Option<String> {
        self.lock().by_id.get(&id).cloned()
    }

    pub(super) fn known(&self, venue_id: &str) -> Option<Known> {
        self.lock().by_venue_id.get(venue_id).cloned()
    }

    /// Counts an execution that the stream tells of, each once; how much is filled by all of them.
    pub(super) fn executed(&self, venue_id: &str, execution: Option<(&str, Quantity)>) -> Quantity {
        let mut state = self.lock();
        let (seen, filled) = state.told.entry(venue_id.to_owned()).or_default();
        if let Some((id, quantity)) = execution
            && seen.insert(id.to_owned())
        {
            *filled = filled.plus(quantity);
        }
        *filled
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
