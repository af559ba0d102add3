//! The process that trades, and is killed.

use std::{
    env,
    future::pending,
    path::Path,
    process::{self, Command},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::mpsc;
use tradepulse_core::{
    desk::{Desk, DeskSettings, LaneSetup},
    engine::{Rules, StreamingEngine},
    ensemble::{self, Absence, DecisionMode, Ensemble, Question},
    inference::{Labelling, Prediction},
    order::RunTag,
    parameter::Parameters,
    risk::{RiskGate, RiskRules},
    store::RecordId,
    time::Timestamp,
};
use tradepulse_exec::{
    coordinator::{
        Clock, CrashHook, Driver, DriverError, DriverSetup, Ended, LaneOwner, Owner, Pace,
        PaperFeed, ReplayFeed, ReplaySpeed,
        advisor::{Advisor, Advisors, Member},
    },
    inference::{MarketModel, MarketSnapshot},
    store::sqlite::SqliteStore,
};

use crate::{
    client::Client,
    market::{self, CAPITAL, Script, TIMEFRAME, series, symbol},
    venue::{capabilities, trading_rules},
};

pub(crate) const FOLDER: &str = "TRADEPULSE_TEST_FOLDER";
pub(crate) const VENUE: &str = "TRADEPULSE_TEST_VENUE";
pub(crate) const KILL: &str = "TRADEPULSE_TEST_KILL";
/// Whether models are asked.
pub(crate) const MODELS: &str = "TRADEPULSE_TEST_MODELS";
pub(crate) const RUN: &str = "run-1";

/// Not a test by itself: what the killed process runs.
#[tokio::test]
async fn trades_until_it_is_killed() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let kill = env::var(KILL).ok().map(|number| number.parse().unwrap());
    trade(Path::new(&folder), env::var(VENUE).unwrap().parse().unwrap(), kill).await;
}

/// Trades until the candles end, or until it comes by this crash point, counted from 1.
async fn trade(folder: &Path, venue: std::net::SocketAddr, kill: Option<u64>) {
    let client = Arc::new(Client::new(venue));
    let models = env::var_os(MODELS).is_some();
    let store = Arc::new(SqliteStore::open(folder).await.unwrap());
    let owner = Owner {
        run: RUN.to_owned(),
        wallet: "main".to_owned(),
        exchange: "simulated".parse().unwrap(),
        lanes: vec![LaneOwner {
            configuration_id: RecordId::derive(&["script"]),
            strategy: "script".to_owned(),
        }],
    };
    let setup = DriverSetup {
        desk: desk(models),
        exchange: client.clone(),
        store: store.clone(),
        owner,
        clock: Clock::events(),
        pace: Pace::Lockstep,
    };
    let mut driver = Driver::new(setup).with_crash_hook(killer(kill));
    if models {
        driver = driver.with_advisor(advisor(&store).await);
    }
    // A venue that could not be asked is asked again.
    while let Err(error) = driver.recover().await {
        assert!(matches!(error, DriverError::Recovery { .. }), "{error}");
    }
    let replay = ReplayFeed::new([(symbol(), series())], ReplaySpeed::Max).after(driver.now());
    let mut feed = PaperFeed::new(replay, client, [(symbol(), TIMEFRAME)]);
    let (_controls, mut controls) = mpsc::channel(1);
    let ended = driver.run(&mut feed, &mut controls, pending()).await.unwrap();
    assert_eq!(ended, Ended::FeedEnded);
    assert!(driver.lanes().all(|lane| lane.is_idle), "{:#?}", driver.desk());
    let notices = driver.take_notices();
    assert_eq!(driver.counters().unexplained, 0, "{notices:#?}");
}

fn desk(models: bool) -> Desk {
    let decision = match models {
        true => DecisionMode::Confirm { allow_abstain: false, by_confidence: true },
        false => DecisionMode::StrategiesOnly,
    };
    let rules = Rules { min_edge: 0.0, decision, ..Rules::default() };
    let settings = DeskSettings {
        entry_patience_ms: 2 * TIMEFRAME.as_ms(),
        // Rare, so that there are candles of which nothing comes.
        order_check_ms: 4 * TIMEFRAME.as_ms(),
        ..DeskSettings::default()
    };
    let gate = RiskGate::new(RiskRules::none());
    let mut desk = Desk::new(RunTag::new(1), CAPITAL, capabilities(), gate, settings);
    let parameters = Parameters::defaults(&[]);
    let engine = StreamingEngine::<Script>::new(&parameters, rules, CAPITAL, TIMEFRAME).unwrap();
    let setup = LaneSetup {
        name: "script".to_owned(),
        symbol: symbol(),
        timeframe: TIMEFRAME,
        regime: tradepulse_core::store::RegimeScope::Any,
        rules: trading_rules(),
        leverage: 1.0,
        max_spread_bps: None,
    };
    desk.add(setup, Box::new(engine));
    desk
}

/// A model that says what is written.
struct Scripted(usize);

#[async_trait]
impl MarketModel for Scripted {
    async fn ask(&self, snapshot: &MarketSnapshot<'_>) -> Result<Prediction, Absence> {
        let for_candle = snapshot.close_time();
        let candle = (for_candle.as_ms() - market::BEGIN_MS) / TIMEFRAME.as_ms() - 1;
        match market::said(self.0, candle) {
            Some((action, confidence)) => Ok(Prediction {
                for_candle,
                action,
                confidence,
                stop: None,
                take_profit: None,
                raw_score: None,
            }),
            None if candle % 2 == 0 => Err(Absence::Late),
            None => Err(Absence::Malformed { reason: "no JSON".to_owned() }),
        }
    }
}

async fn advisor(store: &SqliteStore) -> Advisor {
    let member = |number: usize| Member {
        name: format!("model-{number}"),
        weight: 1.0 + number as f64,
        deadline: Duration::from_secs(60),
        model: Arc::new(Scripted(number)),
    };
    let settings = ensemble::Settings {
        threshold: 0.4,
        uncertainty_threshold: 1.0,
        expected_value_threshold: -1.0,
        ..ensemble::Settings::default()
    };
    let advisors = Advisors {
        members: (0..2).map(member).collect(),
        ensemble: Ensemble::new(settings).unwrap(),
        labelling: Labelling { horizon: 3, long_above: 0.001, short_below: -0.001 },
        terms: Question::new(Timestamp::EARLIEST, 1.0),
        candles: 10,
        feedback_after: None,
        retraining: None,
    };
    let mut advisor = Advisor::new(Arc::new(advisors), [(symbol(), TIMEFRAME)]);
    advisor.recall(store).await.unwrap();
    advisor
}

/// Counts the points passed, and kills its own process at this one.
fn killer(at: Option<u64>) -> CrashHook {
    let passed = AtomicU64::new(0);
    Arc::new(move |_| {
        if Some(passed.fetch_add(1, Ordering::Relaxed) + 1) == at {
            let kill = format!("kill -9 {}", process::id());
            let status = Command::new("sh").args(["-c", &kill]).status();
            unreachable!("survived kill -9: {status:?}");
        }
        false
    })
}
