//! The command as its users meet it: what it prints, what it refuses, what it exits with.

#![allow(clippy::unwrap_used)]

mod program;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use program::Folder;

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn a_file_backtests_the_same_as_the_store() {
    let folder = Folder::new();
    folder.candles("c.csv", 3000);
    let rule = "ema_cross --set fast=5 --set slow=20 --symbol BTC/USDT --timeframe 5m --json";
    let from_file = folder.json(&format!("backtest {rule} --data c.csv"));
    folder.good("import --exchange binance --symbol BTC/USDT --timeframe 5m c.csv");
    let from_store = folder.json(&format!("backtest {rule} --exchange binance"));
    assert!(from_file["metrics"]["trades"].as_u64().unwrap() > 10);
    assert_eq!(from_file["trades_hash"], from_store["trades_hash"]);
    assert_eq!(from_file["fingerprint"], from_store["fingerprint"]);
    for key in ["strategy", "parameters", "symbol", "timeframe", "candles", "from_ms", "to_ms"] {
        assert_eq!(from_file[key], from_store[key], "{key}");
    }
    let trade = &from_file["trades"][0];
    for key in [
        "side",
        "entry_time_ms",
        "entry_price",
        "exit_time_ms",
        "exit_price",
        "quantity",
        "fees",
        "profit",
        "profit_pct",
        "exit_reason",
        "holding",
        "ambiguous",
    ] {
        assert!(!trade[key].is_null(), "{key}");
    }
    let other = folder.json(&format!("backtest {rule} --data c.csv --fee 0.002"));
    assert_ne!(from_file["fingerprint"], other["fingerprint"]);
}

#[test]
fn import_is_idempotent_and_check_finds_damage() {
    let folder = Folder::new();
    folder.candles("c.csv", 500);
    let market = "--exchange kraken --symbol ETH/USD --timeframe 5m";
    let first = folder.json(&format!("import {market} c.csv --json"));
    assert_eq!((&first["added"], &first["known"]), (&500.into(), &0.into()));
    let again = folder.json(&format!("import {market} c.csv --json"));
    assert_eq!((&again["added"], &again["known"]), (&0.into(), &500.into()));
    assert!(folder.good("data ls").contains("kraken ETH/USD 5m"));
    assert!(folder.good("data check").contains("sound"));
    assert!(folder.refused("data check --exchange karken").contains("nothing stored fits"));
    let late = folder.refused(&format!("data export {market} late.csv --from 2030-01-01"));
    assert!(late.contains("2024-01-01T00:00:00Z") && !folder.path("late.csv").exists(), "{late}");
    folder.refused("data ls --data-dir c.csv");
    folder.good(&format!("data export {market} out.csv"));
    assert_eq!(lines(&folder.path("out.csv")), lines(&folder.path("c.csv")));

    let parts = walk(&folder.path("data"));
    let part = parts.iter().find(|p| p.extension().is_some_and(|e| e == "parquet")).unwrap();
    let mut bytes = fs::read(part).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(part, bytes).unwrap();
    let out = folder.run("data check");
    assert_eq!(out.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&out.stdout).contains("DAMAGED"));
    folder.refused("backtest ema_cross --exchange kraken --symbol ETH/USD --timeframe 5m");
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    entries.flat_map(|p| if p.is_dir() { walk(&p) } else { vec![p] }).collect()
}

#[test]
fn bad_input_is_named_and_leaves_nothing_behind() {
    let folder = Folder::new();
    let path = folder.candles("c.csv", 300);
    let mut rows = lines(&path);
    let good = rows.clone();
    let mut broken = |row: usize, from: &str, to: &str| {
        rows.clone_from(&good);
        rows[row] = rows[row].replacen(from, to, 1);
        fs::write(folder.path("bad.csv"), rows.join("\n")).unwrap();
        folder.refused("import --exchange x --symbol A/B --timeframe 5m bad.csv")
    };
    let open = good[9].split(',').nth(1).unwrap().to_owned();
    for to in ["NaN", "inf", "-3", "", "abc", "0"] {
        let error = broken(9, &open, to);
        for part in ["bad.csv", "line 10", "open"] {
            assert!(error.contains(part), "{to:?}: {error}");
        }
    }
    let time = good[9].split(',').next().unwrap().to_owned();
    let error = broken(9, &time, &format!("{}1", &time[..time.len() - 1]));
    assert!(error.contains("line 10") && error.contains("time"), "{error}");
    assert!(!folder.path("data").exists() || walk(&folder.path("data")).is_empty());
    assert!(folder.good("data ls").contains("No candles"));

    let data = "--data c.csv --timeframe 5m";
    for (arguments, expected) in [
        (format!("backtest liquidty_sweep {data}"), "did you mean \"liquidity_sweep\""),
        (format!("backtest ema_cross --set fats=3 {data}"), "did you mean \"fast\""),
        (format!("backtest ema_cross --set fast=0 {data}"), "2 … 100"),
        (format!("backtest ema_cross --set fast {data}"), "name=value"),
        (format!("backtest ema_cross --set fast=60 {data}"), "infeasible"),
        (format!("backtest ema_cross {data} --capital 0"), "capital"),
        (format!("backtest ema_cross {data} --slippage 1.5"), "slippage"),
        (format!("backtest ema_cross {data} --quantity-step -1"), "-1 is not an amount"),
        (format!("backtest ema_cross {data} --capital -1"), "capital = -1"),
        (format!("backtest ema_cross {data} --fee -0.1"), "taker_fee = -0.1"),
        (format!("backtest ema_cross {data} --risk NaN"), "risk = NaN"),
        (format!("backtest ema_cross {data} --slippage-impact 5"), "slippage impact = 5"),
        (format!("backtest ema_cross {data} --set quantum=1"), "known: fast, slow"),
        (format!("backtest ema_cross {data} --monte-carlo 4294967295"), "4294967295"),
        (format!("backtest ema_cross {data} --trades c.csv"), "would overwrite"),
        (format!("backtest ema_cross {data} --trades x --report x"), "same file"),
        (format!("backtest ema_cross {data} --from 2024-02-01 --to 2024-01-01"), "not before"),
        (format!("backtest ema_cross {data} --funding c.csv"), "--instrument perpetual"),
        ("backtest ema_cross --data c.csv --timeframe 5q".to_owned(), "5q"),
        ("backtest ema_cross --data none.csv --timeframe 5m".to_owned(), "none.csv"),
        ("backtest ema_cross --exchange x --symbol A/B --timeframe 1h".to_owned(), "x A/B 1h"),
        (format!("backtest ema_cross {data} --from 2030-01-01"), "no candles in that time"),
        ("indicators rsx --data c.csv".to_owned(), "did you mean \"rsi\""),
        ("backtest ema_cross".to_owned(), "--data"),
    ] {
        let error = folder.refused(&arguments);
        assert!(error.contains(expected), "{arguments}: {error}");
    }
    assert_eq!(lines(&path), good, "the candles are still there");
    folder.candles("one.csv", 1);
    let error = folder.refused("lookahead ema_cross --data one.csv --timeframe 5m");
    assert!(error.contains("there are 1"), "{error}");
    folder.candles("few.csv", 12);
    let error = folder.refused("backtest liquidity_sweep --data few.csv --timeframe 5m");
    assert!(error.contains("there are 12") && error.contains("at least 21"), "{error}");
    fs::write(folder.path("empty.csv"), "").unwrap();
    assert!(folder.refused("backtest ema_cross --data empty.csv").contains("empty.csv"));
}

#[test]
fn reports_and_tables_are_written_whole() {
    let folder = Folder::new();
    folder.candles("c.csv", 3000);
    let out = folder.good(
        "backtest ema_cross --set fast=5 --set slow=20 --data c.csv --timeframe 5m --symbol A/B \
         --monte-carlo 200 --funnel --trades t.csv --report r.html",
    );
    for part in ["net profit", "Sharpe", "monte carlo", "trades hash", "Written: r.html"] {
        assert!(out.contains(part), "{part}: {out}");
    }
    let html = fs::read_to_string(folder.path("r.html")).unwrap();
    assert!(html.contains("ema_cross"));
    for outside in ["<link rel=\"stylesheet", " src=", "@import", "url(http", "fetch("] {
        assert!(!html.contains(outside), "{outside}: not self-contained");
    }
    let trades = lines(&folder.path("t.csv"));
    assert!(trades[0].starts_with("side,entry_time_ms") && trades.len() > 10);
    let error = folder.refused("backtest ema_cross --data c.csv --report no/such/folder/r.html");
    assert!(error.contains("no/such/folder"), "{error}");
}

#[test]
fn indicators_give_a_value_per_candle() {
    let folder = Folder::new();
    folder.candles("c.csv", 100);
    let csv = folder.good("indicators rsi --set period=14 --data c.csv --csv");
    let rows: Vec<_> = csv.lines().collect();
    assert_eq!((rows.len(), rows[0]), (101, "timestamp_ms,rsi"));
    assert!(rows[14].ends_with(',') && !rows[15].ends_with(','));
    let json = folder.json("indicators macd --data c.csv --json");
    assert_eq!(json["outputs"]["signal"].as_array().unwrap().len(), 100);
    assert!(json["outputs"]["signal"][0].is_null());
    assert!(folder.good("indicators").contains("bollinger"));
}

#[test]
fn what_no_float_holds_is_no_value() {
    let folder = Folder::new();
    let rows = (0..50).map(|i| {
        let (time, price) = (1_704_067_200_000_i64 + i * 300_000, 100 + i);
        format!("{time},{price},{price},{price},{price},1e308\n")
    });
    let text = format!("time,o,h,l,c,v\n{}", rows.collect::<String>());
    fs::write(folder.path("vast.csv"), text).unwrap();
    for output in ["--csv", ""] {
        let out = folder.good(&format!("indicators obv --data vast.csv {output}"));
        assert!(!out.contains("inf"), "{out}");
    }
}

#[test]
fn funding_is_paid_told_and_part_of_the_fingerprint() {
    let folder = Folder::new();
    folder.candles("c.csv", 3000);
    let start = 1_704_067_200_000_i64;
    let row = |i: i64| format!("{},0.0003\n", start + i * 8 * 3_600_000);
    fs::write(
        folder.path("f.csv"),
        format!("fundingTime,fundingRate\n{}", (0..33).map(row).collect::<String>()),
    )
    .unwrap();
    let perpetual =
        "backtest ema_cross --set fast=5 --set slow=20 --data c.csv --instrument perpetual";
    let without = folder.json(&format!("{perpetual} --json"));
    let with = folder.json(&format!("{perpetual} --funding f.csv --json"));
    assert!(without["notes"][0].as_str().unwrap().contains("No funding"));
    assert_eq!(with["notes"], Value::Array(vec![]));
    assert!(without["metrics"].get("funding_paid").is_none());
    assert_ne!(with["fingerprint"], without["fingerprint"]);
    assert_ne!(with["trades_hash"], without["trades_hash"]);
    let number = |v: &Value| v.as_f64().unwrap_or(0.0);
    let trades = with["trades"].as_array().unwrap();
    let paid: f64 = trades.iter().map(|t| number(&t["funding"])).sum();
    let profit: f64 = trades.iter().map(|t| number(&t["profit"])).sum();
    assert!(paid > 0.0 && (paid - number(&with["metrics"]["funding_paid"])).abs() < 1e-9);
    assert!((profit - number(&with["metrics"]["net_profit"])).abs() < 1e-6);

    let files = "--funding f.csv --trades t.csv --report r.html";
    assert!(folder.good(&format!("{perpetual} {files}")).contains("Funding paid"));
    let table = lines(&folder.path("t.csv"));
    assert!(table[0].ends_with(",ambiguous,funding"));
    assert!(table.iter().all(|l| l.matches(',').count() == table[0].matches(',').count()));
    assert!(fs::read_to_string(folder.path("r.html")).unwrap().contains("payments between longs"));

    fs::write(folder.path("f.csv"), format!("time,rate\n{}", row(0) + &row(3))).unwrap();
    let part = folder.json(&format!("{perpetual} --funding f.csv --json"));
    assert!(part["notes"][0].as_str().unwrap().contains("2024-01-02T00:00:00Z only"), "{part}");
    fs::write(folder.path("f.csv"), "time,rate\n2024-01-01,7\n").unwrap();
    assert!(folder.refused(&format!("{perpetual} --funding f.csv")).contains("f.csv, line 2"));
}

#[test]
fn strategies_explain_themselves_and_do_not_look_ahead() {
    let folder = Folder::new();
    folder.candles("c.csv", 2000);
    let all = folder.json("strategies --json");
    let names: Vec<_> =
        all.as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 8);
    for name in names {
        let about = folder.json(&format!("strategies {name} --json"));
        for variable in about["variables"].as_array().unwrap() {
            assert!(!variable["doc"].as_str().unwrap().is_empty(), "{name}: {variable}");
        }
        assert!(folder.good(&format!("strategies {name}")).contains("default"));
        let verdict = folder.json(&format!("lookahead {name} --data c.csv --prefixes 8 --json"));
        assert!(verdict["difference"].is_null(), "{name}");
    }
}

#[test]
fn the_demo_needs_nothing() {
    let folder = Folder::new();
    let demo = folder.json("demo --candles 6000 --json");
    assert_eq!(demo["synthetic"], true);
    assert_eq!(demo["backtests"].as_array().unwrap().len(), 7);
    assert!(folder.path("tradepulse-demo/index.html").exists());
    let again = folder.json("demo --candles 6000 --json");
    assert_eq!(demo, again, "the same seed gives the same demo");
}

#[test]
fn risk_rules_refuse_entries_and_say_which() {
    let folder = Folder::new();
    folder.candles("c.csv", 3000);
    let run = "backtest ema_cross --data c.csv --timeframe 5m --set fast=5 --set slow=20 --json";
    let free = folder.json(run);
    fs::write(
        folder.path("risk.json"),
        r#"{"max_daily_trades": 1, "max_total_exposure": null, "balance_buffer": null}"#,
    )
    .unwrap();
    let held = folder.json(&format!("{run} --risk-rules risk.json"));
    let trades = |document: &Value| document["trades"].as_array().unwrap().len();
    assert!(trades(&held) < trades(&free));
    assert!(held["refusals"]["max_daily_trades"].as_u64().unwrap() > 0);
    assert!(free["refusals"]["max_daily_trades"].is_null());
    assert_ne!(held["fingerprint"], free["fingerprint"]);

    fs::write(folder.path("risk.json"), r#"{"max_dayly_trades": 1}"#).unwrap();
    let error = folder.refused(&format!("{run} --risk-rules risk.json"));
    assert!(error.contains("max_dayly_trades"), "{error}");
    fs::write(folder.path("risk.json"), r#"{"max_leverage": -1}"#).unwrap();
    let error = folder.refused(&format!("{run} --risk-rules risk.json"));
    assert!(error.contains("max_leverage = -1"), "{error}");
}
