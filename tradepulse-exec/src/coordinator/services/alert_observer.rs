use std::sync::Arc;

use tradepulse_core::desk::{Desk, NoticeKind};
use tradepulse_core::exchange::FeedEvent;
use tradepulse_core::store::trading::{
    EventLevel, PositionRecord, SystemEventRecord, TradeRecord, TradingRecord,
};
use tradepulse_core::time::Timestamp;

use super::DailySummary;
use crate::alert::{Alert, AlertLevel, Alerter};
use crate::coordinator::{Clock, Observer};

/// Tells people what happens to a wallet.
pub struct AlertObserver {
    wallet: String,
    alerter: Arc<dyn Alerter>,
    clock: Clock,
    summary: DailySummary,
    /// Number of the newest position that was told.
    position: u64,
}

impl AlertObserver {
    /// For this wallet; `summary` counts what it sees.
    pub fn new(
        wallet: impl Into<String>,
        alerter: Arc<dyn Alerter>,
        clock: Clock,
        summary: DailySummary,
    ) -> Self {
        Self { wallet: wallet.into(), alerter, clock, summary, position: 0 }
    }

    fn tell(&self, level: AlertLevel, at: Timestamp, text: &str) {
        let text = format!("{}: {text}", self.wallet);
        self.alerter.alert(Alert { level, at, text });
    }

    fn opened(&mut self, position: &PositionRecord) {
        if position.sequence <= self.position || position.ended_at.is_some() {
            return;
        }
        self.position = position.sequence;
        let PositionRecord { side, quantity, symbol, entry_price, .. } = position;
        let text = format!("opened {} {symbol}: {quantity} at {entry_price}", side.name());
        self.tell(AlertLevel::Trade, position.updated_at, &text);
    }

    fn closed(&self, trade: &TradeRecord) {
        let TradeRecord { side, symbol, profit, profit_pct, exit_price, strategy, .. } = trade;
        let (quote, why) = (symbol.quote(), trade.exit_reason.name());
        let text = format!(
            "closed {} {symbol} at {exit_price} ({why}, {strategy}): {profit:+.2} {quote}, \
             {profit_pct:+.2} %",
            side.name()
        );
        self.tell(AlertLevel::Trade, self.clock.now(), &text);
    }

    fn event(&self, event: &SystemEventRecord) {
        let stops = [NoticeKind::Breaker, NoticeKind::Emergency].map(NoticeKind::name);
        let level = match event.level {
            _ if stops.contains(&&*event.kind) => AlertLevel::CircuitBreaker,
            EventLevel::Error => AlertLevel::Error,
            EventLevel::Warning => AlertLevel::Warning,
            EventLevel::Info => return,
        };
        self.tell(level, event.at, &event.text);
    }
}

impl Observer for AlertObserver {
    fn stored(&mut self, records: &[TradingRecord]) {
        for record in records {
            match record {
                TradingRecord::Position(position) => self.opened(position),
                TradingRecord::Trade(trade) => {
                    self.summary.trade(&self.wallet, trade);
                    self.closed(trade);
                }
                TradingRecord::SystemEvent(event) => {
                    self.summary.event(&self.wallet, event);
                    self.event(event);
                }
                _ => {}
            }
        }
    }

    fn fed(&mut self, event: &FeedEvent, desk: &Desk) {
        self.summary.stands(&self.wallet, desk);
        match event {
            FeedEvent::Stale { symbol, timeframe, since } => {
                let text = format!(
                    "no candle of {symbol} {timeframe} since {since}: no entries on old data"
                );
                self.tell(AlertLevel::Warning, self.clock.now(), &text);
            }
            FeedEvent::Trouble { reason } => {
                self.tell(AlertLevel::Warning, self.clock.now(), reason);
            }
            _ => {}
        }
    }

    fn noted(&mut self, level: EventLevel, text: &str) {
        let level = match level {
            EventLevel::Info => AlertLevel::System,
            EventLevel::Warning => AlertLevel::Warning,
            EventLevel::Error => AlertLevel::Error,
        };
        self.alerter.alert(Alert { level, at: self.clock.now(), text: text.to_owned() });
    }
}
