//! Paper accounts: the conformance suite of venues, with a restart between every step, and
//! storage that fails.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tradepulse_core::conformance::exchange::{
    ExchangeFactory, Failure, TestVenue, rules, run, symbol,
};
use tradepulse_core::exchange::{
    Balance, CancelOutcome, Capabilities, Exchange, ExchangeError, OpenOrders, Protection,
    RejectKind, TradingRules, VenueEvent, VenuePosition,
};
use tradepulse_core::market::{Candle, InstrumentKind, Symbol};
use tradepulse_core::money::Quantity;
use tradepulse_core::order::{ClientOrderId, OrderReport, OrderRequest, RequestKind, RunTag, Side};
use tradepulse_core::risk::{Approved, RiskGate, RiskRules};
use tradepulse_core::simulation::{AccountKind, SimulatedExchangeSettings};
use tradepulse_core::time::{Timeframe, Timestamp};
use tradepulse_exec::exchange::paper::{
    PaperError, PaperExchange, PaperFile, PaperState, StateError,
};

/// What is saved, shared by all who open it; saving fails while it is `full`.
#[derive(Clone, Debug, Default)]
struct Shared {
    saved: Arc<Mutex<Option<Vec<u8>>>>,
    full: Arc<AtomicBool>,
}

impl PaperState for Shared {
    fn load(&self) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.saved.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    fn save(&self, state: &[u8]) -> Result<(), StateError> {
        if self.full.load(Ordering::Relaxed) {
            return Err(StateError { reason: "no space left".into() });
        }
        *self.saved.lock().unwrap_or_else(PoisonError::into_inner) = Some(state.to_vec());
        Ok(())
    }
}

fn settings(kind: InstrumentKind) -> SimulatedExchangeSettings {
    let account = match kind {
        InstrumentKind::Spot => AccountKind::Spot,
        InstrumentKind::Perpetual => AccountKind::Margin { leverage: 5.0 },
    };
    SimulatedExchangeSettings::new(Capabilities::full("paper".parse().unwrap(), kind), account)
}

/// Opens the account anew for each call, as if the process had been killed before it.
struct Restarting {
    settings: SimulatedExchangeSettings,
    state: Shared,
}

impl Restarting {
    fn open(&self) -> PaperExchange {
        PaperExchange::open(self.settings.clone(), self.state.clone()).unwrap()
    }
}

#[async_trait]
impl Exchange for Restarting {
    fn capabilities(&self) -> &Capabilities {
        &self.settings.capabilities
    }

    async fn submit(
        &self,
        order: &Approved<OrderRequest>,
    ) -> Result<Vec<OrderReport>, ExchangeError> {
        self.open().submit(order).await
    }

    async fn cancel(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<CancelOutcome, ExchangeError> {
        self.open().cancel(symbol, id).await
    }

    async fn order(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<Option<OrderReport>, ExchangeError> {
        self.open().order(symbol, id).await
    }

    async fn open_orders(&self, symbol: &Symbol) -> Result<OpenOrders, ExchangeError> {
        self.open().open_orders(symbol).await
    }

    async fn balances(&self) -> Result<Vec<Balance>, ExchangeError> {
        self.open().balances().await
    }

    async fn positions(&self) -> Result<Vec<VenuePosition>, ExchangeError> {
        self.open().positions().await
    }

    fn drain(&self) -> Vec<VenueEvent> {
        self.open().drain()
    }

    async fn wait(&self) {
        self.open().wait().await;
    }
}

struct Factory {
    settings: SimulatedExchangeSettings,
    restarting: bool,
}

struct Paper {
    adapter: Arc<dyn Exchange>,
    settings: SimulatedExchangeSettings,
    state: Shared,
    /// The account that stays open; none where each step opens it.
    paper: Option<Arc<PaperExchange>>,
    minute: AtomicI64,
}

#[async_trait]
impl ExchangeFactory for Factory {
    fn capabilities(&self) -> Capabilities {
        self.settings.capabilities.clone()
    }

    async fn make(
        &self,
        balances: &BTreeMap<String, Quantity>,
    ) -> Result<Box<dyn TestVenue>, Failure> {
        let balances = balances.clone();
        let settings = SimulatedExchangeSettings { balances, ..self.settings.clone() }
            .market(symbol()?, rules(&self.settings.capabilities)?);
        let state = Shared::default();
        let restarting = Restarting { settings: settings.clone(), state: state.clone() };
        let (adapter, paper): (Arc<dyn Exchange>, _) = if self.restarting {
            (Arc::new(restarting), None)
        } else {
            let paper = Arc::new(restarting.open());
            (Arc::clone(&paper) as Arc<dyn Exchange>, Some(paper))
        };
        let venue = Paper { adapter, settings, state, paper, minute: AtomicI64::new(0) };
        venue.trade(100.0, 100.0, 100.0, 100.0).await?;
        assert_eq!(venue.adapter.drain(), []);
        Ok(Box::new(venue))
    }
}

#[async_trait]
impl TestVenue for Paper {
    fn exchange(&self) -> Arc<dyn Exchange> {
        Arc::clone(&self.adapter)
    }

    async fn trade(&self, open: f64, high: f64, low: f64, close: f64) -> Result<(), Failure> {
        let minute = self.minute.fetch_add(1, Ordering::Relaxed);
        let candle = candle(minute, [open, high, low, close]);
        let begun = match &self.paper {
            Some(paper) => paper.begin(&symbol()?, &candle, Timeframe::M1),
            None => PaperExchange::open(self.settings.clone(), self.state.clone())
                .and_then(|paper| paper.begin(&symbol().unwrap(), &candle, Timeframe::M1)),
        };
        begun.map_err(Failure::new)
    }

    async fn settle(&self) {}

    async fn place_foreign(&self) -> Result<Option<String>, Failure> {
        Ok(None)
    }
}

fn candle(minute: i64, [open, high, low, close]: [f64; 4]) -> Candle {
    let open_time = Timestamp::from_ms(minute * 60_000);
    Candle { open_time, open, high, low, close, volume: 1000.0 }
}

#[test]
fn paper_conforms_also_across_restarts() {
    for kind in [InstrumentKind::Spot, InstrumentKind::Perpetual] {
        for restarting in [false, true] {
            let report = pollster::block_on(run(&Factory { settings: settings(kind), restarting }));
            assert!(report.is_clean(), "{kind:?}, restarting {restarting}:\n{report}");
        }
    }
    let mut two_orders = settings(InstrumentKind::Perpetual);
    two_orders.capabilities.protection = Protection::TwoOrders;
    let factory = Factory { settings: two_orders, restarting: true };
    let report = pollster::block_on(run(&factory));
    assert!(report.is_clean(), "{report}");
}

fn funded() -> SimulatedExchangeSettings {
    settings(InstrumentKind::Spot)
        .market(symbol().unwrap(), TradingRules::default())
        .balance("USDT", "1000".parse().unwrap())
}

#[test]
fn a_file_keeps_the_account() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("paper.json");
    let open = |settings| PaperExchange::open(settings, PaperFile::new(&path));
    let paper = open(funded()).unwrap();
    paper.begin(&symbol().unwrap(), &candle(0, [100.0; 4]), Timeframe::M1).unwrap();
    drop(paper);
    // The balances of the settings are those of a new account only.
    let richer = funded().balance("USDT", "5000".parse().unwrap());
    let paper = open(richer.clone()).unwrap();
    let balances = pollster::block_on(paper.balances()).unwrap();
    assert_eq!(balances[0].free, "1000".parse().unwrap());
    let other =
        SimulatedExchangeSettings { account: AccountKind::Margin { leverage: 1.0 }, ..richer };
    assert!(matches!(open(other), Err(PaperError::Simulation(_))));
    std::fs::write(&path, "{").unwrap();
    assert!(matches!(open(funded()), Err(PaperError::Unreadable(_))));
    let nowhere = PaperFile::new(folder.path().join("missing").join("paper.json"));
    let error = PaperExchange::open(funded(), nowhere).unwrap_err().to_string();
    assert!(error.contains("paper.json"), "{error}");
    // No unfinished files are left behind.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// What is saved does not grow with the age of the account, and an id is still taken once only.
#[test]
fn orders_that_ended_long_ago_are_forgotten() {
    let state = Shared::default();
    let paper = PaperExchange::open(funded(), state.clone()).unwrap();
    let (market, gate) = (symbol().unwrap(), RiskGate::new(RiskRules::none()));
    let order = |sequence| {
        gate.pass(OrderRequest {
            id: ClientOrderId::new(RunTag::new(1), sequence),
            symbol: market.clone(),
            side: if sequence % 2 == 1 { Side::Long } else { Side::Short },
            quantity: "0.1".parse().unwrap(),
            kind: RequestKind::Market,
            reduce_only: false,
        })
    };
    let mut sizes = Vec::new();
    for sequence in 1..=1_200_u32 {
        let candle = candle(sequence.into(), [100.0; 4]);
        paper.begin(&market, &candle, Timeframe::M1).unwrap();
        while !paper.drain().is_empty() {}
        pollster::block_on(paper.submit(&order(sequence))).unwrap();
        if sequence % 400 == 0 {
            sizes.push(state.saved.lock().unwrap().as_ref().unwrap().len());
        }
    }
    // A few bytes for longer numbers.
    assert!(sizes[2] < sizes[0] + sizes[0] / 20, "{sizes:?}");
    let again = pollster::block_on(paper.submit(&order(1)));
    let refused = ExchangeError::Rejected {
        kind: RejectKind::Duplicate,
        code: None,
        reason: format!("the id {} has been used", order(1).get().id),
    };
    assert_eq!(again, Err(refused));
}

#[test]
fn nothing_is_told_that_is_not_saved() {
    let state = Shared::default();
    let paper = PaperExchange::open(funded(), state.clone()).unwrap();
    let market = symbol().unwrap();
    state.full.store(true, Ordering::Relaxed);
    assert!(matches!(
        paper.begin(&market, &candle(0, [100.0; 4]), Timeframe::M1),
        Err(PaperError::State(_))
    ));
    assert_eq!(paper.drain(), []);
    let id = ClientOrderId::new(RunTag::new(1), 1);
    let asked = pollster::block_on(paper.order(&market, id));
    assert!(matches!(asked, Err(ExchangeError::Unavailable(_))), "{asked:?}");
    let cancelled = pollster::block_on(paper.cancel(&market, id));
    assert!(matches!(cancelled, Err(ExchangeError::NotSent(_))), "{cancelled:?}");
    state.full.store(false, Ordering::Relaxed);
    assert_eq!(pollster::block_on(paper.cancel(&market, id)), Ok(CancelOutcome::NotFound));
    assert_eq!(pollster::block_on(paper.order(&market, id)), Ok(None));
}
