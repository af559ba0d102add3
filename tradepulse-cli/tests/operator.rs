//! The operator's commands, as a coordinator in another process takes them.

#![allow(clippy::unwrap_used)]

mod program;

use std::process::{Child, Stdio};

use serde_json::{Value, json};
use tradepulse_exec::store::lock::InstanceLock;

use program::{Folder, until};

/// Trades in one market on candles that swing, a position nearly always open.
const CONFIG: &str = "\
symbols: [BTC/USDT]
safety: {max_open_positions: null, max_daily_trades: null, min_trade_interval_seconds: null,
  max_daily_loss: null, max_daily_loss_quote: null, circuit_breaker: null,
  emergency_drawdown: null, max_total_exposure: null, balance_buffer: null}
trading:
  from_store: false
  min_edge: 0
  configurations:
    - {strategy: ema_cross, parameters: {fast: 5, slow: 20, allow_short: true}}
";

/// A replay in a process of its own, ten candles a second; it dies with the value.
struct Replay(Child);

impl Replay {
    fn start(folder: &Folder) -> Self {
        let arguments = "trade --replay --data c.csv --speed 3000 --json";
        let mut command = folder.command(arguments);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let replay = Self(child);
        until("it trades", || {
            let status = folder.json("status");
            status["lock"]["held"] == true && !status["runs"].as_array().unwrap().is_empty()
        });
        replay
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn trading() -> Folder {
    let folder = Folder::new();
    folder.write("config.yaml", CONFIG);
    folder.candles("c.csv", 20_000);
    folder
}

fn open_positions(folder: &Folder) -> usize {
    folder.json("positions --open").as_array().unwrap().len()
}

fn refusals(folder: &Folder, of: &str) -> usize {
    let events = folder.json("events --kind refusal");
    let events = events.as_array().unwrap();
    events.iter().filter(|event| event["text"].as_str().unwrap().contains(of)).count()
}

#[test]
fn a_running_coordinator_obeys_and_answers() {
    let folder = trading();
    let _replay = Replay::start(&folder);
    let paused = folder.json("pause --wait 60");
    assert_eq!((&paused["outcome"], &paused["command"]), (&json!("done"), &json!("pause")));
    assert!(paused["answer"].as_str().unwrap().contains("entries are paused"), "{paused}");
    assert!(paused["coordinator"]["pid"].is_u64(), "{paused}");
    until("an entry is refused", || refusals(&folder, "paused") > 0);
    assert_eq!(folder.json("resume --wait 60")["outcome"], "done");
    until("a position is open", || open_positions(&folder) > 0);
    let nothing = folder.json("close ETH/USDT --wait 60");
    assert_eq!(nothing["answer"], "wallet main: there is nothing to close");
    // Between the look and the command the position may have ended by itself: then the next one.
    until("a position was closed", || {
        open_positions(&folder) > 0
            && folder.json("close --all --wait 60")["answer"].as_str().unwrap().contains("closing")
    });
    until("the trade is recorded", || {
        let trades = folder.json("trades");
        trades.as_array().unwrap().iter().any(|trade| trade["exit_reason"] == "manual")
    });
    let other = folder.bad("resume --wallet other --wait 60");
    assert_eq!(other["outcome"], "refused");
    assert!(other["answer"].as_str().unwrap().contains("trades main, not other"), "{other}");
    let stopped = folder.json("emergency-stop --wallet main --wait 60");
    assert!(stopped["answer"].as_str().unwrap().contains("until the emergency stop is reset"));
    until("an entry is refused", || refusals(&folder, "shut down") > 0);
    assert_eq!(folder.json("reset-breaker --wait 60")["outcome"], "done");
    assert_eq!(open_positions(&folder), 0);
}

#[test]
fn an_emergency_stop_outlasts_the_process() {
    let folder = trading();
    let stopped = folder.json("emergency-stop");
    assert_eq!((&stopped["outcome"], &stopped["coordinator"]), (&json!("stored"), &Value::Null));
    assert!(stopped["answer"].as_str().unwrap().contains("next start"), "{stopped}");
    for _ in 0..2 {
        let replay = Replay::start(&folder);
        until("an entry is refused", || refusals(&folder, "shut down") > 0);
        let orders = folder.json("orders --run latest");
        assert_eq!(orders, json!([]), "it trades in spite of the stop");
        drop(replay);
    }
    assert_eq!(folder.json("reset-breaker --emergency")["outcome"], "stored");
    let _replay = Replay::start(&folder);
    until("it trades", || !folder.json("orders --run latest").as_array().unwrap().is_empty());
}

#[test]
fn where_nobody_runs_it_is_said() {
    let folder = Folder::new();
    let closed = folder.bad("close --all");
    assert_eq!(closed["outcome"], "no_coordinator");
    assert!(!folder.data().exists(), "nothing is made for it");
    assert!(folder.good("pause").contains("the next start begins paused"));
    assert!(folder.refused("close").contains("--all"));
    assert!(folder.refused("close --all BTC/USDT").contains("cannot be used"));
    // Something holds the data directory, and takes no commands.
    let _lock = InstanceLock::take(&folder.data()).unwrap();
    let resumed = folder.bad("resume --wait 1");
    assert_eq!(resumed["outcome"], "unanswered");
    assert!(resumed["answer"].as_str().unwrap().contains("will not be taken"), "{resumed}");
    let stopped = folder.bad("emergency-stop --wait 1");
    assert!(stopped["answer"].as_str().unwrap().contains("stays stored"), "{stopped}");
}

#[test]
fn a_running_coordinator_is_backed_up_and_not_restored_over() {
    let folder = trading();
    let replay = Replay::start(&folder);
    let backup = folder.json("backup");
    let file = backup["file"].as_str().unwrap().to_owned();
    assert!(file.contains("backups"), "{backup}");
    let refused = folder.refused(&format!("restore {file} --force"));
    assert!(refused.contains("is held by process"), "{refused}");
    drop(replay);
    let restored = folder.json(&format!("restore {file} --force"));
    assert!(restored["kept"].is_string(), "{restored}");
    assert_eq!(folder.json("status")["runs"].as_array().unwrap().len(), 1);
}
