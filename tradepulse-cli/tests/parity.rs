//! A replay through the coordinator and the simulated venue makes the trades of a backtest.

#![allow(clippy::unwrap_used)]

mod program;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

const STRATEGIES: [&str; 7] = [
    "liquidity_sweep",
    "htf_sweep",
    "volume_breakout",
    "divergence_capitulation",
    "capitulation_reversal",
    "failed_breakdown",
    "ema_cross",
];

/// A backtest knows no limits but its own.
const NO_LIMITS: &str = "\
safety:
  max_open_positions: null
  max_open_positions_per_symbol: null
  max_daily_trades: null
  min_trade_interval_seconds: null
  max_daily_loss: null
  max_daily_loss_quote: null
  circuit_breaker: null
  emergency_drawdown: null
  max_total_exposure: null
  max_leverage: null
  max_correlation: null
  max_position_duration_hours: null
  balance_buffer: null
  max_price_deviation: null
  max_candle_age: null
  max_spread: null
symbols: [BTC/USDT]
trading:
  from_store: false
  min_edge: 0
";

fn run(folder: &Path, arguments: &[&str]) -> Value {
    let arguments = arguments.join(" ");
    let out = program::command(folder, &arguments).output().unwrap();
    serde_json::from_str(&program::success(&arguments, out)).unwrap()
}

/// Trades of both, compared field by field.
fn compare(folder: &Path, candles: &str, strategy: &str, more: &str, flags: &[&str]) -> usize {
    compare_under(folder, candles, (strategy, "", more), flags)
}

/// The same with other sections of the file.
fn compare_under(
    folder: &Path,
    candles: &str,
    (strategy, sections, more): (&str, &str, &str),
    flags: &[&str],
) -> usize {
    let market =
        ["--data", candles, "--symbol", "BTC/USDT", "--timeframe", "5m", "--min-edge", "0"];
    let backtest = [&["backtest", strategy, "--json"], &market[..], flags].concat();
    let backtest = run(folder, &backtest);
    let config =
        format!("{sections}{NO_LIMITS}{more}  configurations:\n    - strategy: {strategy}\n");
    fs::write(folder.join("config.yaml"), config).unwrap();
    let replayed = run(folder, &["trade", "--replay", "--data", candles, "--json"]);
    let replayed = &replayed["wallets"][0];
    let trades = backtest["trades"].as_array().unwrap();
    let theirs = replayed["trades"].as_array().unwrap();
    for (a, b) in trades.iter().zip(theirs) {
        for (name, value) in a.as_object().unwrap() {
            assert_eq!(value, &b[name], "{strategy}: {name} of {a}");
        }
    }
    assert_eq!(trades.len(), theirs.len(), "{strategy}");
    assert_eq!(backtest["trades_hash"], replayed["trades_hash"], "{strategy}");
    let earned = replayed["equity"].as_f64().unwrap() - 10_000.0;
    let expected = backtest["metrics"]["net_profit"].as_f64().unwrap();
    assert!((earned - expected).abs() < 1e-9 * 10_000.0, "{strategy}: {earned}, {expected}");
    assert_eq!(replayed["counters"]["unexplained"], 0, "{strategy}");
    trades.len()
}

/// The first month of a file, as a file.
fn month(folder: &Path, file: &Path) -> PathBuf {
    let year = file.to_str().unwrap();
    let export = ["data", "export", "--exchange", "binance", "--symbol", "BTC/USDT"];
    let import =
        ["import", "--exchange", "binance", "--symbol", "BTC/USDT", "--timeframe", "5m", year];
    let month = folder.join("month.csv");
    for arguments in [
        &import[..],
        &[
            &export[..],
            &["--timeframe", "5m", "--from", "2024-01-01", "--to", "2024-02-01"],
            &[month.to_str().unwrap()],
        ]
        .concat(),
    ] {
        let arguments = arguments.join(" ");
        let out = program::command(folder, &arguments)
            .env("TRADEPULSE_DATA_DIR", folder.join("candles"))
            .output()
            .unwrap();
        program::success(&arguments, out);
    }
    month
}

#[test]
fn a_month_of_real_candles() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/data/ohlcv/binance_BTCUSDT_5m_20240101_20240906.csv.gz");
    if !file.exists() {
        println!("skipped: {} is not there", file.display());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let month = month(folder.path(), &file);
    let month = month.to_str().unwrap();
    let trades: Vec<usize> =
        STRATEGIES.iter().map(|s| compare(folder.path(), month, s, "", &[])).collect();
    assert!(trades.iter().all(|n| *n > 0) && trades.iter().sum::<usize>() > 200, "{trades:?}");
}

#[test]
fn a_made_up_market_with_other_rules() {
    let folder = program::Folder::new();
    folder.candles("candles.csv", 4000);
    let more = "  position_size_method: all_in\n  leverage: 2.0\n";
    let flags = ["--sizing", "all-in", "--max-leverage", "2"];
    let trades = compare(&folder.path(""), "candles.csv", "ema_cross", more, &flags);
    assert!(trades > 20, "{trades}");
}

#[test]
fn models_advise_a_replay_as_a_backtest() {
    let folder = program::Folder::new();
    folder.candles("candles.csv", 3000);
    let path = folder.path("");
    for (name, horizon) in [("near", "3"), ("far", "9")] {
        let out = format!("{name}.txt");
        let market = "--data candles.csv --symbol BTC/USDT --timeframe 5m";
        let train = format!("model train {market} --out {out} --horizon {horizon} --rounds 15");
        let out = program::command(&path, &train).output().unwrap();
        program::success(&train, out);
    }
    let models = "model_endpoints: [{name: near, file: near.txt}, {name: far, file: far.txt}]\n";
    let ensemble = "ensemble: {threshold: 0.34, expected_value_threshold: -1}\n";
    let flags = "--model near.txt --model far.txt --threshold 0.34 --expected-value -1";
    let flags: Vec<&str> = flags.split(' ').collect();
    let with = |strategy: &str, decision: &str, flags: &[&str]| {
        let sections = format!("{models}{ensemble}decision: {decision}\n");
        compare_under(&path, "candles.csv", (strategy, &sections, ""), flags)
    };
    let follows = with("models", "{mode: models_only}", &flags);
    let confirmed =
        with("ema_cross", "{allow_abstain: true}", &[&flags[..], &["--allow-abstain"]].concat());
    let sized = "{allow_abstain: true, size_by_confidence: true}";
    with("ema_cross", sized, &[&flags[..], &["--allow-abstain", "--size-by-confidence"]].concat());
    assert!(follows > 20 && confirmed > 0, "{follows} {confirmed}");

    // What they advised is part of what a result depends on.
    let backtest = "backtest models --data candles.csv --symbol BTC/USDT --timeframe 5m --json \
                    --threshold 0.34 --expected-value -1 --model";
    let backtest = |models: &str| {
        let arguments = format!("{backtest} {models}");
        run(&path, &arguments.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>())
    };
    let (near, far) = (backtest("near.txt"), backtest("far.txt"));
    assert_ne!(near["trades_hash"], far["trades_hash"]);
    assert_ne!(near["fingerprint"], far["fingerprint"]);
    assert_eq!(near["fingerprint"], backtest("near.txt")["fingerprint"]);
}
