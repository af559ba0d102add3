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
};

use tokio::sync::mpsc;
use tradepulse_core::{
    desk::{Desk, DeskSettings, LaneSetup},
    engine::{Rules, StreamingEngine},
    order::RunTag,
    parameter::Parameters,
    risk::{RiskGate, RiskRules},
    store::RecordId,
};
use tradepulse_exec::{
    coordinator::{
        Clock, CrashHook, Driver, DriverError, DriverSetup, Ended, LaneOwner, Owner, Pace,
        PaperFeed, ReplayFeed, ReplaySpeed,
    },
    store::sqlite::SqliteStore,
};

use crate::{
    client::Client,
    market::{CAPITAL, Script, TIMEFRAME, series, symbol},
    venue::{capabilities, trading_rules},
};

pub(crate) const FOLDER: &str = "TRADEPULSE_TEST_FOLDER";
pub(crate) const VENUE: &str = "TRADEPULSE_TEST_VENUE";
pub(crate) const KILL: &str = "TRADEPULSE_TEST_KILL";
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
        desk: desk(),
        exchange: client.clone(),
        store,
        owner,
        clock: Clock::events(),
        pace: Pace::Lockstep,
    };
    let mut driver = Driver::new(setup).with_crash_hook(killer(kill));
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

fn desk() -> Desk {
    let rules = Rules { min_edge: 0.0, ..Rules::default() };
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
