use std::sync::{Arc, Mutex, PoisonError};

use tradepulse_core::desk::Desk;
use tradepulse_core::exchange::FeedEvent;
use tradepulse_core::store::trading::{EventLevel, TradingRecord};

use crate::coordinator::Observer;
use crate::metrics::Metrics;
use crate::store::trades_csv::TradesCsv;

/// Appends each trade to `trades.csv`. The file is a copy: what could not be written is told, and
/// written at the next start.
#[derive(Clone)]
pub struct CsvObserver {
    file: Arc<Mutex<TradesCsv>>,
    metrics: Metrics,
}

impl CsvObserver {
    /// Appends to this file, for one wallet or several.
    pub fn new(file: TradesCsv, metrics: Metrics) -> Self {
        Self { file: Arc::new(Mutex::new(file)), metrics }
    }
}

impl Observer for CsvObserver {
    fn stored(&mut self, records: &[TradingRecord]) {
        for record in records {
            let TradingRecord::Trade(trade) = record else { continue };
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            match file.append(trade) {
                Ok(_) => self.metrics.health().well("trades.csv"),
                Err(error) => {
                    tracing::error!("trades.csv: {error}");
                    self.metrics.error("trades_csv");
                    self.metrics.health().unwell("trades.csv", error.to_string());
                }
            }
        }
    }

    fn fed(&mut self, _event: &FeedEvent, _desk: &Desk) {}

    fn noted(&mut self, _level: EventLevel, _text: &str) {}
}
