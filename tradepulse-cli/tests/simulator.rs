//! The simulated exchange as a program: candles are fetched from it, and other people's clients
//! trade there.

#![cfg(all(feature = "binance", feature = "coinbase", feature = "kraken", feature = "simulator"))]
#![allow(clippy::print_stdout, clippy::unwrap_used)]

mod program;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use program::simulator::{
    ED25519_SECRET, HMAC_SECRET, KRAKEN_SECRET, P256_SECRET, PROGRAM, Simulator,
};

fn run(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// 3,000 candles of five minutes from 2024 on, one of them missing.
fn candles(file: &Path) {
    let mut text = String::from("open_time,open,high,low,close,volume\n");
    for i in (0..3_000_i64).filter(|i| *i != 1_500) {
        let (time, price) = (1_704_067_200_000 + i * 300_000, 100.0 + (i % 50) as f64);
        text += &format!("{time},{price},{},{},{price},12.5\n", price + 1.0, price - 1.0);
    }
    std::fs::write(file, text).unwrap();
}

#[test]
fn candles_are_fetched_once_and_gaps_are_told() {
    for exchange in ["binance", "coinbase"] {
        fetched_once(exchange);
    }
}

fn fetched_once(exchange: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("candles.csv");
    candles(&file);
    let simulator =
        Simulator::start(exchange, &["--data", &file.to_string_lossy(), "--timeframe", "5m"]);
    let data_dir = folder.path().join("data");
    let data_dir = data_dir.to_string_lossy();
    let market = ["--exchange", exchange, "--symbol", "BTC/USDT", "--timeframe", "5m"];
    let fetch = |from: &str, to: &str, more: &[&str]| {
        let place = ["--rest-url", &simulator.url, "--data-dir", &data_dir];
        let span = ["--from", from, "--to", to];
        run(&[&["fetch"], &market[..], &span, &place, more].concat())
    };
    let middle = fetch("2024-01-03", "2024-01-04", &[]);
    assert!(stdout(&middle).contains("288 candles fetched"), "{middle:?}");
    let later = fetch("2024-01-06", "2024-01-07", &[]);
    assert!(stdout(&later).contains("287 candles fetched"), "{later:?}");
    let fill = ["data", "fill", "--data-dir", &data_dir, "--rest-url", &simulator.url];
    let filled = run(&fill);
    let text = "576 candles fetched; the exchange does not have the other 1";
    assert!(stdout(&filled).contains(text), "{filled:?}");
    let all = fetch("2024-01-01", "2025-01-01", &[]);
    let text = stdout(&all);
    assert!(text.contains("1,848 candles fetched"), "{all:?}");
    assert!(text.contains("history has 2,999"), "{text}");
    assert!(text.contains("1 gaps (1 candles missing, 1 in the longest)"), "{text}");
    let again = fetch("2024-01-01", "2025-01-01", &["--json"]);
    let json: serde_json::Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(json["fetched"], 0);
    assert_eq!(json["history"]["rows"], 2_999);
    let gaps = run(&["data", "gaps", "--data-dir", &data_dir, "--json"]);
    let gaps: serde_json::Value = serde_json::from_slice(&gaps.stdout).unwrap();
    assert_eq!(gaps[0]["gaps"].as_array().unwrap().len(), 1, "{gaps}");
    assert_eq!(gaps[0]["gaps"][0]["candles"], 1);
    // What was fetched is what was served.
    let file = file.to_string_lossy();
    let place = ["--data-dir", &data_dir, &file];
    let imported = run(&[&["import"], &market[..], &place].concat());
    assert!(stdout(&imported).contains("0 candles added, 2,999 known"), "{imported:?}");
}

/// Kraken has the latest 720 candles only; what is older is refused with a way around it.
#[test]
fn kraken_gives_what_it_has_and_says_what_it_has_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("candles.csv");
    candles(&file);
    let simulator =
        Simulator::start("kraken", &["--data", &file.to_string_lossy(), "--timeframe", "5m"]);
    let data_dir = folder.path().join("data");
    let fetch = |from: &str| {
        Command::new(PROGRAM)
            .args(["fetch", "--exchange", "kraken", "--symbol", "BTC/USDT", "--timeframe", "5m"])
            .args(["--to", "2025-01-01", "--from", from, "--rest-url", &simulator.url])
            .arg("--data-dir")
            .arg(&data_dir)
            .output()
            .unwrap()
    };
    let recent = fetch("2024-01-11");
    assert!(stdout(&recent).contains("120 candles fetched"), "{recent:?}");
    let old = fetch("2024-01-01");
    let said = String::from_utf8_lossy(&old.stderr);
    assert!(!old.status.success() && said.contains("720") && said.contains("CSV"), "{old:?}");

    let stream_url = simulator.url.replace("http", "ws");
    let tested = Command::new(PROGRAM)
        .args(["exchanges", "test", "kraken", "--rest-url", &simulator.url])
        .args(["--stream-url", &stream_url, "--api-key-env", "KEY", "--api-secret-env", "SECRET"])
        .env("KEY", "simulated-key")
        .env("SECRET", KRAKEN_SECRET)
        .output()
        .unwrap();
    let text = stdout(&tested);
    assert!(text.contains("price step 0.01, quantity step 0.00001"), "{tested:?}");
    assert!(text.contains("The key is accepted"), "{tested:?}");
}

#[test]
fn an_exchange_that_is_not_there_is_an_error() {
    let output = run(&["exchanges", "test", "binance", "--rest-url", "http://127.0.0.1:1"]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("binance cannot be reached"), "{text}");
    let output = run(&["exchanges", "test", "nowhere"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("there is no adapter for nowhere"), "{text}");
}

#[test]
fn a_secret_that_cannot_sign_is_refused() {
    for venue in ["coinbase", "kraken"] {
        let output = run(&["simulator", "--venue", venue, "--secret", "no-secret!"]);
        assert_eq!(output.status.code(), Some(2), "{venue}: {output:?}");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains("the API secret is") && !text.contains("no-secret!"), "{text}");
    }
}

#[test]
fn exchanges_are_listed_with_what_they_can_do() {
    let output = run(&["exchanges", "--json"]);
    let venues: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let names: Vec<_> = venues.as_array().unwrap().iter().map(|v| v["exchange"].clone()).collect();
    assert_eq!(names, ["binance", "binanceus", "binanceusdm", "coinbase", "kraken"]);
    assert_eq!(venues[0]["protection"], "native_oco");
    // The README shows this table.
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    for line in stdout(&run(&["exchanges"])).lines() {
        assert!(readme.lines().any(|shown| shown == line.trim_end()), "{line:?} is not there");
    }
}

/// A session on paper: history and candles come from the exchange, and it ends when told to.
#[cfg(unix)]
#[test]
fn the_candles_of_now_are_traded_on_paper() {
    for exchange in ["binance", "coinbase"] {
        traded_on_paper(exchange);
    }
}

#[cfg(unix)]
fn traded_on_paper(exchange: &str) {
    let simulator = Simulator::start(exchange, &["--timeframe", "1m", "--speed", "1"]);
    let folder = tempfile::tempdir().unwrap();
    let (file, data) = (folder.path().join("config.yaml"), folder.path().join("data"));
    let url = &simulator.url;
    let config = format!(
        "symbols: [BTC/USDT]\n\
         exchange: {{name: {exchange}, rest_url: \"{url}\", stream_url: \"{}\"}}\n\
         trading:\n  from_store: false\n  configurations:\n    \
         - {{strategy: ema_cross, timeframe: 1m, parameters: {{fast: 2, slow: 5}}}}\n",
        url.replace("http", "ws")
    );
    std::fs::write(&file, config).unwrap();
    let (file, data) = (file.to_string_lossy(), data.to_string_lossy());
    let found = run(&["preflight", "--config", &file, "--data-dir", &data, "--json"]);
    let found: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
    let checks = found["checks"].as_array().unwrap();
    for name in ["clock", "trading rules"] {
        let check = checks.iter().find(|check| check["name"] == name).unwrap();
        assert_eq!(check["standing"], "pass", "{check}");
    }
    let mut session = Command::new(PROGRAM)
        .args(["trade", "--config", &file, "--data-dir", &data])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(session.stderr.take().unwrap()).lines();
    let mut said = said.map_while(Result::ok);
    assert!(said.any(|line| line.contains("begins")), "it ended before it began");
    let pid = session.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let ended = session.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert!(stdout(&ended).contains("stopped"), "{ended:?}");
}

/// The Python to run clients with, if it has this module; says so if not.
fn python_with(module: &str, package: &str) -> Option<String> {
    let python = std::env::var("TRADEPULSE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let found = Command::new(&python).args(["-c", &format!("import {module}")]).output();
    if found.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    println!(
        "skipped: {python} has no {module} (pip install {package}; TRADEPULSE_PYTHON names another)"
    );
    None
}

/// Runs a script of `tests/clients` with these arguments, and the key with this secret.
fn client(python: &str, script: &str, arguments: &[&str], secret: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    let output = Command::new(python)
        .arg(folder.join(script))
        .args(arguments)
        .args(["simulated-key", secret])
        .output()
        .unwrap();
    assert!(stdout(&output).ends_with("all good\n"), "{script} {arguments:?}: {output:?}");
}

#[test]
fn ccxt_trades_at_every_simulated_venue() {
    let Some(python) = python_with("ccxt", "ccxt") else { return };
    for venue in ["binance", "binanceus", "binanceusdm"] {
        let simulator = Simulator::start(venue, &["--timeframe", "5m"]);
        client(&python, "binance_ccxt.py", &[venue, &simulator.url], HMAC_SECRET);
    }
    let given = ["--timeframe", "5m", "--secret", P256_SECRET];
    for (arguments, secret) in [(&given[..2], ED25519_SECRET), (&given[..], P256_SECRET)] {
        let simulator = Simulator::start("coinbase", arguments);
        client(&python, "coinbase_ccxt.py", &[&simulator.url], secret);
    }
    let simulator = Simulator::start("kraken", &["--timeframe", "5m", "--weight-limit", "10000"]);
    client(&python, "kraken_ccxt.py", &[&simulator.url], KRAKEN_SECRET);
}

#[test]
fn the_venues_own_client_trades_at_the_simulated_one() {
    let Some(python) = python_with("binance_sdk_spot", "binance-sdk-spot") else { return };
    let simulator = Simulator::start("binance", &["--timeframe", "5m"]);
    client(&python, "binance_sdk.py", &[&simulator.url], HMAC_SECRET);
}
