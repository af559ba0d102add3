//! `tradepulse trade` and the signals it is sent.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const CONFIG: &str = "\
symbols: [BTC/USDT]
safety: {max_total_exposure: null, max_daily_trades: null}
trading:
  from_store: false
  min_edge: 0
  position_size_method: fixed_fraction
  position_size_fraction: 0.8
  configurations:
    - {strategy: ema_cross, parameters: {fast: 5, slow: 20}}
database: {trades_csv: trades.csv}
";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new(config: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::write(folder.0.path().join("config.yaml"), config).unwrap();
        let mut text = String::from("timestamp_ms,open,high,low,close,volume\n");
        let price = |i: i64| 100.0 + 8.0 * (i as f64 / 40.0).sin() + 3.0 * (i as f64 / 7.0).sin();
        for i in 0..4000_i64 {
            let (open, close) = (price(i), price(i + 1));
            let (high, low) = (open.max(close) + 0.3, open.min(close) - 0.3);
            let time = 1_704_067_200_000 + i * 300_000;
            text += &format!("{time},{open},{high},{low},{close},{}\n", 5 + i % 9);
        }
        fs::write(folder.0.path().join("candles.csv"), text).unwrap();
        folder
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tradepulse"));
        command
            .args(arguments.split_whitespace())
            .current_dir(self.0.path())
            .env("TRADEPULSE_DATA_DIR", self.0.path().join("data"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &str) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn json(&self, arguments: &str) -> Value {
        let output = self.run(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// A replay that would take minutes, once it has orders.
    fn replay(&self) -> Child {
        let arguments = "trade --replay --data candles.csv --speed 3000 --json";
        let mut child = self.command(arguments).spawn().unwrap();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(50));
            let orders = self.run("orders --json");
            let Ok(orders) = serde_json::from_slice::<Value>(&orders.stdout) else { continue };
            if !orders.as_array().is_none_or(Vec::is_empty) {
                return child;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        panic!("no order within a minute");
    }
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

#[test]
fn one_signal_ends_a_replay_in_good_order() {
    for name in ["-INT", "-TERM"] {
        let folder = Folder::new(CONFIG);
        let child = folder.replay();
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(said.contains("the next signal"), "{said}");
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let wallet = &told["wallets"][0];
        assert_eq!(wallet["ended"], "stopped");
        assert!(wallet["events"].as_u64().unwrap() < 4000, "{wallet}");
        assert!(wallet["counters"]["orders"].as_u64().unwrap() > 0, "{wallet}");
        let status = folder.json("status --json").to_string();
        assert!(status.contains("replay stopped"), "{status}");
        let trades = wallet["trades"].as_array().unwrap().len();
        let csv = fs::read_to_string(folder.0.path().join("trades.csv")).unwrap();
        assert_eq!(csv.lines().count(), 1 + trades, "{csv}");
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let folder = Folder::new(CONFIG);
    let mut child = folder.replay();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    signal(&child, "-STOP");
    signal(&child, "-INT");
    signal(&child, "-TERM");
    signal(&child, "-CONT");
    let line = said.next().unwrap().unwrap();
    assert!(line.contains("stopping"), "{line}");
    let code = child.wait().unwrap().code();
    assert_eq!(code, Some(130));
}

#[test]
fn without_an_adapter_live_trading_is_refused_with_what_there_is() {
    let folder = Folder::new(&format!("{CONFIG}exchange: {{name: nowhere}}\n"));
    let output = folder.run("trade");
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("exchange.name") && said.contains("binance"), "{said}");
    assert!(said.contains("supported") && said.contains("--replay"), "{said}");
}
