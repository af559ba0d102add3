use std::collections::{BTreeMap, HashSet};

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use tradepulse_core::market::Symbol;
use tradepulse_core::store::trading::{
    EquityPoint, EventLevel, First, OrderRecord, PositionRecord, RecordFilter, RunRecord,
    SystemEventRecord, TradeRecord,
};
use tradepulse_core::time::{DAY_MS, Timestamp};
use tradepulse_exec::store::lock::LockState;

use crate::arguments::{DataDir, MarketSelection};
use crate::clock::now;
use crate::output::{self, Verdict, maybe, number};
use crate::records;
use crate::trading_records::{Found, MarkedPosition, TradingRecords};

/// How many runs and events are shown unless told otherwise.
const ROWS: u64 = 5;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    selection: MarketSelection,
}

/// Where trading stands.
#[derive(Serialize)]
struct Status {
    lock: LockState,
    runs: Vec<RunRecord>,
    accounts: Vec<Account>,
    positions: Vec<MarkedPosition>,
    /// How many orders are in which state.
    orders: BTreeMap<&'static str, u64>,
    /// Warnings and errors.
    events: Vec<SystemEventRecord>,
}

/// What a run did to the money of its wallet.
#[derive(Serialize)]
struct Account {
    run: String,
    wallet: String,
    /// The first point of its equity curve.
    equity_at_start: Option<EquityPoint>,
    /// The last one.
    equity: Option<EquityPoint>,
    /// Of the trades that ended on this UTC day, quote currency.
    profit_today: f64,
    /// Of all its trades.
    profit: f64,
    trades: u64,
}

pub(crate) fn run(arguments: Arguments, place: &DataDir) -> Result<Verdict> {
    let MarketSelection { records: selection, symbol } = arguments.selection;
    let lock = LockState::of(&place.path()?)?;
    records::runtime()?.block_on(async {
        let records = TradingRecords::open(place).await?;
        let runs = records.runs(&selection)?.into_iter().cloned().collect();
        let runs: Found<RunRecord> = Found::first(runs, selection.limit(ROWS));
        let mut status = Status {
            lock,
            runs: runs.records,
            accounts: Vec::new(),
            positions: Vec::new(),
            orders: BTreeMap::new(),
            events: Vec::new(),
        };
        // Of each wallet its latest run is the one that counts now.
        let mut wallets = HashSet::new();
        for run in records.runs(&selection)? {
            if wallets.insert(&run.wallet) {
                add(&mut status, &records, run, symbol.as_ref()).await?;
            }
        }
        let filter = records.filter(&selection)?;
        let limit = selection.limit(ROWS);
        status.events = records.events(&filter, EventLevel::Warning, limit).await?.records;
        if selection.json {
            output::json(&status)?;
        } else {
            print(&status, &records, runs.more)?;
        }
        Ok(Verdict::Good)
    })
}

/// Adds the account, the orders and the open positions of a run.
async fn add(
    status: &mut Status,
    records: &TradingRecords,
    run: &RunRecord,
    symbol: Option<&Symbol>,
) -> Result<()> {
    let whole = RecordFilter { run: Some(run.id.clone()), ..RecordFilter::default() };
    let filter = RecordFilter { symbol: symbol.cloned(), ..whole.clone() };
    let oldest = RecordFilter { first: First::Oldest, ..whole.clone() };
    let trades = records.list::<TradeRecord>(&filter, u64::MAX).await?.records;
    let midnight = now().utc_day().saturating_mul(DAY_MS);
    let today = trades.iter().filter(|trade| trade.exit_time_ms >= midnight);
    status.accounts.push(Account {
        run: run.id.clone(),
        wallet: run.wallet.clone(),
        equity_at_start: records.list(&oldest, 1).await?.records.pop(),
        equity: records.list(&whole, 1).await?.records.pop(),
        profit_today: today.map(|trade| trade.profit).sum::<f64>() + 0.0,
        profit: trades.iter().map(|trade| trade.profit).sum::<f64>() + 0.0,
        trades: trades.len() as u64,
    });
    for order in records.list::<OrderRecord>(&filter, u64::MAX).await?.records {
        *status.orders.entry(order.state.name()).or_default() += 1;
    }
    let open = RecordFilter { open: Some(true), ..filter };
    let positions = records.list::<PositionRecord>(&open, u64::MAX).await?.records;
    status.positions.extend(records.marked(positions).await?);
    Ok(())
}

fn print(status: &Status, records: &TradingRecords, more_runs: bool) -> Result<()> {
    output::line(match (&status.lock.holder, status.lock.held) {
        (_, false) => "No process trades with this data directory".to_owned(),
        (Some(holder), true) => format!("Locked by {holder}"),
        (None, true) => "Locked by a process that does not say which".to_owned(),
    })?;
    if status.runs.is_empty() {
        return output::line(records.nothing("runs", false));
    }
    output::line(runs(&status.runs, status.lock.held))?;
    if more_runs {
        output::note("there are older runs; --limit shows more");
    }
    output::line("")?;
    output::line(accounts(&status.accounts))?;
    output::line("")?;
    if status.positions.is_empty() {
        output::line("No open positions")?;
    } else {
        output::line(super::positions::table(&status.positions))?;
    }
    let orders: Vec<_> =
        status.orders.iter().map(|(state, count)| format!("{count} {state}")).collect();
    output::line(match orders.is_empty() {
        true => "No orders".to_owned(),
        false => format!("Orders: {}", orders.join(", ")),
    })?;
    if status.events.is_empty() {
        return output::line("No warnings or errors");
    }
    output::line("")?;
    output::line(super::events::table(&status.events))
}

fn runs(runs: &[RunRecord], locked: bool) -> impl std::fmt::Display {
    let header = ["run", "wallet", "mode", "exchange", "started", "ended", "how"];
    let mut table = output::table(&header, &[]);
    for run in runs {
        let how = match (&run.ending, run.ended_at, locked) {
            (Some(ending), ..) => ending.as_str(),
            (None, Some(_), _) => "",
            (None, None, true) => "going on, or its process died",
            (None, None, false) => "its process died",
        };
        table.add_row([
            run.id.clone(),
            run.wallet.clone(),
            run.mode.name().to_owned(),
            run.exchange.to_string(),
            run.started_at.to_string(),
            run.ended_at.map_or_else(|| "–".to_owned(), |at: Timestamp| at.to_string()),
            how.to_owned(),
        ]);
    }
    table
}

fn accounts(accounts: &[Account]) -> impl std::fmt::Display {
    let header =
        ["wallet", "run", "equity", "at start", "as of", "profit today", "profit", "trades"];
    let mut table = output::table(&header, &[2, 3, 5, 6, 7]);
    for account in accounts {
        let point = account.equity.as_ref();
        table.add_row([
            account.wallet.clone(),
            account.run.clone(),
            maybe(point.map(|point| point.equity), 2),
            maybe(account.equity_at_start.as_ref().map(|point| point.equity), 2),
            point.map_or_else(String::new, |point| point.at.to_string()),
            number(account.profit_today, 2),
            number(account.profit, 2),
            account.trades.to_string(),
        ]);
    }
    table
}
