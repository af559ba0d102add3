use tradepulse_core::desk::Desk;
use tradepulse_core::exchange::FeedEvent;
use tradepulse_core::order::Side;
use tradepulse_core::risk::CircuitBreaker;
use tradepulse_core::store::trading::{EventLevel, FillRecord, PredictionRecord, TradingRecord};
use tradepulse_core::time::Timestamp;

use crate::coordinator::Observer;
use crate::metrics::{BreakerState, Metrics};

/// Counts and measures what happens to a wallet.
#[derive(Clone)]
pub struct MetricsObserver {
    wallet: String,
    metrics: Metrics,
}

impl MetricsObserver {
    /// For this wallet.
    pub fn new(wallet: impl Into<String>, metrics: Metrics) -> Self {
        Self { wallet: wallet.into(), metrics }
    }

    /// A prediction, or what became of one.
    fn predicted(&self, said: &PredictionRecord) {
        match &said.truth {
            Some(truth) => self.metrics.settled(&said.model, *truth == said.action),
            None => {
                let answer = if said.dropped.is_some() { "dropped" } else { said.action.as_str() };
                let seconds = said.latency_ms.map(|ms| ms as f64 / 1000.0);
                self.metrics.prediction(&said.model, answer, seconds);
            }
        }
    }

    fn stands(&self, desk: &Desk) {
        let equity = desk.equity();
        let exposure: f64 = desk
            .lanes()
            .filter_map(|lane| Some(lane.position?.quantity * lane.last_price))
            .filter(|notional| notional.is_finite())
            .sum();
        let state = desk.gate().state();
        let peak = state.peak_equity.unwrap_or(equity).max(equity);
        let drawdown = if peak > 0.0 { 1.0 - equity / peak } else { 0.0 };
        self.metrics.wallet(&self.wallet, equity, exposure, drawdown);
        self.metrics.breaker(&self.wallet, breaker(desk));
    }
}

/// How the breaker of a desk stands now.
fn breaker(desk: &Desk) -> BreakerState {
    let state = desk.gate().state();
    if state.shutdown.is_some() {
        return BreakerState::Emergency;
    }
    let rules = desk.gate().rules().circuit_breaker.as_ref();
    match state.breaker {
        CircuitBreaker::Closed { .. } => BreakerState::Closed,
        CircuitBreaker::HalfOpen { .. } => BreakerState::HalfOpen,
        // Its cool-down is over.
        open if rules.is_some_and(|rules| open.permits(rules, desk.now())) => {
            BreakerState::HalfOpen
        }
        CircuitBreaker::Open { .. } => BreakerState::Open,
    }
}

/// How much worse than expected, where that is known.
fn slippage_bps(fill: &FillRecord) -> Option<f64> {
    let (price, reference) = (fill.price.to_f64(), fill.reference?.to_f64());
    let worse = match fill.side {
        Side::Long => price / reference - 1.0,
        Side::Short => 1.0 - price / reference,
    };
    Some(worse * 10_000.0)
}

impl Observer for MetricsObserver {
    fn stored(&mut self, records: &[TradingRecord]) {
        for record in records {
            match record {
                TradingRecord::Order(order) => self.metrics.order(order.state),
                TradingRecord::Fill(fill) => {
                    self.metrics.fill(&fill.symbol.to_string(), slippage_bps(fill));
                }
                TradingRecord::Decision(decision) => {
                    self.metrics.decision(decision.outcome.name());
                }
                TradingRecord::Prediction(said) => self.predicted(said),
                TradingRecord::SystemEvent(event) if event.level == EventLevel::Error => {
                    self.metrics.error(&event.kind);
                }
                _ => {}
            }
        }
    }

    fn fed(&mut self, event: &FeedEvent, desk: &Desk) {
        match event {
            FeedEvent::Candle { symbol, timeframe, candle } => {
                let close = candle.open_time.as_ms() + timeframe.as_ms();
                self.metrics.cycle();
                self.metrics.candle(&symbol.to_string(), *timeframe, Timestamp::from_ms(close));
                self.metrics.health().well(&format!("candles of {symbol} {timeframe}"));
                self.stands(desk);
            }
            FeedEvent::Stale { symbol, timeframe, since } => {
                self.metrics.error("feed");
                let part = format!("candles of {symbol} {timeframe}");
                self.metrics.health().unwell(&part, format!("none since {since}"));
            }
            FeedEvent::Trouble { .. } => self.metrics.error("feed"),
            _ => {}
        }
    }

    fn noted(&mut self, level: EventLevel, _text: &str) {
        if level == EventLevel::Error {
            self.metrics.error("session");
        }
    }
}
