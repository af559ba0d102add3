//! A process that trades is killed at every point of its loop; the next one goes on as if nothing
//! had happened.
//!
//! The venue lives in the process of the test and is spoken to over a socket. One schedule says at
//! which points process after process is killed, and which answers of the venue are lost.
//! The same is done where models confirm entries, make them smaller and keep them from being made.
//! `TRADEPULSE_SCHEDULES` is the number of schedules of each sampled kind, or `all`;
//! `TRADEPULSE_SCHEDULE="kill 7 3 lose 12"` replays one; with the word
//! `models` in it, one with models.
#![cfg(all(feature = "coordinator", feature = "sqlite", unix))]
#![allow(clippy::unwrap_used)]

mod client;
mod market;
mod protocol;
mod trader;
mod venue;

use std::{
    collections::BTreeSet,
    env, fmt,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, Stdio},
};

use market::{CAPITAL, TRADES, symbol};
use rand::RngExt;
use tempfile::TempDir;
use tradepulse_core::{
    desk::DeskEvent,
    exchange::Exchange,
    order::{ExitReason, OrderRequest},
    random::Seed,
    store::{
        Page, TradingStore, TradingStoreExt,
        trading::{
            DecisionOutcome, DecisionRecord, FillRecord, First, OrderRecord, PositionRecord,
            PredictionRecord, RecordFilter, SnapshotRecord, TradeRecord,
        },
    },
};
use tradepulse_exec::store::sqlite::{SqliteStore, maintenance};
use venue::Venue;

/// What goes wrong in one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Schedule {
    /// Whether models are asked.
    models: bool,
    /// Crash point of each process that is killed, counted from its start.
    kill: Vec<u64>,
    /// Questions to the venue whose answers are lost, counted from the first of the run.
    lose: Vec<u64>,
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.models {
            write!(f, "models ")?;
        }
        for (word, numbers) in [("kill", &self.kill), ("lose", &self.lose)] {
            if !numbers.is_empty() {
                write!(f, "{word} ")?;
                numbers.iter().try_for_each(|number| write!(f, "{number} "))?;
            }
        }
        Ok(())
    }
}

impl Schedule {
    fn read(text: &str) -> Self {
        let models = text.split_whitespace().any(|word| word == "models");
        let mut schedule = Self { models, ..Self::default() };
        let mut numbers = &mut schedule.kill;
        for word in text.split_whitespace() {
            match word {
                "models" => {}
                "kill" => numbers = &mut schedule.kill,
                "lose" => numbers = &mut schedule.lose,
                number => numbers.push(number.parse().unwrap()),
            }
        }
        schedule
    }
}

/// What a run came to.
#[derive(Debug, PartialEq)]
struct Outcome {
    trades: Vec<TradeRecord>,
    fills: BTreeSet<String>,
    /// Orders as the venue took them.
    taken: Vec<OrderRequest>,
    killed: usize,
    questions: u64,
    said: Said,
}

/// What is kept of models.
#[derive(Debug, PartialEq)]
struct Said {
    /// But for how long an answer took.
    predictions: Vec<PredictionRecord>,
    /// Those of the models and those of the desk.
    decisions: Vec<DecisionRecord>,
    snapshots: Vec<SnapshotRecord>,
}

/// In memory where that can be had: what a process has written outlives it in either, and a
/// power failure is not what is tried here.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Runs a process that trades. Whether it was killed, or its words if it failed by itself.
fn process(folder: &Path, venue: &Venue, models: bool, kill: Option<u64>) -> Result<bool, String> {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", "--nocapture", "trader::trades_until_it_is_killed"])
        .env(trader::FOLDER, folder)
        .env(trader::VENUE, venue.address.to_string())
        .stdin(Stdio::null());
    if models {
        command.env(trader::MODELS, "1");
    }
    if let Some(kill) = kill {
        command.env(trader::KILL, kill.to_string());
    }
    let output = command.output().unwrap();
    if output.status.success() || output.status.signal() == Some(9) {
        return Ok(!output.status.success());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let words = words.split("stack backtrace").next().unwrap_or_default();
    Err(format!("the process failed by itself ({}): {words}", output.status))
}

/// Runs one schedule to its end, and looks whether everything is in order there.
async fn run(schedule: &Schedule) -> Result<Outcome, String> {
    let folder = folder();
    let venue = Venue::open(&schedule.lose).await;
    let mut killed = 0;
    for kill in &schedule.kill {
        killed += usize::from(process(folder.path(), &venue, schedule.models, Some(*kill))?);
    }
    if process(folder.path(), &venue, schedule.models, None)? {
        return Err("killed by somebody else".to_owned());
    }
    maintenance::check(folder.path()).await.map_err(|e| e.to_string())?;
    let store = SqliteStore::open(folder.path()).await.unwrap();
    let outcome = audit(&venue, &store).await;
    let said = said(&store).await;
    store.close().await;
    let (trades, fills) = outcome?;
    let (taken, questions) = (venue.taken(), venue.questions());
    Ok(Outcome { trades, fills, taken, killed, questions, said })
}

async fn said(store: &SqliteStore) -> Said {
    let filter = RecordFilter { first: First::Oldest, ..RecordFilter::default() };
    let mut predictions: Vec<PredictionRecord> = store.records(&filter, Page::ALL).await.unwrap();
    predictions.iter_mut().for_each(|said| said.latency_ms = None);
    let decisions = store.records(&filter, Page::ALL).await.unwrap();
    let snapshots = store.records(&filter, Page::ALL).await.unwrap();
    Said { predictions, decisions, snapshots }
}

/// What must hold however it went; trades and executions as the store has them.
async fn audit(
    venue: &Venue,
    store: &SqliteStore,
) -> Result<(Vec<TradeRecord>, BTreeSet<String>), String> {
    let filter = RecordFilter { first: First::Oldest, ..RecordFilter::default() };
    let trades = store.records::<TradeRecord>(&filter, Page::ALL).await.unwrap();
    let fills = store.records::<FillRecord>(&filter, Page::ALL).await.unwrap();
    let fills: BTreeSet<_> = fills.iter().map(|fill| format!("{fill:?}")).collect();

    let mut ids = BTreeSet::new();
    for request in venue.taken() {
        for id in request.reported_as() {
            if !ids.insert(id) {
                return Err(format!("the venue took order {id} twice"));
            }
        }
    }
    let exchange = venue.exchange();
    let (positions, open) = (exchange.positions().await, exchange.open_orders(&symbol()).await);
    let (positions, open) = (positions.unwrap(), open.unwrap());
    if !positions.is_empty() || !open.ours.is_empty() {
        return Err(format!("left at the venue: {positions:?}, {open:?}"));
    }
    let balances = exchange.balances().await.unwrap();
    let cash: f64 = balances.iter().map(|b| b.free.to_f64() + b.locked.to_f64()).sum();
    let earned: f64 = trades.iter().map(|trade| trade.profit).sum();
    if (CAPITAL + earned - cash).abs() > 1e-6 {
        return Err(format!("{} by the trades, {cash} at the venue", CAPITAL + earned));
    }
    let unfinished = RecordFilter { open: Some(true), ..filter };
    let orders = store.records::<OrderRecord>(&unfinished, Page::ALL).await.unwrap();
    let positions = store.records::<PositionRecord>(&unfinished, Page::ALL).await.unwrap();
    if !orders.is_empty() || !positions.is_empty() {
        return Err(format!("open by the records: {orders:?}, {positions:?}"));
    }
    let journal = store.journal(trader::RUN, 1, u64::MAX).await.unwrap();
    let mut last = None;
    for (sequence, entry) in (1..).zip(&journal) {
        let event: DeskEvent = serde_json::from_str(&entry.body).map_err(|e| e.to_string())?;
        if entry.sequence != sequence || last.is_some_and(|last| event.at < last) {
            return Err(format!("entry {sequence} of the journal is {entry:?}, after {last:?}"));
        }
        last = Some(event.at);
    }
    Ok((trades, fills))
}

/// Runs a schedule and compares it with the run in which nothing went wrong.
///
/// Where a process died and an answer to the next one is lost as well, the books must be in order
/// and nothing more: a fill told to the dead and not answered to the living is known when its candle
/// is over, and what protects it meets the next one.
async fn same(schedule: &Schedule, undisturbed: &Outcome) -> Result<Outcome, String> {
    let replay = |problem: String| {
        let schedule = schedule.to_string();
        format!("TRADEPULSE_SCHEDULE=\"{}\" replays it: {problem}", schedule.trim_end())
    };
    let outcome = run(schedule).await.map_err(replay)?;
    if !schedule.kill.is_empty() && !schedule.lose.is_empty() {
        return Ok(outcome);
    }
    if outcome.trades != undisturbed.trades {
        let pairs = outcome.trades.iter().zip(&undisturbed.trades);
        let differs: Vec<_> = pairs.filter(|(a, b)| a != b).collect();
        let lengths = (outcome.trades.len(), undisturbed.trades.len());
        return Err(replay(format!("other trades, of {lengths:?}: {differs:#?}")));
    }
    if outcome.fills != undisturbed.fills {
        let differs = outcome.fills.symmetric_difference(&undisturbed.fills);
        return Err(replay(format!("other executions: {:#?}", differs.collect::<Vec<_>>())));
    }
    if outcome.taken != undisturbed.taken {
        let taken = (&outcome.taken, &undisturbed.taken);
        return Err(replay(format!("other orders: {taken:#?}")));
    }
    if outcome.said != undisturbed.said {
        let said = (&outcome.said, &undisturbed.said);
        return Err(replay(format!("other words of models: {said:#?}")));
    }
    Ok(outcome)
}

async fn undisturbed() -> Outcome {
    let outcome = run(&Schedule::default()).await.unwrap();
    let reasons: Vec<_> = outcome.trades.iter().map(|trade| trade.exit_reason).collect();
    assert_eq!(outcome.trades.len(), TRADES, "{reasons:?}");
    for reason in [ExitReason::Stop, ExitReason::Target, ExitReason::Signal] {
        assert!(reasons.contains(&reason), "{reasons:?}");
    }
    outcome
}

/// How many schedules of a kind to try: as many as `TRADEPULSE_SCHEDULES` says, or all of them.
fn schedules(usual: usize) -> usize {
    match env::var("TRADEPULSE_SCHEDULES").as_deref() {
        Ok("all") => usize::MAX,
        Ok(number) => number.parse().unwrap(),
        Err(_) => usual,
    }
}

/// `count` of these, by chance, or all of them.
fn sample(mut of: Vec<Schedule>, count: usize, label: &str) -> Vec<Schedule> {
    let mut dice = Seed(1).stream(label);
    for i in 0..count.min(of.len()) {
        let other = dice.random_range(i..of.len());
        of.swap(i, other);
    }
    of.truncate(count);
    of
}

fn pairs(a: u64, b: u64, make: impl Fn(u64, u64) -> Schedule) -> Vec<Schedule> {
    let pairs = (1..=a).flat_map(|a| (1..=b).map(move |b| (a, b)));
    pairs.map(|(a, b)| make(a, b)).collect()
}

/// Kills a process at each point in turn; how many there are, and what did harm.
async fn killed_once(models: bool, undisturbed: &Outcome) -> (u64, Vec<String>) {
    let (mut points, mut failures) = (0, Vec::new());
    loop {
        let schedule = Schedule { models, kill: vec![points + 1], lose: Vec::new() };
        match same(&schedule, undisturbed).await {
            Ok(outcome) if outcome.killed == 0 => return (points, failures),
            Ok(_) => {}
            Err(problem) => failures.push(problem),
        }
        points += 1;
    }
}

/// These schedules, each of which disturbs something; what did harm.
async fn disturbed(
    schedules: impl IntoIterator<Item = Schedule>,
    undisturbed: &Outcome,
) -> Vec<String> {
    let mut failures = Vec::new();
    for schedule in schedules {
        match same(&schedule, undisturbed).await {
            // What was not answered, or died with who asked, was asked again.
            Ok(outcome) => {
                assert!(outcome.questions > undisturbed.questions, "{schedule}disturbed nothing");
            }
            Err(problem) => failures.push(problem),
        }
    }
    failures
}

/// The schedule that was asked for, if one was.
fn wanted() -> Option<Schedule> {
    env::var("TRADEPULSE_SCHEDULE").ok().map(|text| Schedule::read(&text))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_kill_and_no_lost_answer_does_harm() {
    let undisturbed = undisturbed().await;
    if let Some(schedule) = wanted() {
        if !schedule.models {
            same(&schedule, &undisturbed).await.unwrap();
        }
        return;
    }
    let (points, mut failures) = killed_once(false, &undisturbed).await;
    assert!(points > 50, "{points} points");
    let questions = undisturbed.questions;
    let make = |kill, lose| Schedule { models: false, kill, lose };
    let lost = (1..=questions).map(|lose| make(Vec::new(), vec![lose]));
    let twice = pairs(points, points, |a, b| make(vec![a, b], Vec::new()));
    let both = pairs(points, questions, |a, b| make(vec![a], vec![b]));
    let twice = sample(twice, schedules(60), "killed twice");
    let both = sample(both, schedules(60), "killed and lost");
    failures.extend(disturbed(lost.chain(twice).chain(both), &undisturbed).await);
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_kill_does_harm_where_models_advise() {
    let with_models = Schedule { models: true, ..Schedule::default() };
    let undisturbed = run(&with_models).await.unwrap();
    let Said { predictions, decisions, snapshots } = &undisturbed.said;
    let refused = decisions.iter().filter(|d| d.outcome == DecisionOutcome::Refused).count();
    assert!(undisturbed.trades.len() == 3 && refused == 3, "{undisturbed:#?}");
    assert_eq!((predictions.len(), snapshots.len()), (2 * 18, 3));
    assert!(predictions.iter().filter(|said| said.truth.is_some()).count() > 20);
    if let Some(schedule) = wanted() {
        if schedule.models {
            same(&schedule, &undisturbed).await.unwrap();
        }
        return;
    }
    let (points, mut failures) = killed_once(true, &undisturbed).await;
    assert!(points > 50, "{points} points");
    let make = |kill, lose| Schedule { models: true, kill, lose };
    let twice = pairs(points, points, |a, b| make(vec![a, b], Vec::new()));
    let lost = (1..=undisturbed.questions).map(|lose| make(Vec::new(), vec![lose]));
    let twice = sample(twice, schedules(40), "killed twice");
    let lost = sample(lost.collect(), schedules(20), "lost");
    failures.extend(disturbed(twice.into_iter().chain(lost), &undisturbed).await);
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
}
