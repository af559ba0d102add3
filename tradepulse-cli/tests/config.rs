//! `tradepulse config`, as its users meet it.

#![allow(clippy::unwrap_used)]

mod program;

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

fn run(folder: &Path, arguments: &str, variables: &[(&str, &str)]) -> Output {
    program::command(folder, arguments).envs(variables.iter().copied()).output().unwrap()
}

fn stdout(out: &Output) -> String {
    String::from_utf8(out.stdout.clone()).unwrap()
}

#[test]
fn the_example_passes_the_check() {
    let folder = tempfile::tempdir().unwrap();
    let example = run(folder.path(), "config example", &[]);
    assert!(example.status.success());
    fs::write(folder.path().join("c.yaml"), &example.stdout).unwrap();
    let check = run(folder.path(), "config check --config c.yaml", &[]);
    assert_eq!(check.status.code(), Some(0));
    assert_eq!(stdout(&check), "c.yaml: valid; mode dry run\n");
}

#[test]
fn check_says_everything_that_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let text =
        "trading:\n  levrage: 2\n  configurations:\n    - strategy: ema_crss\n      symbol: A/B\n";
    fs::write(folder.path().join("config.yaml"), text).unwrap();
    let check = run(folder.path(), "config check", &[("TRADEPULSE__MODE__DRY_RUN", "maybe")]);
    assert_eq!(check.status.code(), Some(1));
    let shown = stdout(&check);
    assert!(shown.contains("config.yaml: line 2, column 3: trading.levrage: there is no such key"));
    assert!(shown.contains("environment TRADEPULSE__MODE__DRY_RUN: mode.dry_run"), "{shown}");
    assert!(shown.ends_with("2 problems\n"), "{shown}");

    // What strategies know comes once the file makes sense.
    let text = text.replace("levrage", "leverage")
        + "    - {strategy: ema_cross, symbol: A/B, parameters: {fast: 5, slwo: 9, slow: -1}}\n";
    fs::write(folder.path().join("config.yaml"), text).unwrap();
    let check = run(folder.path(), "config check --json", &[]);
    assert_eq!(check.status.code(), Some(1));
    let json: Value = serde_json::from_slice(&check.stdout).unwrap();
    assert_eq!(json["valid"], false);
    let problems = json["problems"].as_array().unwrap();
    let of = |path: &str| problems.iter().find(|problem| problem["path"] == path).unwrap();
    let strategy = of("trading.configurations[0].strategy");
    assert_eq!(strategy["origin"]["line"], 4);
    assert!(strategy["message"].as_str().unwrap().contains("ema_cross"), "{strategy}");
    assert_eq!(of("trading.configurations[1].parameters.slwo")["origin"]["line"], 6);
    assert!(of("trading.configurations[1].parameters.slow").to_string().contains("domain"));
    assert_eq!(problems.len(), 3);
}

#[test]
fn a_file_that_is_not_there_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in
        ["config check", "config check --config x.yaml", "config explain --config x.yaml"]
    {
        let out = run(folder.path(), arguments, &[]);
        assert_eq!(out.status.code(), Some(2), "{arguments}");
        assert!(out.stdout.is_empty());
        assert!(String::from_utf8(out.stderr).unwrap().contains(".yaml"), "{arguments}");
    }
}

#[test]
fn explain_tells_values_and_where_they_come_from() {
    let folder = tempfile::tempdir().unwrap();
    let table = stdout(&run(folder.path(), "config explain", &[]));
    assert!(table.contains("safety.max_daily_trades") && table.contains("No file"), "{table}");

    fs::write(folder.path().join("config.yaml"), "safety: {max_daily_trades: 3}\n").unwrap();
    let variables = [("TRADEPULSE__SAFETY__MAX_LEVERAGE", "2")];
    let out = run(folder.path(), "config explain safety --json", &variables);
    let rows: Vec<Value> = serde_json::from_slice(&out.stdout).unwrap();
    assert!(rows.iter().all(|row| row["path"].as_str().unwrap().starts_with("safety.")));
    let row = |path: &str| rows.iter().find(|row| row["path"] == path).unwrap();
    assert_eq!(row("safety.max_daily_trades")["value"], "3");
    assert_eq!(row("safety.max_daily_trades")["default"], "20");
    assert_eq!(row("safety.max_daily_trades")["origin"]["from"], "file");
    assert_eq!(row("safety.max_leverage")["origin"]["variable"], variables[0].0);
    assert_eq!(row("safety.max_spread")["origin"]["from"], "default");

    let out = run(folder.path(), "config explain safety.max_levrage", &[]);
    assert_eq!(out.status.code(), Some(2));
    let error = String::from_utf8(out.stderr).unwrap();
    assert!(error.contains("did you mean safety.max_leverage?"), "{error}");
}
