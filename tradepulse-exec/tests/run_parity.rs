//! A recorded run beside the simulator: what late orders, dear venues and other candles cost.

#![cfg(feature = "checks")]
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;

use tradepulse_core::desk::{Control, DeskEventKind, DeskSettings};
use tradepulse_core::engine::Rules;
use tradepulse_core::exchange::{Capabilities, Feed, TradingRules};
use tradepulse_core::market::{
    ExchangeName, InstrumentKind, Market, Series, Symbol, SyntheticMarket,
};
use tradepulse_core::money::{Amount, Quantity};
use tradepulse_core::order::{RunTag, Side};
use tradepulse_core::parameter::{ParameterError, Parameters};
use tradepulse_core::parity::Parts;
use tradepulse_core::random::Seed;
use tradepulse_core::risk::{RiskRules, RiskState};
use tradepulse_core::simulation::{
    AccountKind, Costs, SimulatedExchange, SimulatedExchangeSettings,
};
use tradepulse_core::store::trading::{RunMode, RunRecord};
use tradepulse_core::store::{MemoryStore, RecordId, RegimeScope};
use tradepulse_core::strategy::{About, Entry, Inputs, Intent, Registry, Strategy, View};
use tradepulse_core::time::{Timeframe, Timestamp};
use tradepulse_exec::coordinator::{
    Clock, Driver, DriverSetup, LaneSettings, Owner, Pace, PaperFeed, ReplayFeed, ReplaySpeed,
    RunSettings,
};
use tradepulse_exec::parity::{RunParity, RunParityError};
use tradepulse_exec::store::columnar::CandleStore;

const CAPITAL: f64 = 10_000.0;
const TIMEFRAME: Timeframe = Timeframe::M5;

/// Long for some candles, then short, and so on.
struct Turns;

impl Strategy for Turns {
    fn about() -> About {
        About {
            name: "turns",
            version: 1,
            summary: "long, short, long",
            variables: &[],
            optional_inputs: &[],
        }
    }

    fn new(_: &Parameters, _: &mut Inputs) -> Result<Self, ParameterError> {
        Ok(Self)
    }

    fn warm_up(&self) -> usize {
        1
    }

    fn on_candle(&mut self, view: &View<'_>) -> Option<Intent> {
        let number = view.open_time().as_ms() / TIMEFRAME.as_ms();
        let close = view.close(0);
        let enter = |side: Side| {
            let stop = close * (1.0 - 0.02 * side.sign());
            let target = Some(close * (1.0 + 0.03 * side.sign()));
            Some(Intent::Enter(Entry { side, stop, target, max_holding: None }))
        };
        match number % 40 {
            0 => enter(Side::Long),
            11 | 31 => Some(Intent::Exit),
            20 => enter(Side::Short),
            _ => None,
        }
    }
}

fn symbol() -> Symbol {
    "BTC/USDT".parse().unwrap()
}

fn exchange() -> ExchangeName {
    ExchangeName::binance()
}

fn registry() -> Registry {
    Registry::new().with::<Turns>()
}

fn series() -> Series {
    let market = SyntheticMarket { candles: 900, ..SyntheticMarket::new(Seed(11), TIMEFRAME) };
    market.generate().unwrap()
}

fn settings() -> RunSettings {
    let rules = Rules { min_edge: 0.0, compounding: false, ..Rules::default() };
    let desk = DeskSettings {
        entry_patience_ms: 4 * TIMEFRAME.as_ms(),
        order_check_ms: 0,
        ..DeskSettings::default()
    };
    RunSettings {
        replay: false,
        capital: CAPITAL,
        rules,
        risk: RiskRules::none(),
        leverage: 1.0,
        desk,
        capabilities: Capabilities::full(exchange(), InstrumentKind::Spot),
        markets: BTreeMap::from([(symbol(), TradingRules::default())]),
        lanes: vec![LaneSettings {
            configuration_id: RecordId::derive(&["turns"]),
            strategy: "turns".to_owned(),
            parameters: BTreeMap::new(),
            symbol: symbol(),
            timeframe: TIMEFRAME,
            regime: RegimeScope::Any,
            allocation: None,
        }],
        risk_state: RiskState::default(),
    }
}

/// A run of `settings` at a venue with these costs and this latency; what a person does at a candle.
async fn run(
    settings: &RunSettings,
    series: &Series,
    costs: Costs,
    latency_ms: i64,
    person: Option<(usize, Control)>,
) -> (Arc<MemoryStore>, RunRecord) {
    let store = Arc::new(MemoryStore::default());
    let account = SimulatedExchangeSettings {
        costs,
        latency_ms,
        ..SimulatedExchangeSettings::new(
            settings.capabilities.clone(),
            AccountKind::Margin { leverage: 1e6 },
        )
    };
    let account = account
        .market(symbol(), TradingRules::default())
        .balance("USDT", Quantity::from_f64(CAPITAL).unwrap());
    let venue = Arc::new(SimulatedExchange::new(account).unwrap());
    let record = RunRecord {
        id: "run".to_owned(),
        tag: RunTag::new(7),
        wallet: "main".to_owned(),
        mode: RunMode::DryRun,
        exchange: exchange(),
        config: serde_json::to_value(settings).unwrap(),
        engine_version: "test".to_owned(),
        started_at: Timestamp::from_ms(0),
        ended_at: None,
        ending: None,
    };
    let capabilities = settings.capabilities.clone();
    let desk = settings.desk(&registry(), record.tag, capabilities, settings.desk.clone()).unwrap();
    let mut driver = Driver::new(DriverSetup {
        desk,
        exchange: venue.clone(),
        store: store.clone(),
        owner: Owner {
            run: record.id.clone(),
            wallet: record.wallet.clone(),
            exchange: exchange(),
            lanes: settings.plan(&registry()).unwrap().owners(),
        },
        clock: Clock::events(),
        pace: Pace::Lockstep,
    });
    driver.recover().await.unwrap();
    for candle in series.candles().take(100) {
        let (symbol, timeframe) = (symbol(), TIMEFRAME);
        driver.tell(DeskEventKind::WarmUp { symbol, timeframe, candle }).await.unwrap();
    }
    let rest = series.between(series.close_time(99), Timestamp::LATEST);
    let replay = ReplayFeed::new([(symbol(), rest)], ReplaySpeed::Max);
    let mut feed = PaperFeed::new(replay, venue.clone(), [(symbol(), TIMEFRAME)]);
    let mut number = 0;
    while let Some(event) = feed.next().await.unwrap() {
        driver.feed_event(event).await.unwrap();
        number += 1;
        if let Some((at, control)) = &person
            && *at == number
        {
            driver.tell(DeskEventKind::Control(control.clone())).await.unwrap();
        }
    }
    driver.drain().await.unwrap();
    driver.tell(DeskEventKind::Control(Control::EndOfData)).await.unwrap();
    venue.fill_at_close(&symbol(), driver.now()).unwrap();
    driver.finish().await.unwrap();
    (store, record)
}

/// A folder in which this series is stored.
fn stored(series: &Series) -> (tempfile::TempDir, CandleStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = CandleStore::open(folder.path());
    let market = Market { exchange: exchange(), symbol: symbol(), timeframe: TIMEFRAME };
    store.import(&market, series, &[]).unwrap();
    (folder, store)
}

async fn compare(store: &MemoryStore, run: &RunRecord, candles: &CandleStore) -> RunParity {
    let compared = RunParity::new(store, run, &registry(), candles).await.unwrap();
    let Parts { signal, data, size, latency, fill, fee } = compared.parity.parts;
    let sum = [signal, data, size, latency, fill, fee]
        .into_iter()
        .fold(Amount::ZERO, |sum, part| sum.plus(part));
    assert_eq!(sum, compared.parity.difference, "the parts do not add up");
    compared
}

#[tokio::test]
async fn a_run_in_the_simulator_differs_in_nothing() {
    let (settings, series) = (settings(), series());
    let (_folder, candles) = stored(&series);
    let (store, record) = run(&settings, &series, settings.rules.costs, 0, None).await;
    let compared = compare(&store, &record, &candles).await;
    assert_eq!(compared.parity.parts, Parts::default());
    assert!(compared.parity.pairs.len() > 30, "{}", compared.parity.pairs.len());
    assert!(compared.parity.only_recorded.is_empty() && compared.parity.only_simulated.is_empty());
    assert_eq!((compared.candles.seen, compared.candles.same), (900, 900));
    assert_eq!(compared.controls, 0);
}

#[tokio::test]
async fn late_orders_cost_latency_and_dear_venues_fees() {
    let (settings, series) = (settings(), series());
    let (_folder, candles) = stored(&series);
    let reckoned = settings.rules.costs;
    let (store, record) = run(&settings, &series, reckoned, 1, None).await;
    let late = compare(&store, &record, &candles).await;
    let parts = late.parity.parts;
    assert!(parts.latency != Amount::ZERO, "{parts:?}");
    assert_eq!(parts.data, Amount::ZERO);
    assert!(late.parity.pairs.iter().any(|pair| {
        let (r, v) = (&pair.recorded.trade, &pair.simulated.trade);
        r.entry_time_ms == v.entry_time_ms + TIMEFRAME.as_ms()
    }));

    let dear = Costs { taker_fee: 0.002, maker_fee: 0.002, ..reckoned };
    let (store, record) = run(&settings, &series, dear, 0, None).await;
    let parity = compare(&store, &record, &candles).await.parity;
    let fees = |of: fn(&tradepulse_core::parity::Pair) -> f64| -> f64 {
        parity.pairs.iter().map(of).sum()
    };
    let more = fees(|pair| pair.recorded.trade.fees - pair.simulated.trade.fees);
    assert!(more > 1.0, "{more}");
    assert!((parity.parts.fee.to_f64() + more).abs() < 1e-4, "{:?}", parity.parts);
    assert_eq!((parity.parts.latency, parity.parts.signal), (Amount::ZERO, Amount::ZERO));
}

#[tokio::test]
async fn other_candles_are_data_and_what_a_person_does_is_signal() {
    let (settings, series) = (settings(), series());
    let (store, record) = run(&settings, &series, settings.rules.costs, 0, None).await;
    // Stored with one candle less, and with one that went further.
    let mut columns = series.columns().clone();
    columns.high[500] *= 1.2;
    let changed = Series::new(TIMEFRAME, columns).unwrap();
    let mut gap = changed.between(Timestamp::EARLIEST, changed.close_time(698)).columns().clone();
    for candle in changed.between(changed.close_time(699), Timestamp::LATEST).candles() {
        gap.push(candle);
    }
    let (_folder, candles) = stored(&Series::new(TIMEFRAME, gap).unwrap());
    let compared = compare(&store, &record, &candles).await;
    let found = &compared.candles;
    assert_eq!((found.seen, found.same, found.differing, found.not_stored), (900, 898, 1, 1));
    let Parts { data, .. } = compared.parity.parts;
    assert_eq!(compared.parity.parts, Parts { data, ..Parts::default() });
    assert!(data != Amount::ZERO);

    // Nothing stored: what was seen stands for it.
    let empty = tempfile::tempdir().unwrap();
    let compared = compare(&store, &record, &CandleStore::open(empty.path())).await;
    assert_eq!(compared.candles.markets_not_stored, ["BTC/USDT 5m"]);
    assert_eq!(compared.parity.parts, Parts::default());

    let person = Some((300, Control::Pause));
    let (store, record) = run(&settings, &series, settings.rules.costs, 0, person).await;
    let (_folder, candles) = stored(&series);
    let compared = compare(&store, &record, &candles).await;
    let Parts { signal, .. } = compared.parity.parts;
    assert_eq!(compared.parity.parts, Parts { signal, ..Parts::default() });
    assert!(signal != Amount::ZERO && compared.controls == 1);
    let missing = &compared.parity.only_simulated;
    assert!(missing.len() > 10 && compared.parity.only_recorded.is_empty());
    assert_eq!(compared.refused.len(), missing.len());
    assert!(compared.refused[0].1.contains("paused"), "{:?}", compared.refused[0]);
}

#[tokio::test]
async fn a_run_without_its_settings_is_refused() {
    let (settings, series) = (settings(), series());
    let (store, record) = run(&settings, &series, settings.rules.costs, 0, None).await;
    let empty = tempfile::tempdir().unwrap();
    let candles = CandleStore::open(empty.path());
    let old = RunRecord { config: serde_json::json!({ "replay": true }), ..record.clone() };
    let error = RunParity::new(&*store, &old, &registry(), &candles).await.unwrap_err();
    assert!(matches!(error, RunParityError::Settings { .. }), "{error}");
    let other = RunRecord { id: "another".to_owned(), ..record };
    let error = RunParity::new(&*store, &other, &registry(), &candles).await.unwrap_err();
    assert!(matches!(error, RunParityError::NoCandles(_)), "{error}");
}
