//! The operator's commands: stored for a coordinator, which answers.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::{ArgGroup, Args};
use serde::Serialize;
use tradepulse_core::market::Symbol;
use tradepulse_core::store::trading::{
    ControlKind, ControlRecord, ControlResult, RecordFilter, TradingStore, TradingStoreExt,
};
use tradepulse_core::store::{Page, RecordId};
use tradepulse_core::time::Timestamp;
use tradepulse_exec::store::lock::{Holder, LockState};
use tradepulse_exec::store::sqlite::SqliteStore;

use crate::arguments::DataDir;
use crate::clock::now;
use crate::output::{self, Verdict};
use crate::records;

/// What the commands have in common.
#[derive(Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    /// Only this wallet [default: all]
    #[arg(long, value_name = "NAME")]
    wallet: Option<String>,
    /// Seconds to wait for the coordinator's answer
    #[arg(long, value_name = "S", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=600))]
    wait: u16,
    /// JSON on stdout
    #[arg(long)]
    json: bool,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  carried out; or, where no coordinator runs, stored for the next one
  1  not carried out: refused, not answered in time, or nothing runs that could
  2  the command could not be given";

#[derive(Args)]
#[command(after_help = EXIT_CODES)]
#[command(group = ArgGroup::new("what").args(["symbol", "all"]).required(true))]
pub(crate) struct CloseArguments {
    /// The market, such as BTC/USDT
    symbol: Option<Symbol>,
    /// Every market
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    common: Arguments,
}

#[derive(Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct ResetArguments {
    /// Reset the emergency stop instead: entries are allowed again
    #[arg(long)]
    emergency: bool,
    #[command(flatten)]
    common: Arguments,
}

/// What became of a command.
#[derive(Serialize)]
struct Outcome {
    id: String,
    command: ControlKind,
    wallet: Option<String>,
    symbol: Option<Symbol>,
    /// The process that trades with the data directory, if one does.
    coordinator: Option<Holder>,
    outcome: Kind,
    answer: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// Carried out.
    Done,
    /// The coordinator does not do it.
    Refused,
    /// Nobody took it, and nobody will.
    Expired,
    /// It waits for the next start.
    Stored,
    /// Nobody has answered yet; it stays stored.
    Unanswered,
    /// Nothing runs that could do it.
    NoCoordinator,
}

pub(crate) fn run(kind: ControlKind, arguments: Arguments, place: &DataDir) -> Result<Verdict> {
    give(kind, None, arguments, place)
}

pub(crate) fn close(arguments: CloseArguments, place: &DataDir) -> Result<Verdict> {
    give(ControlKind::Close, arguments.symbol, arguments.common, place)
}

pub(crate) fn reset(arguments: ResetArguments, place: &DataDir) -> Result<Verdict> {
    let kind = match arguments.emergency {
        true => ControlKind::ResetEmergency,
        false => ControlKind::ResetBreaker,
    };
    give(kind, None, arguments.common, place)
}

fn give(
    kind: ControlKind,
    symbol: Option<Symbol>,
    arguments: Arguments,
    place: &DataDir,
) -> Result<Verdict> {
    let folder = place.path()?;
    let wait = Duration::from_secs(arguments.wait.into());
    let lock = LockState::of(&folder)?;
    let given = now();
    // What stops trading waits for as long as it takes; what lets it go on, or trades, does not
    // come as a surprise later.
    let waits = !lock.held || matches!(kind, ControlKind::Pause | ControlKind::EmergencyStop);
    let id = RecordId::derive(&[
        "control",
        kind.name(),
        &given.to_string(),
        &std::process::id().to_string(),
    ]);
    let record = ControlRecord {
        id: id.to_string(),
        wallet: arguments.wallet,
        kind,
        symbol,
        created_at: given,
        expires_at: (!waits).then(|| later(given, wait)),
        taken_at: None,
        answer: None,
        result: None,
        ended_at: None,
    };
    let (outcome, answer) = if !lock.held && kind == ControlKind::Close {
        (Kind::NoCoordinator, nobody(&folder) + ": there is nobody to close positions")
    } else {
        if record.wallet.as_deref() == Some("") {
            bail!("--wallet needs a name");
        }
        records::runtime()?.block_on(async {
            let store = records::open(place).await?;
            store.put(&[record.clone().into()]).await?;
            match lock.held {
                true => answered(&store, &record, wait).await,
                false => Ok((Kind::Stored, format!("{}: {}", nobody(&folder), next_start(kind)))),
            }
        })?
    };
    let ControlRecord { id, wallet, kind: command, symbol, .. } = record;
    let told = Outcome { id, command, wallet, symbol, coordinator: lock.holder, outcome, answer };
    if arguments.json {
        output::json(&told)?;
    } else {
        output::line(&told.answer)?;
    }
    Ok(match told.outcome {
        Kind::Done | Kind::Stored => Verdict::Good,
        _ => Verdict::Bad,
    })
}

fn later(at: Timestamp, wait: Duration) -> Timestamp {
    let ms = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_ms(at.as_ms().saturating_add(ms))
}

fn nobody(folder: &Path) -> String {
    format!("No coordinator trades with {}", folder.display())
}

/// What a command does that no coordinator could take.
fn next_start(kind: ControlKind) -> &'static str {
    match kind {
        ControlKind::Pause => "stored, the next start begins paused; `tradepulse resume` undoes it",
        ControlKind::EmergencyStop => {
            "stored, the next start closes what it finds open and takes no entries until \
             `tradepulse reset-breaker --emergency`"
        }
        ControlKind::Resume => "stored, the next start is not paused",
        ControlKind::ResetEmergency => "stored, the next start begins without the emergency stop",
        ControlKind::ResetBreaker => "stored, the next start begins with the breaker closed",
        _ => "stored for the next start",
    }
}

/// Waits for the answer.
async fn answered(
    store: &SqliteStore,
    record: &ControlRecord,
    wait: Duration,
) -> Result<(Kind, String)> {
    const LOOK: Duration = Duration::from_millis(100);
    /// For the answer to a command that was taken at the last moment.
    const GRACE: Duration = Duration::from_secs(1);
    let end = std::time::Instant::now() + wait + GRACE;
    let filter = RecordFilter { id: Some(record.id.clone()), ..RecordFilter::default() };
    loop {
        let found = store.records::<ControlRecord>(&filter, Page::first(1)).await?.pop();
        let late = std::time::Instant::now() >= end;
        let Some(found) = found else { bail!("the command is not in the store any more") };
        let answer = found.answer.unwrap_or_default();
        match found.result {
            Some(ControlResult::Done) => return Ok((Kind::Done, answer)),
            Some(ControlResult::Refused) => return Ok((Kind::Refused, answer)),
            Some(ControlResult::Expired) => return Ok((Kind::Expired, answer)),
            None if !answer.is_empty() => return Ok((Kind::Unanswered, answer)),
            None if late => {
                let stays = match record.expires_at {
                    None => "it stays stored and will be taken",
                    Some(_) => "it will not be taken any more",
                };
                let seconds = wait.as_secs();
                let answer = format!(
                    "The coordinator did not answer within {seconds} s: {stays}. A replay at full \
                     speed takes no commands"
                );
                return Ok((Kind::Unanswered, answer));
            }
            None => tokio::time::sleep(LOOK).await,
        }
    }
}
