//! Sessions on the candles of now, on a paused clock, against paper accounts and others.

#![cfg(all(feature = "config", feature = "coordinator", feature = "paper"))]
#![allow(clippy::unwrap_used)]

mod at_venue;
mod models;
mod mute_account;
mod restart;
mod swing;
mod training;
#[allow(dead_code)]
#[path = "../live_feed/venue.rs"]
mod venue;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;
use tradepulse_core::desk::{Control, Desk, DeskSettings, NoticeKind};
use tradepulse_core::exchange::{Exchange, FeedEvent};
use tradepulse_core::market::{Columns, Series, Symbol};
use tradepulse_core::simulation::SimulatedExchange;
use tradepulse_core::store::trading::{
    ControlKind, ControlRecord, ControlResult, EventLevel, RecordFilter, RunMode, RunRecord,
    SystemEventRecord, TradeRecord, TradingRecord, TradingStore, TradingStoreExt,
};
use tradepulse_core::store::{MemoryStore, Page};
use tradepulse_core::strategy::Registry;
use tradepulse_core::time::{Timeframe, Timestamp};
use tradepulse_exec::config::Config;
use tradepulse_exec::coordinator::live_feed::LiveFeedSettings;
use tradepulse_exec::coordinator::session::{
    Accounts, LiveMarket, Replay, Session, SessionError, StopSignal, Stopper, WalletOutcome,
};
use tradepulse_exec::coordinator::{
    Clock, Ended, Observer, Pace, PaperFeed, ReplayFeed, ReplaySpeed,
};

use self::mute_account::MuteAccount;
use self::swing::Swing;
use self::venue::{Venue, candle};

/// Midnight, UTC.
const BEGUN: i64 = 1_704_067_200_000;
const MINUTE: i64 = 60_000;

const CONFIG: &str = "\
symbols: [BTC/USDT]
data: {timeframes: [1m], candles_count: 30}
safety:
  max_daily_trades: null
  min_trade_interval_seconds: null
  circuit_breaker: null
  emergency_drawdown: null
  max_total_exposure: null
trading:
  from_store: false
  position_size_method: fixed_fraction
  position_size_fraction: 0.8
  configurations:
    - strategy: swing
";

fn btc() -> Symbol {
    "BTC/USDT".parse().unwrap()
}

/// What an observer was told, in words.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Observer for Notes {
    fn stored(&mut self, _: &[TradingRecord]) {}

    fn fed(&mut self, event: &FeedEvent, _: &Desk) {
        if let FeedEvent::Stale { .. } | FeedEvent::Trouble { .. } = event {
            self.0.lock().unwrap().push(format!("{event:?}"));
        }
    }

    fn noted(&mut self, level: EventLevel, text: &str) {
        self.0.lock().unwrap().push(format!("{}: {text}", level.name()));
    }
}

/// A folder, in memory where there is such a place: accounts are saved at every step.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// One computer: a store and a folder that outlive its sessions.
struct Computer {
    folder: tempfile::TempDir,
    store: Arc<MemoryStore>,
    clock: Clock,
    notes: Notes,
}

impl Computer {
    fn new() -> Self {
        Self {
            folder: folder(),
            store: Arc::default(),
            clock: Clock::timers(Timestamp::from_ms(BEGUN + 20_000)),
            notes: Notes::default(),
        }
    }

    fn session(&self, config: &str) -> Session {
        let config = Config::parse(config, []).unwrap().config;
        let registry = Registry::new().with::<Swing>();
        let notes = self.notes.clone();
        Session::new(config, registry, &[], self.store.clone(), self.clock.clone())
            .unwrap()
            .with_observers(move |_| vec![Box::new(notes.clone())])
    }

    fn market(&self, venue: Venue) -> LiveMarket {
        LiveMarket {
            data: Arc::new(venue),
            accounts: Accounts::Paper(self.folder.path().to_owned()),
            clock: self.clock.clone(),
            feed: LiveFeedSettings::default(),
        }
    }

    /// Trades until so many minutes after the beginning.
    async fn trade(&self, session: &Session, minutes: i64) -> Result<WalletOutcome, SessionError> {
        let market = self.market(Venue::new(self.clock.clone(), []));
        let (stopper, stop) = Stopper::new();
        let until = BEGUN + minutes * MINUTE + 30_000;
        let wait = Duration::from_millis((until - self.clock.now().as_ms()).unsigned_abs());
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            stopper.stop();
        });
        let mut outcomes = session.trade(&market, &stop).await?;
        assert_eq!(outcomes.len(), 1);
        Ok(outcomes.remove(0))
    }

    async fn runs(&self) -> Vec<RunRecord> {
        self.store.records(&RecordFilter::default(), Page::ALL).await.unwrap()
    }
}

/// The minutes from `before` ahead of the beginning to `until` behind it.
fn series(before: i64, until: i64) -> Series {
    let mut columns = Columns::with_capacity(0);
    for i in BEGUN / MINUTE - before..BEGUN / MINUTE + until {
        columns.push(candle(&btc(), Timeframe::M1, i));
    }
    Series::new(Timeframe::M1, columns).unwrap()
}

/// The trades of a replay of so many minutes, what is closed at its end left out.
async fn replayed(config: &str, minutes: i64) -> Vec<TradeRecord> {
    let computer = Computer::new();
    let session = computer.session(config);
    let all = [(btc(), series(40, minutes))];
    let replay = Replay { from: Timestamp::from_ms(BEGUN), ..Replay::new(&all) };
    let mut outcomes = session.replay(&replay, &StopSignal::never()).await.unwrap();
    let mut trades = outcomes.remove(0).trades;
    trades.retain(|trade| trade.exit_reason != tradepulse_core::order::ExitReason::EndOfData);
    trades
}

fn trades(of: &[TradeRecord]) -> Vec<tradepulse_core::account::Trade> {
    of.iter().map(TradeRecord::trade).collect()
}

#[tokio::test(start_paused = true)]
async fn live_makes_the_trades_of_a_replay() {
    let computer = Computer::new();
    let outcome = computer.trade(&computer.session(CONFIG), 600).await.unwrap();
    assert_eq!(outcome.ended, Ended::Stopped);
    let expected = replayed(CONFIG, 600).await;
    assert!(expected.len() >= 30, "{}", expected.len());
    assert_eq!(trades(&outcome.trades), trades(&expected));
    assert_eq!(outcome.counters.unexplained, 0, "{:?}", outcome.notices);
}

#[tokio::test(start_paused = true)]
async fn a_restart_changes_no_trade() {
    let expected = replayed(CONFIG, 300).await;
    let computer = Computer::new();
    let mut all = Vec::new();
    let mut runs = Vec::new();
    // Stops before, within and after trades.
    for minutes in [3, 7, 18, 19, 20, 21, 22, 23, 24, 60, 150, 300] {
        let outcome = computer.trade(&computer.session(CONFIG), minutes).await.unwrap();
        all.extend(outcome.trades);
        let kept = computer.runs().await.remove(0);
        assert_eq!(kept.ended_at.is_none(), outcome.goes_on, "{kept:?}");
        let rest = if outcome.goes_on { "; goes on with the next start" } else { "" };
        assert_eq!(kept.ending.unwrap(), format!("stopped{rest}"));
        runs.push((outcome.run, outcome.goes_on));
    }
    assert_eq!(all.len(), expected.len());
    for (one, other) in all.iter().zip(&expected) {
        let of = |t: &TradeRecord| (t.entry_time_ms, t.exit_time_ms, t.exit_reason);
        assert_eq!(of(one), of(other));
        // Capital is what the account holds, to the last digit but one.
        assert!((one.profit / other.profit - 1.0).abs() < 1e-12, "{one:?} {other:?}");
    }
    assert!(runs.iter().any(|(_, goes_on)| *goes_on) && runs.iter().any(|(_, on)| !on), "{runs:?}");
    for pair in runs.windows(2) {
        assert_eq!(
            pair[0].0 == pair[1].0,
            pair[0].1,
            "a run that holds something goes on: {runs:?}"
        );
    }
    let recorded = computer.runs().await;
    let open = recorded.iter().filter(|run| run.ended_at.is_none()).count();
    assert!(open <= 1, "{recorded:?}");
}

#[tokio::test(start_paused = true)]
async fn a_kill_changes_no_trade() {
    let expected = replayed(CONFIG, 300).await;
    let computer = Computer::new();
    for seconds in [30, 95, 200, 61, 59, 300, 61, 62, 64, 700, 1_000, 61, 61, 61, 61, 61, 61] {
        let session = computer.session(CONFIG);
        let life = Duration::from_secs(seconds);
        let killed = tokio::time::timeout(life, computer.trade(&session, 300)).await;
        assert!(killed.is_err(), "{killed:?}");
    }
    let outcome = computer.trade(&computer.session(CONFIG), 300).await.unwrap();
    assert_eq!(outcome.counters.unexplained, 0, "{:?}", outcome.notices);
    assert_eq!(computer.runs().await.len(), 1, "one run that goes on");
    let filter = RecordFilter {
        first: tradepulse_core::store::trading::First::Oldest,
        ..RecordFilter::default()
    };
    let all: Vec<TradeRecord> = computer.store.records(&filter, Page::ALL).await.unwrap();
    assert_eq!(trades(&all), trades(&expected));
}

#[tokio::test(start_paused = true)]
async fn after_a_night_exits_happen_and_old_signals_are_not_followed() {
    let computer = Computer::new();
    // Into a position, and away for six hours.
    let mut minutes = 1;
    while !computer.trade(&computer.session(CONFIG), minutes).await.unwrap().goes_on {
        minutes += 1;
    }
    tokio::time::sleep(Duration::from_secs(6 * 3600)).await;
    let outcome = computer.trade(&computer.session(CONFIG), minutes + 361).await.unwrap();
    assert!(outcome.trades.len() <= 1, "{:?}", outcome.trades);
    let filter = RecordFilter { kind: Some("refusal".into()), ..RecordFilter::default() };
    let events: Vec<SystemEventRecord> = computer.store.records(&filter, Page::ALL).await.unwrap();
    let stale = events.iter().filter(|e| e.text.contains("the last candle closed")).count();
    assert!(stale >= 15, "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn a_restart_resets_no_limit() {
    let config = CONFIG.replace("max_daily_trades: null", "max_daily_trades: 3");
    let computer = Computer::new();
    let mut made = 0;
    for minutes in [40, 90, 200] {
        made += computer.trade(&computer.session(&config), minutes).await.unwrap().trades.len();
    }
    assert_eq!(made, 3);
    // The next day they may.
    tokio::time::sleep(Duration::from_secs(24 * 3600 - 200 * 60)).await;
    let outcome = computer.trade(&computer.session(&config), 24 * 60 + 60).await.unwrap();
    assert!(!outcome.trades.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_capital_of_a_new_run_is_what_earlier_ones_left() {
    let computer = Computer::new();
    let (mut last, mut fresh, mut began) = (10_000.0, true, 0);
    for minutes in (10..300).step_by(10) {
        let outcome = computer.trade(&computer.session(CONFIG), minutes).await.unwrap();
        if fresh {
            began += 1;
            assert!((outcome.capital - last).abs() < 1e-6, "{} {last}", outcome.capital);
        }
        (last, fresh) = (outcome.equity, !outcome.goes_on);
    }
    assert!(began > 5 && last > 10_100.0, "{began} {last}");
}

#[tokio::test(start_paused = true)]
async fn told_to_close_it_closes_at_the_quote_of_now() {
    let config = format!("{CONFIG}on_shutdown: close\n");
    let computer = Computer::new();
    let mut closed = 0;
    for minutes in (3..60).step_by(3) {
        let outcome = computer.trade(&computer.session(&config), minutes).await.unwrap();
        assert!(!outcome.goes_on, "{outcome:?}");
        let by_hand = outcome
            .trades
            .iter()
            .filter(|trade| trade.exit_reason == tradepulse_core::order::ExitReason::Manual);
        closed += by_hand.count();
    }
    assert!(closed > 0);
    assert!(computer.runs().await.iter().all(|run| run.ended_at.is_some()));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_holds_something_is_not_gone_on_with_under_other_rules() {
    let computer = Computer::new();
    let mut minutes = 1;
    while !computer.trade(&computer.session(CONFIG), minutes).await.unwrap().goes_on {
        minutes += 1;
    }
    let other = CONFIG.replace("max_daily_trades: null", "max_daily_trades: 7");
    let refused = computer.trade(&computer.session(&other), minutes + 1).await;
    let Err(SessionError::Unfinished { differences, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(differences, "risk");
    let given_up = computer.session(&other).giving_up_unfinished(true);
    computer.trade(&given_up, minutes + 2).await.unwrap();
    let runs = computer.runs().await;
    assert!(runs.iter().any(|r| r.ending.as_deref() == Some("given up for a new run")), "{runs:?}");
}

#[tokio::test]
async fn a_balance_that_is_not_known_blocks_entries() {
    for known in [true, false] {
        let computer = Computer::new();
        let session = computer.session(CONFIG);
        let wallet = session.wallets().unwrap().remove(0);
        let account = wallet.plan.paper_account(session.config(), 10_000.0);
        let simulated = Arc::new(SimulatedExchange::new(account.clone()).unwrap());
        let exchange: Arc<dyn Exchange> = match known {
            true => simulated.clone(),
            false => Arc::new(MuteAccount(simulated.clone())),
        };
        let at_the_venue = tradepulse_exec::coordinator::session::Venue {
            exchange,
            rules: account.markets,
            capital: 10_000.0,
            mode: RunMode::DryRun,
            replay: true,
            in_process: false,
            pace: Pace::Lockstep,
            clock: Clock::events(),
            settings: DeskSettings {
                entry_patience_ms: 2 * MINUTE,
                order_check_ms: 0,
                ..DeskSettings::default()
            },
        };
        let mut run = session.begin(wallet, at_the_venue).await.unwrap();
        let replay = ReplayFeed::new([(btc(), series(0, 100))], ReplaySpeed::Max);
        let mut feed = PaperFeed::new(replay, simulated, [(btc(), Timeframe::M1)]);
        let ended = run.trade(&mut feed, &StopSignal::never()).await.unwrap();
        let outcome = run.finish(ended, "ended").await.unwrap();
        assert_eq!(outcome.trades.is_empty(), !known, "{outcome:?}");
        let filter = RecordFilter { kind: Some("refusal".into()), ..RecordFilter::default() };
        let events: Vec<SystemEventRecord> =
            computer.store.records(&filter, Page::ALL).await.unwrap();
        assert_eq!(events.iter().any(|e| e.text.contains("the free balance")), !known);
    }
}

#[tokio::test(start_paused = true)]
async fn a_person_pauses_and_resumes() {
    let computer = Computer::new();
    let (sender, receiver) = mpsc::channel(4);
    let session = computer.session(CONFIG).with_controls("main", receiver);
    tokio::spawn(async move {
        sender.send(Control::Pause).await.unwrap();
        tokio::time::sleep(Duration::from_secs(100 * 60)).await;
        sender.send(Control::Resume).await.unwrap();
    });
    let outcome = computer.trade(&session, 200).await.unwrap();
    let resumed = BEGUN + 100 * MINUTE;
    assert!(!outcome.trades.is_empty());
    assert!(outcome.trades.iter().all(|t| t.entry_time_ms >= resumed), "{:?}", outcome.trades);
    assert!(outcome.counters.refusals >= 4);
}

#[tokio::test(start_paused = true)]
async fn a_command_of_another_process_reaches_the_desk_and_is_answered() {
    let computer = Computer::new();
    let given = |id: &str, kind: ControlKind, minutes: i64| ControlRecord {
        id: id.to_owned(),
        wallet: None,
        kind,
        symbol: None,
        created_at: Timestamp::from_ms(BEGUN + minutes * MINUTE),
        expires_at: Some(Timestamp::from_ms(BEGUN + (minutes + 1) * MINUTE)),
        taken_at: None,
        answer: None,
        result: None,
        ended_at: None,
    };
    let store = Arc::clone(&computer.store);
    tokio::spawn(async move {
        store.put(&[given("1", ControlKind::Pause, 0).into()]).await.unwrap();
        tokio::time::sleep(Duration::from_secs(60 * 60)).await;
        store.put(&[given("2", ControlKind::Resume, 60).into()]).await.unwrap();
    });
    let session = computer.session(CONFIG).taking_commands(true);
    let outcome = computer.trade(&session, 120).await.unwrap();
    let resumed = BEGUN + 60 * MINUTE;
    assert!(!outcome.trades.is_empty());
    assert!(outcome.trades.iter().all(|t| t.entry_time_ms >= resumed), "{:?}", outcome.trades);
    let all: Vec<ControlRecord> =
        computer.store.records(&RecordFilter::default(), Page::ALL).await.unwrap();
    assert_eq!(all.len(), 2);
    assert!(all.iter().all(|c| c.result == Some(ControlResult::Done)), "{all:?}");
}

#[tokio::test(start_paused = true)]
async fn too_short_a_history_is_said() {
    let computer = Computer::new();
    let mut venue = Venue::new(computer.clock.clone(), []);
    venue.since = Timestamp::from_ms(BEGUN - 12 * MINUTE);
    let market = computer.market(venue);
    let (stopper, stop) = Stopper::new();
    stopper.stop();
    let outcomes = computer.session(CONFIG).trade(&market, &stop).await.unwrap();
    assert!(outcomes.is_empty(), "it was stopped before it began");
    let (stopper, stop) = Stopper::new();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(60)).await;
        stopper.stop();
    });
    computer.session(CONFIG).trade(&market, &stop).await.unwrap();
    let notes = computer.notes.all();
    let short = notes.iter().any(|n| n.contains("12 candles of history, and 40 are wanted"));
    assert!(short, "{notes:?}");
}

#[tokio::test(start_paused = true)]
async fn wallets_trade_side_by_side_and_alone() {
    let config = format!(
        "{CONFIG}wallets:\n  - {{name: half, allocation: 0.5}}\n  - {{name: rest, allocation: 0.25}}\n"
    );
    let computer = Computer::new();
    let market = computer.market(Venue::new(computer.clock.clone(), []));
    let (stopper, stop) = Stopper::new();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(3 * 3600)).await;
        stopper.stop();
    });
    let outcomes = computer.session(&config).trade(&market, &stop).await.unwrap();
    let names: Vec<_> = outcomes.iter().map(|o| (&*o.wallet, o.capital)).collect();
    assert_eq!(names, [("half", 5_000.0), ("rest", 2_500.0)]);
    assert!(outcomes.iter().all(|o| o.trades.len() > 5));
    for name in ["half", "rest"] {
        assert!(exists(computer.folder.path(), &format!("paper-{name}.json")));
    }
}

fn exists(folder: &Path, name: &str) -> bool {
    folder.join(name).exists()
}

#[tokio::test(start_paused = true)]
async fn two_wallets_that_begin_together_have_two_runs_and_replays_count_for_nothing() {
    let computer = Computer::new();
    let all = [(btc(), series(40, 300))];
    let late = CONFIG.replace("strategy: swing", "strategy: swing\n      parameters: {late: true}");
    let config = late.replace(
        "circuit_breaker: null",
        "circuit_breaker: {consecutive_losses: 2, cool_down_seconds: 600000}",
    );
    let outcomes =
        computer.session(&config).replay(&Replay::new(&all), &StopSignal::never()).await.unwrap();
    assert_eq!(outcomes[0].trades.len(), 2, "the breaker opened");
    let told: Vec<_> =
        outcomes[0].notices.iter().filter(|n| n.kind == NoticeKind::Breaker).collect();
    assert_eq!(told.len(), 1, "{:?}", outcomes[0].notices);
    assert!(told[0].text.contains("no entries until"), "{}", told[0].text);
    let outcome = computer.trade(&computer.session(&config), 300).await.unwrap();
    assert_eq!(outcome.trades.len(), 2, "and was closed for the first live run");
    let outcome = computer.trade(&computer.session(&config), 600).await.unwrap();
    assert_eq!(outcome.trades.len(), 0, "and is still open for the second");
    let store: &dyn TradingStore = &*computer.store;
    let states = store
        .list(
            tradepulse_core::store::trading::RecordKind::RiskState,
            &RecordFilter::default(),
            Page::ALL,
        )
        .await
        .unwrap();
    assert_eq!(states.len(), 1);
}
