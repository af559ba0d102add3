//! `trade` with its orders at simulated exchanges, from an entry to a trade in the records, with a
//! restart in between.

#![cfg(all(
    unix,
    feature = "binance",
    feature = "coinbase",
    feature = "kraken",
    feature = "simulator"
))]
#![allow(clippy::unwrap_used)]

mod program;

use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use program::simulator::{Simulator, secret};
use program::{Folder, until};

/// How many candles are the past when trading begins.
const HISTORY: i64 = 80;

/// Candles of a minute: the price falls until now, jumps so that the averages cross, and then rises
/// to the target, which is 5 % above the entry.
fn candles() -> String {
    let mut text = String::from("timestamp_ms,open,high,low,close,volume\n");
    let mut row = |i: i64, open: f64, close: f64| {
        let (high, low) = (open.max(close) + 0.02, open.min(close) - 0.02);
        let time = 1_704_067_200_000 + i * 60_000;
        text += &format!("{time},{open:.2},{high:.2},{low:.2},{close:.2},1000\n");
    };
    for i in 0..HISTORY {
        row(i, 104.0 - 0.05 * i as f64, 103.95 - 0.05 * i as f64);
    }
    row(HISTORY, 100.0, 102.0);
    row(HISTORY + 1, 102.0, 110.0);
    for i in 2..30 {
        row(HISTORY + i, 110.0, 110.0);
    }
    text
}

/// A session that ends when it is told to.
struct Session<'a> {
    folder: &'a Folder,
    venue: &'a str,
}

impl Session<'_> {
    fn command(&self, arguments: &str) -> Command {
        let mut command = self.folder.command(arguments);
        command.env("KEY", "simulated-key").env("SECRET", secret(self.venue));
        command
    }

    fn begin(&self) -> Child {
        let mut command = self.command("trade --json");
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn end(&self, session: Child) -> Value {
        let pid = session.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        let Output { status, stdout, stderr } = session.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&stderr);
        assert_eq!(status.code(), Some(0), "{}: {said}", self.venue);
        let told: Value = serde_json::from_slice(&stdout).unwrap();
        told["wallets"][0].clone()
    }

    /// Records as JSON; none before there are any.
    fn records(&self, what: &str) -> Vec<Value> {
        let out = self.folder.run(&format!("{what} --json"));
        serde_json::from_slice(&out.stdout).unwrap_or_default()
    }

    /// Orders of this kind in this state.
    fn orders(&self, kind: &str, state: &str) -> usize {
        let orders = self.records("orders");
        orders.iter().filter(|order| order["kind"] == kind && order["state"] == state).count()
    }
}

/// An entry, its protection, a restart, the target, a trade.
fn trades(venue: &str, market: &str, protection: &[&str]) {
    let folder = Folder::new();
    folder.write("candles.csv", candles());
    let (file, history) = (folder.path("candles.csv"), HISTORY.to_string());
    let file = file.to_string_lossy();
    let arguments = ["--data", &*file, "--timeframe", "1m", "--speed", "1", "--history", &history];
    let simulator = Simulator::start(venue, &arguments);
    let url = &simulator.url;
    folder.write(
        "config.yaml",
        format!(
            "mode: {{dry_run: false, testnet: true}}\n\
             on_shutdown: keep\n\
             symbols: [BTC/USDT]\n\
             exchange:\n  name: {venue}\n  market: {market}\n  rest_url: {url}\n  \
             api_key_env: KEY\n  api_secret_env: SECRET\n\
             trading:\n  from_store: false\n  position_size_method: fixed_amount\n  \
             position_size_amount: 500\n  configurations:\n    \
             - {{strategy: ema_cross, timeframe: 1m, parameters: {{fast: 2, slow: 5}}}}\n"
        ),
    );
    let session = Session { folder: &folder, venue };
    let found = session.command("preflight").output().unwrap();
    assert_eq!(found.status.code(), Some(0), "{venue}: {found:?}");

    let first = session.begin();
    until("it is protected", || {
        session.orders("market", "filled") == 1
            && protection.iter().all(|kind| session.orders(kind, "accepted") == 1)
    });
    let told = session.end(first);
    assert_eq!((&told["goes_on"], &told["counters"]["unexplained"]), (&true.into(), &0.into()));
    assert_eq!(session.records("positions").len(), 1, "{venue}");

    let second = session.begin();
    // The other order of the protection is taken back after the trade has ended.
    until("the target is reached and nothing rests", || {
        !session.records("trades").is_empty() && session.records("orders --open").is_empty()
    });
    let told = session.end(second);
    assert_eq!((&told["goes_on"], &told["counters"]["unexplained"]), (&false.into(), &0.into()));
    let trades = session.records("trades");
    assert_eq!((trades.len(), &trades[0]["exit_reason"]), (1, &"target".into()), "{venue}");
    assert!(trades[0]["profit"].as_f64().unwrap() > 15.0, "{venue}: {trades:?}");
    assert!(session.records("orders --open").is_empty(), "{venue}");
}

/// The price moves by the clock: each takes two candles of a minute at most.
#[test]
fn orders_go_to_every_simulated_exchange_and_outlive_the_process() {
    std::thread::scope(|scope| {
        scope.spawn(|| trades("binance", "spot", &["stop", "limit"]));
        scope.spawn(|| trades("binanceusdm", "perpetual", &["stop", "limit"]));
        scope.spawn(|| trades("coinbase", "spot", &["stop", "limit"]));
        // The target is watched.
        scope.spawn(|| trades("kraken", "spot", &["stop"]));
    });
}
