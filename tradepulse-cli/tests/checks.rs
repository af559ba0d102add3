//! `preflight` and `doctor`, as their users meet them.

#![allow(clippy::unwrap_used)]

mod program;

use std::fs;

use serde_json::{Value, json};

use program::Folder;

const CONFIG: &str = "\
symbols: [BTC/USDT]
trading:
  from_store: false
  configurations: [{strategy: ema_cross}]
";

/// How a check stands, and what it says.
fn check<'a>(report: &'a Value, name: &str) -> (&'a str, String) {
    let checks = report["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == name);
    let check = check.unwrap_or_else(|| panic!("no check {name}: {report}"));
    let standing = check["standing"].as_str().unwrap();
    (standing, format!("{} → {}", check["evidence"], check["advice"]))
}

fn standing<'a>(report: &'a Value, name: &str) -> &'a str {
    check(report, name).0
}

#[test]
fn a_dry_run_needs_a_plan_a_place_and_a_backup() {
    let folder = Folder::new();
    folder.write("config.yaml", format!("{CONFIG}exchange: {{name: nowhere}}\n"));
    let report = folder.json("preflight");
    assert_eq!(report["passed"], true);
    for (name, expected) in [
        ("config", "pass"),
        ("mode", "pass"),
        ("keys", "skipped"),
        ("plan", "pass"),
        ("clock", "skipped"),
        ("signed call", "skipped"),
        ("trading rules", "skipped"),
        ("orders", "skipped"),
        ("positions", "skipped"),
        ("models", "skipped"),
        ("disk", "pass"),
        ("database", "skipped"),
        ("backup", "skipped"),
        ("dry run", "skipped"),
        ("performance", "skipped"),
    ] {
        assert_eq!(standing(&report, name), expected, "{name}: {report}");
    }
    assert!(check(&report, "clock").1.contains("there is no adapter for nowhere"));
    assert!(check(&report, "plan").1.contains("BTC/USDT 5m"));
    assert!(!folder.data().exists(), "looking made something");

    folder.good("db migrate");
    let report = folder.bad("preflight");
    assert_eq!((standing(&report, "database"), standing(&report, "backup")), ("pass", "fail"));
    assert!(check(&report, "backup").1.contains("tradepulse backup"));
    folder.good("backup");
    let report = folder.json("preflight");
    assert!(check(&report, "backup").1.contains("was restored for a try"), "{report}");
    let said = folder.good("preflight");
    assert!(said.contains("0 failed"), "{said}");
}

#[test]
fn a_backup_that_cannot_be_restored_is_found() {
    let folder = Folder::new();
    folder.write("config.yaml", format!("{CONFIG}exchange: {{name: nowhere}}\n"));
    folder.good("db migrate");
    let file = folder.json("backup")["file"].as_str().unwrap().to_owned();
    let mut bytes = fs::read(folder.path(&file)).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0x5a);
    fs::write(folder.path(&file), bytes).unwrap();
    assert_eq!(standing(&folder.bad("preflight"), "backup"), "fail");
}

#[test]
fn what_money_needs_is_asked_for_when_it_is_traded() {
    let folder = Folder::new();
    let live = "mode: {dry_run: false, testnet: false}\n\
                exchange: {name: nowhere, rest_url: \"https://testnet.example.com\", api_key_env: KEY_OF_TEST, \
                api_secret_env: SECRET_OF_TEST}\n";
    folder.write("config.yaml", format!("{live}{CONFIG}"));
    let report = folder.bad("preflight");
    for name in ["mode", "keys", "dry run", "performance"] {
        assert_eq!(standing(&report, name), "fail", "{name}: {report}");
    }
    assert!(check(&report, "mode").1.contains("rest_url"), "{report}");
    assert!(check(&report, "keys").1.contains("KEY_OF_TEST is not set"), "{report}");
    assert!(check(&report, "dry run").1.contains("14 wanted"), "{report}");

    let with_keys = |arguments: &str| {
        let mut command = folder.command(&format!("{arguments} --json"));
        let command = command.env("KEY_OF_TEST", "the-key").env("SECRET_OF_TEST", "the-secret");
        let out = command.output().unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        assert!(!text.contains("the-key") && !text.contains("the-secret"), "{text}");
        (out.status.code(), serde_json::from_str::<Value>(&text).unwrap())
    };
    // A replay is no dry run on live candles.
    let fine = live.replace("https://testnet.example.com", "https://api.example.com");
    let none = "preflight: {dry_run_days: 0, min_trades: 0}\n";
    folder.write("config.yaml", format!("{fine}{none}{CONFIG}"));
    let (code, report) = with_keys("preflight");
    assert_eq!(code, Some(0), "{report}");
    let (_, text) = check(&report, "keys");
    assert!(text.contains("environment variable KEY_OF_TEST"), "{text}");

    // A configuration of a dry run can be asked as well.
    folder.write("config.yaml", CONFIG);
    assert_eq!(standing(&folder.bad("preflight --live"), "keys"), "fail");
}

#[test]
fn a_configuration_that_is_wrong_is_the_end_of_it() {
    let folder = Folder::new();
    folder.write("config.yaml", "trading: {levrage: 2}\n");
    let report = folder.bad("preflight");
    assert_eq!(report["passed"], false);
    let (standing, text) = check(&report, "config");
    assert!(standing == "fail" && text.contains("did you mean leverage?"), "{text}");
    assert!(folder.refused("preflight --config none.yaml").contains("none.yaml"));
    folder
        .write("config.yaml", "trading: {configurations: [{strategy: ema_crss}]}\nsymbols: [A/B]");
    let report = folder.bad("preflight");
    assert!(check(&report, "plan").1.contains("ema_crss"), "{report}");
}

#[test]
fn the_doctor_looks_at_everything_and_makes_nothing() {
    let folder = Folder::new();
    let report = folder.json("doctor");
    for (name, expected) in [
        ("version", "pass"),
        ("data directory", "pass"),
        ("processor", "pass"),
        ("clock", "pass"),
        ("SQLite", "pass"),
        ("database", "skipped"),
        ("candles", "skipped"),
        ("lock", "pass"),
        ("configuration", "skipped"),
        ("terminal", "skipped"),
    ] {
        assert_eq!(standing(&report, name), expected, "{name}: {report}");
    }
    assert!(check(&report, "clock").1.contains("not measured"));
    assert!(!folder.data().exists(), "looking made something");
    assert!(folder.good("doctor").contains("0 failed"));
}

#[test]
fn the_doctor_finds_what_is_damaged() {
    let folder = Folder::new();
    folder.candles("c.csv", 500);
    folder.good("import --exchange binance --symbol BTC/USDT --timeframe 5m c.csv");
    folder.good("db migrate");
    folder.write("config.yaml", "trading: {levrage: 2}\n");
    let report = folder.bad("doctor");
    assert_eq!(standing(&report, "candles"), "pass");
    assert_eq!(standing(&report, "database"), "pass");
    assert!(check(&report, "configuration").1.contains("levrage"), "{report}");

    let market = folder.path("data/candles/binance/BTC-USDT/5m");
    let file = fs::read_dir(&market).unwrap().map(|entry| entry.unwrap().path());
    let file = file.into_iter().find(|path| path.extension().is_some_and(|e| e == "parquet"));
    let file = file.unwrap();
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    fs::write(&file, bytes).unwrap();
    folder.write("data/tradepulse.db", "not a database");
    folder.write("config.yaml", CONFIG);
    let report = folder.bad("doctor");
    assert_eq!(report["passed"], json!(false));
    for name in ["candles", "database"] {
        assert_eq!(standing(&report, name), "fail", "{name}: {report}");
    }
    assert_eq!(standing(&report, "configuration"), "pass");
}
