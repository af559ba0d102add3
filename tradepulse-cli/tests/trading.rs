//! What trading recorded, as its users meet it. The records are stored through the library.

#![allow(clippy::unwrap_used)]

mod program;

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tradepulse_core::desk::{DeskEvent, DeskEventKind};
use tradepulse_core::market::Candle;
use tradepulse_core::store::RecordId;
use tradepulse_core::store::trading::{JournalEntry, RecordKind, TradingRecord, TradingStore};
use tradepulse_core::time::{Timeframe, Timestamp};
use tradepulse_exec::store::lock::{InstanceLock, LOCK_NAME};
use tradepulse_exec::store::sqlite::SqliteStore;
use tradepulse_exec::store::trades_csv::TradesCsv;

use program::Folder;

const HOUR: i64 = 3_600_000;
const BEGUN: i64 = 1_704_067_200_000;

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

fn record(kind: RecordKind, flat: Value) -> TradingRecord {
    let Value::Object(flat) = flat else { panic!("not an object") };
    TradingRecord::from_flat(kind, flat).unwrap()
}

fn run_record(id: &str, wallet: &str, started_at: i64, ending: Option<&str>) -> TradingRecord {
    let ended_at = ending.map(|_| started_at + HOUR);
    let flat = json!({
        "id": id, "tag": "abc123", "wallet": wallet, "mode": "dry_run", "exchange": "binance",
        "config": {}, "engine_version": "0.1.0", "started_at": started_at,
        "ended_at": ended_at, "ending": ending,
    });
    record(RecordKind::Run, flat)
}

fn order(id: &str, symbol: &str, state: &str, at: i64) -> TradingRecord {
    let ended = matches!(state, "filled" | "rejected").then_some(at + 1);
    let flat = json!({
        "id": id, "run": "morning-2", "wallet": "main",
        "configuration_id": RecordId::derive(&["c"]), "symbol": symbol, "side": "long",
        "kind": "stop_limit", "price": "41000.5", "trigger": "41000", "quantity": "0.25",
        "reduce_only": false, "venue_id": null, "state": state, "filled": "0",
        "reason": null, "created_at": at, "updated_at": at, "ended_at": ended,
    });
    record(RecordKind::Order, flat)
}

fn trade(sequence: u64, symbol: &str, exit_time_ms: i64, profit: f64) -> TradingRecord {
    let flat = json!({
        "run": "morning-2", "sequence": sequence, "wallet": "main",
        "configuration_id": RecordId::derive(&["c"]), "exchange": "binance", "symbol": symbol,
        "timeframe": "1h", "strategy": "ema_cross", "side": "short",
        "entry_time_ms": exit_time_ms - HOUR, "entry_price": 42000.5,
        "exit_time_ms": exit_time_ms, "exit_price": 41000.25, "quantity": 0.25, "fees": 1.5,
        "profit": profit, "profit_pct": 0.5, "exit_reason": "target", "holding": 1,
        "ambiguous": false, "slippage": 0.0, "funding": 0.0,
    });
    record(RecordKind::Trade, flat)
}

fn position(sequence: u64, symbol: &str, ended_at: Option<i64>) -> TradingRecord {
    let quantity = if ended_at.is_none() { "0.5" } else { "0" };
    let flat = json!({
        "run": "morning-2", "sequence": sequence, "wallet": "main",
        "configuration_id": RecordId::derive(&["c"]), "exchange": "binance", "symbol": symbol,
        "side": "short", "quantity": quantity, "entry_price": 42000.0, "stop": "43000",
        "target": null, "opened_at": BEGUN + sequence as i64 * HOUR, "updated_at": BEGUN + 9 * HOUR,
        "ended_at": ended_at,
    });
    record(RecordKind::Position, flat)
}

fn event(sequence: u64, level: &str, text: &str) -> TradingRecord {
    let flat = json!({
        "run": "morning-2", "sequence": sequence, "wallet": "main",
        "at": BEGUN + sequence as i64, "level": level, "kind": "refusal", "text": text,
        "data": null,
    });
    record(RecordKind::SystemEvent, flat)
}

fn equity(hour: i64, equity: f64) -> TradingRecord {
    let flat = json!({
        "run": "morning-2", "wallet": "main", "at": BEGUN + hour * HOUR, "equity": equity,
        "cash": equity, "exposure": 0.0,
    });
    record(RecordKind::Equity, flat)
}

/// With three runs of two wallets, of which `morning-2` has everything; the store stays open,
/// as it is while a coordinator runs.
fn traded() -> (Folder, tokio::runtime::Runtime, SqliteStore) {
    let folder = Folder::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = runtime.block_on(async {
        let store = SqliteStore::open(folder.data()).await.unwrap();
        let mut records = vec![
            run_record("morning-1", "main", BEGUN - 9 * HOUR, Some("stopped")),
            run_record("morning-2", "main", BEGUN, None),
            run_record("other", "spare", BEGUN - HOUR, Some("the feed has ended")),
            order("tpabc123-1", "BTC/USDT", "filled", BEGUN + 1),
            order("tpabc123-2", "BTC/USDT", "accepted", BEGUN + 2),
            order("tpabc123-3", "ETH/USDT", "filled", BEGUN + 3),
            trade(1, "BTC/USDT", BEGUN + HOUR, 250.0),
            trade(2, "ETH/USDT", BEGUN + 2 * HOUR, -50.5),
            // A minute ahead, so that no midnight comes between.
            trade(3, "BTC/USDT", now_ms() + 60_000, 7.25),
            position(1, "BTC/USDT", Some(BEGUN + 2 * HOUR)),
            position(2, "BTC/USDT", None),
            position(3, "ETH/USDT", None),
            equity(0, 10_000.0),
            equity(1, 10_250.0),
            equity(2, 10_206.75),
        ];
        for (i, level) in ["info", "warning", "error", "info"].into_iter().enumerate() {
            records.push(event(i as u64 + 1, level, &format!("this is {level} {i}")));
        }
        store.put(&records).await.unwrap();
        let journal = [candle(1, 41_500.0), candle(2, 41_000.0), tick(3)];
        store.append_journal("morning-2", &journal, true).await.unwrap();
        store
    });
    (folder, runtime, store)
}

fn entry(sequence: u64, kind: DeskEventKind) -> JournalEntry {
    let at = Timestamp::from_ms(BEGUN + sequence as i64 * HOUR);
    let (run, name) = ("morning-2".to_owned(), kind.name().to_owned());
    let body = serde_json::to_string(&DeskEvent { at, kind }).unwrap();
    JournalEntry { run, sequence, at, kind: name, body }
}

fn candle(sequence: u64, close: f64) -> JournalEntry {
    let open_time = Timestamp::from_ms(BEGUN + (sequence as i64 - 1) * HOUR);
    let candle = Candle { open_time, open: close, high: close, low: close, close, volume: 1.0 };
    let symbol = "BTC/USDT".parse().unwrap();
    entry(
        sequence,
        DeskEventKind::Candle { symbol, timeframe: Timeframe::H1, candle, advice: None },
    )
}

fn tick(sequence: u64) -> JournalEntry {
    entry(sequence, DeskEventKind::Tick)
}

fn column<'a>(rows: &'a Value, name: &str) -> Vec<&'a Value> {
    rows.as_array().unwrap().iter().map(|row| &row[name]).collect()
}

#[test]
fn before_anything_was_traded_it_is_said_and_nothing_is_made() {
    let folder = Folder::new();
    for command in ["status", "orders", "trades", "positions", "events"] {
        let said = folder.good(command);
        assert!(said.contains("Nothing has traded") && said.contains("--data-dir"), "{said}");
    }
    assert_eq!(folder.json("orders --run latest"), json!([]));
    assert_eq!(folder.json("status")["runs"], json!([]));
    assert!(!folder.data().exists(), "looking made something");
}

#[test]
fn status_tells_where_trading_stands() {
    let (folder, _runtime, _store) = traded();
    let status = folder.json("status");
    assert_eq!(column(&status["runs"], "id"), ["morning-2", "other", "morning-1"]);
    assert_eq!(column(&status["accounts"], "run"), ["morning-2", "other"]);
    let account = &status["accounts"][0];
    assert_eq!(account["equity_at_start"]["equity"], 10_000.0);
    assert_eq!(account["equity"]["equity"], 10_206.75);
    assert_eq!(account["profit_today"], 7.25);
    assert_eq!(account["profit"], 206.75);
    assert_eq!(status["accounts"][1]["equity"], Value::Null);
    assert_eq!(status["orders"], json!({ "accepted": 1, "filled": 2 }));
    assert_eq!(column(&status["events"], "level"), ["error", "warning"]);
    assert_eq!(column(&status["positions"], "symbol"), ["ETH/USDT", "BTC/USDT"]);
    assert_eq!(column(&status["positions"], "unrealised"), [&Value::Null, &json!(500.0)]);
    let btc = folder.json("status --symbol BTC/USDT");
    assert_eq!(btc["accounts"][0]["profit"], 257.25);
    assert_eq!(btc["orders"], json!({ "accepted": 1, "filled": 1 }));
    let said = folder.good("status");
    for words in ["No process trades", "10,206.75", "206.75", "500.00", "stopped", "2 filled"] {
        assert!(said.contains(words), "{words} is not in\n{said}");
    }
    assert!(said.contains("its process died"), "{said}");
}

#[test]
fn status_tells_who_holds_the_lock() {
    let (folder, _runtime, _store) = traded();
    let lock = InstanceLock::take(&folder.data()).unwrap();
    let left = fs::read(folder.data().join(LOCK_NAME)).unwrap();
    let status = folder.json("status");
    assert_eq!(status["lock"]["held"], true);
    assert_eq!(status["lock"]["holder"]["pid"], std::process::id());
    let said = folder.good("status");
    assert!(said.contains(&format!("Locked by process {}", std::process::id())), "{said}");
    drop(lock);
    assert_eq!(folder.json("status")["lock"]["held"], false);
    // A crash leaves the name of one who is gone.
    fs::write(folder.data().join(LOCK_NAME), left).unwrap();
    assert_eq!(folder.json("status")["lock"], json!({ "held": false, "holder": null }));
}

#[test]
fn lists_are_records_and_can_be_narrowed() {
    let (folder, _runtime, _store) = traded();
    let orders = folder.json("orders");
    assert_eq!(column(&orders, "id"), ["tpabc123-3", "tpabc123-2", "tpabc123-1"]);
    assert_eq!(orders[0]["trigger"], "41000");
    let of = |arguments: &str| folder.json(arguments).as_array().unwrap().len();
    assert_eq!(of("orders --symbol BTC/USDT"), 2);
    assert_eq!(of("orders --open"), 1);
    assert_eq!(of("orders --limit 1"), 1);
    assert_eq!(of("orders --wallet spare"), 0);
    assert_eq!(of("orders --run latest"), 3);
    assert_eq!(of("orders --run latest --wallet spare"), 0);
    assert_eq!(of("trades --run morning-1"), 0);
    assert_eq!(of("positions"), 3);
    assert_eq!(of("positions --open --symbol ETH/USDT"), 1);
    assert_eq!(column(&folder.json("events"), "sequence"), [4, 3, 2, 1]);
    assert_eq!(column(&folder.json("events --level warning"), "sequence"), [3, 2]);
    assert_eq!(of("events --kind start"), 0);
    assert!(folder.good("orders --symbol XRP/USDT").contains("No orders fit"));
}

#[test]
fn tables_say_what_the_records_say() {
    let (folder, _runtime, _store) = traded();
    let orders = folder.good("orders");
    assert!(orders.contains("stop_limit") && orders.contains("buy"), "{orders}");
    let trades = folder.good("trades");
    assert!(trades.contains("3 trades, 2 won, profit 206.75"), "{trades}");
    // Profits end in the same place: they are right-aligned.
    let end = |figure: &str| {
        let line = trades.lines().find(|line| line.contains(figure)).unwrap();
        line.chars().count() - line.split(figure).last().unwrap().chars().count()
    };
    assert_eq!(end(" 250.00"), end(" -50.50"));
    let short = folder.run("trades --limit 1");
    assert!(String::from_utf8_lossy(&short.stderr).contains("--limit"));
    let positions = folder.good("positions --open --symbol BTC/USDT");
    for words in ["short", "43000", "41000", "500.00", "open"] {
        assert!(positions.contains(words), "{words} is not in\n{positions}");
    }
    assert!(folder.good("events").contains("this is error 2"));
}

#[test]
fn trades_are_exported_as_the_coordinator_writes_them() {
    let (folder, _runtime, _store) = traded();
    let said = folder.good("trades --symbol BTC/USDT --csv out.csv");
    assert!(said.contains("2 trades written to out.csv"), "{said}");
    let mut csv = TradesCsv::open(&folder.path("appended.csv")).unwrap();
    for (sequence, exit, profit) in [(1, BEGUN + HOUR, 250.0), (2, BEGUN + 2 * HOUR, -50.5)] {
        let symbol = if sequence == 1 { "BTC/USDT" } else { "ETH/USDT" };
        let TradingRecord::Trade(trade) = trade(sequence, symbol, exit, profit) else { panic!() };
        csv.append(&trade).unwrap();
    }
    let read = |name: &str| fs::read_to_string(folder.path(name)).unwrap();
    let (exported, appended) = (read("out.csv"), read("appended.csv"));
    let lines: Vec<_> = exported.lines().collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[..2], appended.lines().collect::<Vec<_>>()[..2]);
}

#[test]
fn what_is_not_there_is_named_with_what_is_near() {
    let (folder, _runtime, _store) = traded();
    for (arguments, expected) in [
        ("orders --run mornin-2", "did you mean morning-2?"),
        ("status --run zzz", "the latest is morning-2"),
        ("trades --run morning", "several runs"),
        ("positions --wallet mian", "did you mean main?"),
        ("orders --symbol BTC", "BTC"),
        ("trades --limit 0", "--limit"),
    ] {
        let error = folder.refused(arguments);
        assert!(error.contains(expected), "{arguments}: {error}");
    }
}
