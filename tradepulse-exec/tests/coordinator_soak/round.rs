//! One run from the first candle to the last, and what must hold in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use tradepulse_core::{
    desk::{Control, Desk, DeskEventKind, DeskSettings, LaneSetup, Level, NoticeKind},
    engine::{Rules, StreamingEngine},
    exchange::{Capabilities, Exchange, FeedEvent, Protection, TradingRules},
    market::{Candle, InstrumentKind, Symbol, SyntheticMarket},
    order::{RunTag, Side},
    parameter::Parameters,
    random::Seed,
    risk::{RiskGate, RiskRules},
    simulation::{
        AccountKind, SimulatedExchange, SimulatedExchangeSettings,
        fault::{FaultPlan, FaultRates, FaultyExchange},
    },
    store::{
        Page, RecordId, RegimeScope, TradingStoreExt,
        trading::{FillRecord, OrderRecord, RecordFilter, TradeRecord},
    },
    time::{Timeframe, Timestamp},
};
use tradepulse_exec::{
    coordinator::{Clock, Driver, DriverError, DriverSetup, LaneOwner, Owner, Pace},
    store::sqlite::SqliteStore,
};

use crate::chance::{Chance, VARIABLES};

const CAPITAL: f64 = 10_000.0;
const CANDLES: usize = 500;
const TIMEFRAME: Timeframe = Timeframe::M5;

type Venue = FaultyExchange<SimulatedExchange>;

/// What a run came to.
pub(crate) struct Round {
    pub(crate) candles: u64,
    pub(crate) events: u64,
    pub(crate) trades: u64,
    /// Notices above information, by kind.
    pub(crate) notices: BTreeMap<&'static str, u64>,
}

fn symbol() -> Symbol {
    "BTC/USDT".parse().unwrap()
}

fn rules() -> Rules {
    Rules { min_edge: 0.0, ..Rules::default() }
}

/// Whether a fault of the venue alone can be the cause.
fn comes_of_a_fault(kind: NoticeKind) -> bool {
    matches!(
        kind,
        NoticeKind::OutcomeUnknown
            | NoticeKind::OrderRejected
            | NoticeKind::Unprotected
            | NoticeKind::Watchdog
    )
}

impl Round {
    /// Trades a market of this seed, on a venue at which each fault has this probability.
    pub(crate) async fn run(seed: u64, rate: f64) -> Result<Self, String> {
        let protections = [
            Protection::NativeOco,
            Protection::TwoOrders,
            Protection::StopOnly,
            Protection::Watched,
        ];
        let full = Capabilities::full("simulated".parse().unwrap(), InstrumentKind::Perpetual);
        let capabilities = Capabilities {
            protection: protections[(seed / 2 % 4) as usize],
            arrival_window_ms: 5_000,
            ..full
        };
        let plan = FaultPlan::random(FaultRates::all(rate), Seed(seed));
        let venue = Arc::new(FaultyExchange::new(account(&capabilities), plan));
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let store = Arc::new(SqliteStore::open(folder.path()).await.unwrap());
        let mut driver = driver(seed, &capabilities, &venue, &store);
        recover(&mut driver, &venue).await;
        let mut round = Self { candles: 0, events: 0, trades: 0, notices: BTreeMap::new() };
        let market =
            SyntheticMarket { candles: CANDLES, ..SyntheticMarket::new(Seed(seed), TIMEFRAME) };
        let series = market.generate().unwrap();
        for candle in series.candles() {
            round.meet(&mut driver, &venue, candle, rate > 0.0).await?;
        }
        let last = series.candle(series.len() - 1);
        let mut open_ms = last.open_time.as_ms();
        for _ in 0..50 {
            driver.tell(DeskEventKind::Control(Control::Pause)).await.unwrap();
            let close = Control::Close { symbol: None };
            driver.tell(DeskEventKind::Control(close)).await.unwrap();
            open_ms += TIMEFRAME.as_ms();
            let candle = Candle { open_time: Timestamp::from_ms(open_ms), ..last };
            round.meet(&mut driver, &venue, candle, rate > 0.0).await?;
            if driver.lanes().all(|lane| lane.is_idle) {
                break;
            }
        }
        driver.finish().await.unwrap();
        round.events = driver.events();
        round.trades = driver.counters().trades;
        audit(&driver, &venue, &store).await?;
        // Whoever takes over comes to the same, from the journal alone.
        let mut other = self::driver(seed, &capabilities, &venue, &store);
        recover(&mut other, &venue).await;
        if other.desk().equity().to_bits() != driver.desk().equity().to_bits() {
            let (a, b) = (driver.desk().equity(), other.desk().equity());
            return Err(format!("equity {a}, from the journal {b}"));
        }
        let (counted, again) = (driver.counters(), other.counters());
        if (counted.trades, counted.fills, counted.orders)
            != (again.trades, again.fills, again.orders)
        {
            return Err(format!("{counted:?}, from the journal {again:?}"));
        }
        drop((driver, other));
        Ok(round)
    }

    /// Lets one candle happen, and looks whether everything is in order then.
    async fn meet(
        &mut self,
        driver: &mut Driver,
        venue: &Venue,
        candle: Candle,
        faulty: bool,
    ) -> Result<(), String> {
        let symbol = symbol();
        venue.inner().begin(&symbol, &candle, TIMEFRAME).unwrap();
        let event = FeedEvent::Candle { symbol, timeframe: TIMEFRAME, candle };
        driver.feed_event(event).await.map_err(|error| error.to_string())?;
        self.candles += 1;
        let at = candle.open_time;
        for notice in driver.take_notices().into_iter().filter(|n| n.level > Level::Info) {
            if !(faulty && comes_of_a_fault(notice.kind)) {
                return Err(format!("at {at}: {}: {}", notice.kind.name(), notice.text));
            }
            *self.notices.entry(notice.kind.name()).or_default() += 1;
        }
        let there = position(venue.inner()).await;
        for lane in driver.lanes() {
            let here = lane.position.map_or(0.0, |p| p.side.sign() * p.quantity);
            let settled = lane.is_idle || (lane.position.is_some() && lane.is_protected);
            if settled && (here - there).abs() > 1e-9 {
                return Err(format!("at {at}: {here} in the books, {there} at the venue"));
            }
        }
        Ok(())
    }
}

fn account(capabilities: &Capabilities) -> SimulatedExchange {
    let margin = AccountKind::Margin { leverage: 1e9 };
    let mut settings = SimulatedExchangeSettings::new(capabilities.clone(), margin)
        .market(symbol(), trading())
        .balance("USDT", "10000".parse().unwrap());
    settings.costs = rules().costs;
    SimulatedExchange::new(settings).unwrap()
}

fn trading() -> TradingRules {
    TradingRules { instrument: rules().instrument, price_tick: None }
}

fn driver(
    seed: u64,
    capabilities: &Capabilities,
    venue: &Arc<Venue>,
    store: &Arc<SqliteStore>,
) -> Driver {
    let settings = DeskSettings {
        entry_patience_ms: 2 * TIMEFRAME.as_ms(),
        order_check_ms: 60_000,
        ..DeskSettings::default()
    };
    let gate = RiskGate::new(RiskRules::none());
    let tag = RunTag::new(seed + 1);
    let mut desk = Desk::new(tag, CAPITAL, capabilities.clone(), gate, settings);
    let parameters = Parameters::defaults(VARIABLES).with("seed", seed as i64).unwrap();
    let engine = StreamingEngine::<Chance>::new(&parameters, rules(), CAPITAL, TIMEFRAME).unwrap();
    let setup = LaneSetup {
        name: "chance".to_owned(),
        symbol: symbol(),
        timeframe: TIMEFRAME,
        regime: RegimeScope::Any,
        rules: trading(),
        leverage: 1.0,
        max_spread_bps: None,
    };
    desk.add(setup, Box::new(engine));
    let lane = LaneOwner {
        configuration_id: RecordId::derive(&["chance"]),
        strategy: "chance".to_owned(),
    };
    let owner = Owner {
        run: "soak".to_owned(),
        wallet: "main".to_owned(),
        exchange: "simulated".parse().unwrap(),
        lanes: vec![lane],
    };
    Driver::new(DriverSetup {
        desk,
        exchange: Arc::clone(venue) as Arc<dyn Exchange>,
        store: Arc::clone(store) as _,
        owner,
        clock: Clock::events(),
        pace: Pace::Lockstep,
    })
}

/// A venue that could not be asked is asked again. What it tells meanwhile is told to nobody, as
/// while a process starts; a connection that is down comes back so.
async fn recover(driver: &mut Driver, venue: &Venue) {
    let mut tries = 0;
    while let Err(error) = driver.recover().await {
        assert!(matches!(error, DriverError::Recovery { .. }), "{error}");
        venue.drain();
        tries += 1;
        assert!(tries < 1_000, "{error}");
    }
}

async fn position(venue: &SimulatedExchange) -> f64 {
    let positions = venue.positions().await.unwrap();
    positions.iter().fold(0.0, |sum, position| {
        let sign = if position.side == Side::Long { 1.0 } else { -1.0 };
        sum + sign * position.quantity.to_f64()
    })
}

/// The end: nothing is left, and the records, the desk and the venue tell of the same money.
async fn audit(driver: &Driver, venue: &Venue, store: &SqliteStore) -> Result<(), String> {
    let (held, venue) = (position(venue.inner()).await, venue.inner());
    let open = venue.open_orders(&symbol()).await.unwrap().ours;
    if held != 0.0 || !open.is_empty() || !driver.lanes().all(|lane| lane.is_idle) {
        return Err(format!("left at the venue: {held}, {open:?}"));
    }
    let balances = venue.balances().await.unwrap();
    let cash: f64 = balances.iter().map(|b| b.free.to_f64() + b.locked.to_f64()).sum();
    let all = RecordFilter::default();
    let trades = store.records::<TradeRecord>(&all, Page::ALL).await.unwrap();
    let fills = store.records::<FillRecord>(&all, Page::ALL).await.unwrap();
    let counters = driver.counters();
    if (trades.len() as u64, fills.len() as u64) != (counters.trades, counters.fills) {
        let (trades, fills) = (trades.len(), fills.len());
        return Err(format!("{trades} trades and {fills} fills stored, of {counters:?}"));
    }
    let earned: f64 = trades.iter().map(|trade| trade.profit).sum();
    if (CAPITAL + earned - cash).abs() > 1e-6 {
        return Err(format!("{} by the trades, {cash} at the venue", CAPITAL + earned));
    }
    let unfinished = RecordFilter { open: Some(true), ..all };
    let orders = store.records::<OrderRecord>(&unfinished, Page::ALL).await.unwrap();
    if orders.is_empty() { Ok(()) } else { Err(format!("open by the records: {orders:?}")) }
}
