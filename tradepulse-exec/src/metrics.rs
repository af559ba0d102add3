//! Figures for Prometheus, and whether all is well, over HTTP.
//!
//! [`Metrics`] is the handle: cheap to clone, its methods take what happened and return at once.
//! [`MetricsServer`] shows it at `/metrics` (OpenMetrics text, which Prometheus reads) and answers
//! `/health` with 200 while nothing is wrong and 503 while something is.
//!
//! ```
//! use tradepulse_core::time::Timestamp;
//! use tradepulse_exec::metrics::Metrics;
//! let metrics = Metrics::new();
//! metrics.cycle();
//! metrics.fill("BTC/USDT", Some(3.5));
//! let text = metrics.encode(Timestamp::from_ms(0));
//! assert!(text.contains("tradepulse_cycles_total 1"));
//! assert!(text.contains("tradepulse_fills_total{symbol=\"BTC/USDT\"} 1"));
//! ```

mod health;
mod server;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tradepulse_core::order::OrderState;
use tradepulse_core::time::{Timeframe, Timestamp};

pub use health::{Health, HealthReport};
pub use server::{MetricsServer, MetricsServerError};

/// Labels of a series: names with values.
type Labels = Vec<(&'static str, String)>;
type Count = Family<Labels, Counter>;
type Level = Family<Labels, Gauge<f64, AtomicU64>>;

/// Bounds of the slippage histogram, basis points; below 0 is better than expected.
const SLIPPAGE_BPS: [f64; 11] = [-10.0, -5.0, -1.0, 0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0];

/// State of the circuit breaker as figures tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// Entries pass: 0.
    Closed,
    /// One trade decides: 1.
    HalfOpen,
    /// Entries are stopped: 2.
    Open,
    /// Everything was closed, and a person has to reset it: 3.
    Emergency,
}

/// What is counted and measured. Clones are the same figures.
#[derive(Clone)]
pub struct Metrics {
    shared: Arc<Shared>,
    health: Health,
}

struct Shared {
    registry: Registry,
    cycles: Counter,
    decisions: Count,
    orders: Count,
    fills: Count,
    slippage: Histogram,
    equity: Level,
    exposure: Level,
    drawdown: Level,
    breaker: Level,
    data_age: Level,
    drift: Level,
    predictions: Count,
    settled: Count,
    model_latency: Level,
    errors: Count,
    last_close: Mutex<BTreeMap<(String, Timeframe), Timestamp>>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Figures that are all at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("tradepulse");
        let cycles = Counter::default();
        registry.register("cycles", "Closed candles that were worked through", cycles.clone());
        let mut count = |name: &str, help: &str| {
            let family = Count::default();
            registry.register(name, help, family.clone());
            family
        };
        let decisions = count("decisions", "Decisions by outcome");
        let orders = count("orders", "Orders by the state they came to");
        let fills = count("fills", "Executions");
        let predictions = count("predictions", "Answers of models by action; dropped: of no use");
        let settled =
            count("predictions_settled", "Answers of which it is known whether they were right");
        let errors = count("errors", "Errors by kind");
        let mut level = |name: &str, help: &str| {
            let family = Level::default();
            registry.register(name, help, family.clone());
            family
        };
        let equity = level("equity_quote", "Equity, quote currency");
        let exposure = level("exposure_quote", "Notional of open positions, quote currency");
        let drawdown = level("drawdown_ratio", "Drawdown from the peak of equity");
        let breaker = level(
            "breaker_state",
            "Circuit breaker: 0 closed, 1 half-open, 2 open, 3 emergency stop",
        );
        let data_age = level("data_age_seconds", "Time since the last candle closed");
        let model_latency =
            level("model_latency_seconds", "Time that the last answer of a model took");
        let drift = level(
            "reconciliation_drift",
            "Positions and orders that differ between the venue and the journal",
        );
        let slippage = Histogram::new(SLIPPAGE_BPS);
        let help = "Slippage of fills against the price expected, basis points; negative is better";
        registry.register("slippage_bps", help, slippage.clone());
        let shared = Shared {
            registry,
            cycles,
            decisions,
            orders,
            fills,
            slippage,
            equity,
            exposure,
            drawdown,
            breaker,
            data_age,
            drift,
            predictions,
            settled,
            model_latency,
            errors,
            last_close: Mutex::default(),
        };
        Self { shared: Arc::new(shared), health: Health::default() }
    }

    /// Whether all is well, as `/health` tells it.
    pub const fn health(&self) -> &Health {
        &self.health
    }

    /// A closed candle was worked through.
    pub fn cycle(&self) {
        self.shared.cycles.inc();
    }

    /// A decision was made: `entered`, `refused`, `exited`, `none` or another short word.
    pub fn decision(&self, outcome: &str) {
        self.shared.decisions.get_or_create(&vec![("outcome", outcome.into())]).inc();
    }

    /// A model answered with an action, or something of no use (`dropped`), in so many seconds.
    pub fn prediction(&self, model: &str, answer: &str, seconds: Option<f64>) {
        let labels = vec![("model", model.into()), ("answer", answer.into())];
        self.shared.predictions.get_or_create(&labels).inc();
        if let Some(seconds) = seconds {
            self.shared.model_latency.get_or_create(&vec![("model", model.into())]).set(seconds);
        }
    }

    /// It is known now whether a model was right.
    pub fn settled(&self, model: &str, is_right: bool) {
        let right = if is_right { "yes" } else { "no" };
        let labels = vec![("model", model.into()), ("right", right.into())];
        self.shared.settled.get_or_create(&labels).inc();
    }

    /// An order came to this state.
    pub fn order(&self, state: OrderState) {
        self.shared.orders.get_or_create(&vec![("state", state.name().into())]).inc();
    }

    /// An order was executed, in whole or in part, at this much worse than expected, basis points.
    pub fn fill(&self, symbol: &str, slippage_bps: Option<f64>) {
        self.shared.fills.get_or_create(&vec![("symbol", symbol.into())]).inc();
        if let Some(bps) = slippage_bps.filter(|bps| bps.is_finite()) {
            self.shared.slippage.observe(bps);
        }
    }

    /// How a wallet stands: equity and notional of its positions in quote currency, drawdown from
    /// its peak as a fraction.
    pub fn wallet(&self, wallet: &str, equity: f64, exposure: f64, drawdown: f64) {
        let labels = vec![("wallet", wallet.to_owned())];
        let Shared { equity: equities, exposure: exposures, drawdown: drawdowns, .. } =
            &*self.shared;
        for (family, value) in [(equities, equity), (exposures, exposure), (drawdowns, drawdown)] {
            family.get_or_create(&labels).set(value);
        }
    }

    /// The circuit breaker of a wallet came to this state.
    pub fn breaker(&self, wallet: &str, state: BreakerState) {
        let level = match state {
            BreakerState::Closed => 0.0,
            BreakerState::HalfOpen => 1.0,
            BreakerState::Open => 2.0,
            BreakerState::Emergency => 3.0,
        };
        self.shared.breaker.get_or_create(&vec![("wallet", wallet.into())]).set(level);
    }

    /// A candle closed at `closed_at`; the age of the data counts from there.
    pub fn candle(&self, symbol: &str, timeframe: Timeframe, closed_at: Timestamp) {
        let mut last = self.shared.last_close.lock().unwrap_or_else(PoisonError::into_inner);
        let at = last.entry((symbol.to_owned(), timeframe)).or_insert(closed_at);
        *at = closed_at.max(*at);
    }

    /// So many positions and orders differ between the venue and the journal.
    pub fn reconciliation(&self, wallet: &str, differences: u32) {
        let labels = vec![("wallet", wallet.to_owned())];
        self.shared.drift.get_or_create(&labels).set(differences.into());
    }

    /// Something failed: `exchange`, `feed`, `store`, `alert` or another short word.
    pub fn error(&self, kind: &str) {
        self.shared.errors.get_or_create(&vec![("kind", kind.into())]).inc();
    }

    /// All figures as OpenMetrics text. Ages are as of `now`.
    pub fn encode(&self, now: Timestamp) -> String {
        let last = self.shared.last_close.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for ((symbol, timeframe), closed_at) in last {
            let labels = vec![("symbol", symbol), ("timeframe", timeframe.to_string())];
            let age_ms = now.as_ms().saturating_sub(closed_at.as_ms()).max(0);
            self.shared.data_age.get_or_create(&labels).set(age_ms as f64 / 1000.0);
        }
        let mut text = String::new();
        if encode(&mut text, &self.shared.registry).is_err() {
            // Writing to a string does not fail; a figure that cannot be written is said to be.
            let _ = writeln!(text, "# some figures could not be written");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_is_told() {
        let metrics = Metrics::new();
        let same = metrics.clone();
        same.cycle();
        same.cycle();
        same.decision("entered");
        same.order(OrderState::PartiallyFilled);
        same.fill("BTC/USDT", Some(7.0));
        same.fill("BTC/USDT", None);
        same.fill("BTC/USDT", Some(f64::NAN));
        same.wallet("main", 10_000.5, 2_000.0, 0.25);
        same.breaker("main", BreakerState::Open);
        same.candle("BTC/USDT", Timeframe::M5, Timestamp::from_ms(60_000));
        same.candle("BTC/USDT", Timeframe::M5, Timestamp::from_ms(30_000));
        same.reconciliation("main", 2);
        same.prediction("trees", "long", Some(0.25));
        same.settled("trees", true);
        same.error("exch\"ange\n");
        let text = metrics.encode(Timestamp::from_ms(90_500));
        for line in [
            "tradepulse_cycles_total 2",
            "tradepulse_decisions_total{outcome=\"entered\"} 1",
            "tradepulse_orders_total{state=\"partially_filled\"} 1",
            "tradepulse_fills_total{symbol=\"BTC/USDT\"} 3",
            "tradepulse_slippage_bps_sum 7.0",
            "tradepulse_slippage_bps_bucket{le=\"5.0\"} 0",
            "tradepulse_slippage_bps_bucket{le=\"10.0\"} 1",
            "tradepulse_equity_quote{wallet=\"main\"} 10000.5",
            "tradepulse_exposure_quote{wallet=\"main\"} 2000.0",
            "tradepulse_drawdown_ratio{wallet=\"main\"} 0.25",
            "tradepulse_breaker_state{wallet=\"main\"} 2.0",
            "tradepulse_data_age_seconds{symbol=\"BTC/USDT\",timeframe=\"5m\"} 30.5",
            "tradepulse_predictions_total{model=\"trees\",answer=\"long\"} 1",
            "tradepulse_predictions_settled_total{model=\"trees\",right=\"yes\"} 1",
            "tradepulse_model_latency_seconds{model=\"trees\"} 0.25",
            "tradepulse_reconciliation_drift{wallet=\"main\"} 2.0",
            "tradepulse_errors_total{kind=\"exch\\\"ange\\n\"} 1",
            "# EOF",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
        // Data gets older without anybody doing anything.
        let later = metrics.encode(Timestamp::from_ms(120_000));
        assert!(later.contains("timeframe=\"5m\"} 60.0"), "{later}");
    }
}
