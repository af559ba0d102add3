use tracing::{debug, error, info, warn};
use tradepulse_core::desk::Desk;
use tradepulse_core::exchange::FeedEvent;
use tradepulse_core::store::trading::{EventLevel, TradingRecord};

use crate::coordinator::Observer;

/// Writes what happens to a wallet into the log.
#[derive(Clone, Debug)]
pub struct LogObserver {
    wallet: String,
}

impl LogObserver {
    /// For this wallet.
    pub fn new(wallet: impl Into<String>) -> Self {
        Self { wallet: wallet.into() }
    }

    fn line(&self, level: EventLevel, text: &str) {
        let wallet = &*self.wallet;
        match level {
            EventLevel::Info => info!(wallet, "{text}"),
            EventLevel::Warning => warn!(wallet, "{text}"),
            EventLevel::Error => error!(wallet, "{text}"),
        }
    }
}

impl Observer for LogObserver {
    fn stored(&mut self, records: &[TradingRecord]) {
        let wallet = &*self.wallet;
        for record in records {
            match record {
                TradingRecord::Order(order) => info!(
                    wallet,
                    order = %order.id,
                    symbol = %order.symbol,
                    side = order.side.name(),
                    quantity = %order.quantity,
                    reason = order.reason.as_deref().unwrap_or_default(),
                    "order {}",
                    order.state.name()
                ),
                TradingRecord::Fill(fill) => info!(
                    wallet,
                    order = %fill.order_id,
                    symbol = %fill.symbol,
                    side = fill.side.name(),
                    price = %fill.price,
                    quantity = %fill.quantity,
                    "fill"
                ),
                TradingRecord::Trade(trade) => info!(
                    wallet,
                    symbol = %trade.symbol,
                    strategy = trade.strategy,
                    side = trade.side.name(),
                    profit = trade.profit,
                    reason = trade.exit_reason.name(),
                    "trade"
                ),
                TradingRecord::SystemEvent(event) => self.line(event.level, &event.text),
                _ => {}
            }
        }
    }

    fn fed(&mut self, event: &FeedEvent, desk: &Desk) {
        let wallet = &*self.wallet;
        match event {
            FeedEvent::Candle { symbol, timeframe, candle } => debug!(
                wallet,
                symbol = %symbol,
                timeframe = %timeframe,
                opened_at = %candle.open_time,
                close = candle.close,
                equity = desk.equity(),
                "candle"
            ),
            FeedEvent::Stale { symbol, timeframe, since } => {
                warn!(wallet, symbol = %symbol, timeframe = %timeframe, since = %since, "no candles");
            }
            FeedEvent::Trouble { reason } => warn!(wallet, "{reason}"),
            _ => {}
        }
    }

    fn noted(&mut self, level: EventLevel, text: &str) {
        self.line(level, text);
    }
}
