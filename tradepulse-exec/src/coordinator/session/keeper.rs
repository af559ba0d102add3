use std::sync::{Arc, Mutex, PoisonError};

use tradepulse_core::desk::Desk;
use tradepulse_core::exchange::FeedEvent;
use tradepulse_core::store::trading::{EventLevel, TradeRecord, TradingRecord};

use crate::coordinator::Observer;

/// Keeps the trades of a process, for its end. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Keeper(Arc<Mutex<Vec<TradeRecord>>>);

impl Keeper {
    /// What was kept, the oldest first.
    pub(super) fn take(&self) -> Vec<TradeRecord> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Observer for Keeper {
    fn stored(&mut self, records: &[TradingRecord]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for record in records {
            if let TradingRecord::Trade(trade) = record {
                kept.push(trade.clone());
            }
        }
    }

    fn fed(&mut self, _event: &FeedEvent, _desk: &Desk) {}

    fn noted(&mut self, _level: EventLevel, _text: &str) {}
}
