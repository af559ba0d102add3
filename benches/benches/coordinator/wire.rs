//! From the candle to the order on its way, through the whole driver.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use criterion::Criterion;
use tradepulse_core::desk::Desk;
use tradepulse_core::exchange::{
    Balance, CancelOutcome, Capabilities, Exchange, ExchangeError, FeedEvent, OpenOrders,
    VenueEvent, VenuePosition,
};
use tradepulse_core::market::Symbol;
use tradepulse_core::order::{ClientOrderId, OrderReport, OrderRequest, RunTag, Side};
use tradepulse_core::parameter::{ParameterError, Parameters};
use tradepulse_core::risk::{Approved, RiskGate, RiskRules};
use tradepulse_core::simulation::SimulatedExchange;
use tradepulse_core::store::trading::{JournalEntry, RecordFilter, RecordKind, TradingRecord};
use tradepulse_core::store::{MemoryStore, Page, RecordId, StoreError, TradingStore};
use tradepulse_core::strategy::{About, Entry, Input, Inputs, Intent, Source, Strategy, View};
use tradepulse_core::time::Timeframe;
use tradepulse_exec::coordinator::{Clock, Driver, DriverSetup, LaneOwner, Owner, Pace};
use tradepulse_exec::store::sqlite::SqliteStore;

use crate::desk;

const CANDLES: usize = 4_000;

/// Wants to be in at every second candle, and out at the others.
#[derive(Debug)]
struct InAndOut {
    average: Input,
}

impl Strategy for InAndOut {
    fn about() -> About {
        About {
            name: "in_and_out",
            version: 1,
            summary: "in at every second candle",
            variables: &[],
            optional_inputs: &[],
        }
    }

    fn new(_: &Parameters, inputs: &mut Inputs) -> Result<Self, ParameterError> {
        Ok(Self { average: inputs.ema(Source::Close, 20) })
    }

    fn warm_up(&self) -> usize {
        20
    }

    fn on_candle(&mut self, view: &View<'_>) -> Option<Intent> {
        let close = view.close(0);
        view.input(self.average, 0)?;
        if view.open_time().as_ms() / Timeframe::M5.as_ms() % 2 == 0 {
            return Some(Intent::Exit);
        }
        let (stop, target) = (close * 0.9, Some(close * 1.2));
        Some(Intent::Enter(Entry { side: Side::Long, stop, target, max_holding: None }))
    }
}

/// A venue that notes when it is first given an order.
struct Wire {
    venue: SimulatedExchange,
    first: Mutex<Option<Instant>>,
}

#[async_trait]
impl Exchange for Wire {
    fn capabilities(&self) -> &Capabilities {
        self.venue.capabilities()
    }

    async fn submit(
        &self,
        order: &Approved<OrderRequest>,
    ) -> Result<Vec<OrderReport>, ExchangeError> {
        self.first.lock().unwrap().get_or_insert_with(Instant::now);
        self.venue.submit(order).await
    }

    async fn cancel(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<CancelOutcome, ExchangeError> {
        self.venue.cancel(symbol, id).await
    }

    async fn order(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<Option<OrderReport>, ExchangeError> {
        self.venue.order(symbol, id).await
    }

    async fn open_orders(&self, symbol: &Symbol) -> Result<OpenOrders, ExchangeError> {
        self.venue.open_orders(symbol).await
    }

    async fn balances(&self) -> Result<Vec<Balance>, ExchangeError> {
        self.venue.balances().await
    }

    async fn positions(&self) -> Result<Vec<VenuePosition>, ExchangeError> {
        self.venue.positions().await
    }

    fn drain(&self) -> Vec<VenueEvent> {
        self.venue.drain()
    }

    async fn wait(&self) {
        self.venue.wait().await;
    }
}

/// SQLite that never waits for the disk.
struct Unsynced(SqliteStore);

#[async_trait]
impl TradingStore for Unsynced {
    async fn append_journal(
        &self,
        run: &str,
        entries: &[JournalEntry],
        _: bool,
    ) -> Result<(), StoreError> {
        self.0.append_journal(run, entries, false).await
    }

    async fn journal(
        &self,
        run: &str,
        from_sequence: u64,
        limit: u64,
    ) -> Result<Vec<JournalEntry>, StoreError> {
        self.0.journal(run, from_sequence, limit).await
    }

    async fn journal_end(&self, run: &str) -> Result<u64, StoreError> {
        self.0.journal_end(run).await
    }

    async fn put(&self, records: &[TradingRecord]) -> Result<(), StoreError> {
        self.0.put(records).await
    }

    async fn list(
        &self,
        kind: RecordKind,
        filter: &RecordFilter,
        page: Page,
    ) -> Result<Vec<TradingRecord>, StoreError> {
        self.0.list(kind, filter, page).await
    }
}

/// Time from each candle to the first order that came of it.
async fn times(store: Arc<dyn TradingStore>) -> Vec<Duration> {
    let (venue, capabilities) = desk::venue();
    let wire = Arc::new(Wire { venue, first: Mutex::new(None) });
    let rules = RiskRules {
        max_daily_trades: None,
        min_trade_interval_seconds: None,
        max_daily_loss: None,
        max_daily_loss_quote: None,
        circuit_breaker: None,
        emergency_drawdown: None,
        max_total_exposure: None,
        ..RiskRules::default()
    };
    let gate = RiskGate::new(rules);
    let mut desk = Desk::new(RunTag::new(1), 10_000.0, capabilities, gate, desk::patient());
    desk::lane::<InAndOut>(&mut desk, "in and out".to_owned(), &Parameters::defaults(&[]));
    let lane = LaneOwner {
        configuration_id: RecordId::derive(&["in and out"]),
        strategy: "in_and_out".to_owned(),
    };
    let owner = Owner {
        run: "bench".to_owned(),
        wallet: "main".to_owned(),
        exchange: "simulated".parse().unwrap(),
        lanes: vec![lane],
    };
    let exchange: Arc<dyn Exchange> = wire.clone();
    let (clock, pace) = (Clock::events(), Pace::Lockstep);
    let mut driver = Driver::new(DriverSetup { desk, exchange, store, owner, clock, pace });
    driver.recover().await.unwrap();
    let mut times = Vec::new();
    for candle in tradepulse_benches::market(CANDLES).unwrap().candles() {
        let symbol = desk::symbol();
        wire.venue.begin(&symbol, &candle, Timeframe::M5).unwrap();
        driver.drain().await.unwrap();
        *wire.first.lock().unwrap() = None;
        let event = FeedEvent::Candle { symbol, timeframe: Timeframe::M5, candle };
        let start = Instant::now();
        driver.feed_event(event).await.unwrap();
        if let Some(first) = *wire.first.lock().unwrap() {
            times.push(first - start);
        }
    }
    driver.finish().await.unwrap();
    times
}

/// Prints median and 99th percentile.
pub(crate) fn print(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
    println!("{what}: p50 {:?}, p99 {:?} of {}", at(0.5), at(0.99), times.len());
}

pub(crate) fn bench(_: &mut Criterion) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
    let folder = || tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (synced, unsynced) = (folder(), folder());
    let open = |folder: &tempfile::TempDir| runtime.block_on(SqliteStore::open(folder.path()));
    let stores: [(&str, Arc<dyn TradingStore>); 3] = [
        ("journal in memory", Arc::new(MemoryStore::default())),
        ("journal in SQLite without fsync", Arc::new(Unsynced(open(&unsynced).unwrap()))),
        ("journal in SQLite with fsync", Arc::new(open(&synced).unwrap())),
    ];
    for (name, store) in stores {
        let mut times = runtime.block_on(times(store));
        print(&format!("candle to order, {name}"), &mut times);
    }
}
