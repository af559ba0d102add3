//! What is searched, for what, and what is refused before any work.

#![allow(clippy::unwrap_used)]

mod program;

use std::collections::BTreeSet;
use std::process::{Command, Output};

use serde_json::Value;

struct Folder(program::Folder);

impl Folder {
    /// With a file of synthetic candles, `c.csv`.
    fn new() -> Self {
        let folder = program::Folder::new();
        folder.synthetic("c.csv", 9_000, 4);
        Self(folder)
    }

    fn command(&self, data: &str, arguments: &str) -> Command {
        let mut command = self.0.command(arguments);
        command.env("TRADEPULSE_DATA_DIR", self.0.path(data));
        command
    }

    fn run(&self, data: &str, arguments: &str) -> Output {
        self.command(data, arguments).output().unwrap()
    }

    fn train(&self, data: &str, arguments: &str) -> Output {
        let mut arguments = format!(
            "train --data c.csv --symbol BTC/USDT --timeframe 15m --train-days 30 --gap-days 2 \
             {arguments}"
        );
        for (option, value) in [("--test-days", "15"), ("--min-trades", "3")] {
            if !arguments.contains(option) {
                arguments = format!("{arguments} {option} {value}");
            }
        }
        self.run(data, &arguments)
    }

    /// What a training that goes well prints as JSON, and what it says beside.
    fn trained(&self, data: &str, arguments: &str) -> (Value, String) {
        let out = self.train(data, &format!("{arguments} --json"));
        let said = String::from_utf8(out.stderr).unwrap();
        assert!(out.status.success(), "{arguments}: {said}");
        (serde_json::from_slice(&out.stdout).unwrap(), said)
    }

    /// A study as it is stored, with its trials.
    fn study(&self, data: &str, strategy: &str) -> Value {
        let json = |out: Output| serde_json::from_slice::<Value>(&out.stdout).unwrap();
        let all = json(self.run(data, "studies ls --json"));
        let found = all.as_array().unwrap().iter().find(|s| s["strategy"] == strategy).unwrap();
        json(self.run(data, &format!("studies show {} --json", found["id"].as_str().unwrap())))
    }

    /// Its parameters of this name, over all trials.
    fn tried(&self, data: &str, strategy: &str, name: &str) -> BTreeSet<String> {
        let study = self.study(data, strategy);
        let trials = study["trials"].as_array().unwrap();
        trials.iter().map(|t| t["parameters"][name].to_string()).collect()
    }
}

fn texts(values: &[&str]) -> BTreeSet<String> {
    values.iter().map(|v| (*v).to_owned()).collect()
}

#[test]
fn less_is_searched_of_each_strategy() {
    let folder = Folder::new();
    folder.trained(
        "a",
        "--strategies ema_cross,volume_breakout --optimizer random --trials 24 \
         --range ema_cross.fast=10..30:10 --range slow=40..60:20 --fix allow_short=true \
         --fix volume_breakout.max_range=4.5",
    );
    assert_eq!(folder.tried("a", "ema_cross", "fast"), texts(&["10", "20", "30"]));
    assert_eq!(folder.tried("a", "ema_cross", "slow"), texts(&["40", "60"]));
    assert_eq!(folder.tried("a", "ema_cross", "allow_short"), texts(&["true"]));
    assert_eq!(folder.tried("a", "volume_breakout", "allow_short"), texts(&["true"]));
    assert_eq!(folder.tried("a", "volume_breakout", "max_range"), texts(&["4.5"]));
    assert!(folder.tried("a", "volume_breakout", "atr_period").len() > 5, "left as it was");
    let space = folder.study("a", "ema_cross")["study"]["space"].clone();
    assert_eq!((&space[0]["name"], &space[0]["search"]), (&"fast".into(), &"10..30:10".into()));

    folder.trained(
        "b",
        "--strategies ema_cross --optimizer random --trials 12 --only fast,stop_pct \
         --range stop_pct=1..2",
    );
    assert_eq!(folder.tried("b", "ema_cross", "slow"), texts(&["50"]));
    assert_eq!(folder.tried("b", "ema_cross", "stop_pct"), texts(&["1.0", "1.5", "2.0"]));
    assert!(folder.tried("b", "ema_cross", "fast").len() > 5);
}

#[test]
fn a_grid_says_its_size_and_others_go_on_without_a_large_one() {
    let folder = Folder::new();
    let (training, said) = folder.trained(
        "a",
        "--strategies ema_cross,volume_breakout --optimizer grid --range fast=10..30:10 \
         --range slow=40..60:20 --fix stop_pct=2 --fix target_pct=5 --fix ema_cross.allow_short=false",
    );
    assert!(said.contains("has 6 points: 30 trials"), "{said}");
    let studies = training["studies"].as_array().unwrap();
    assert_eq!((&studies[0]["strategy"], &studies[0]["trials"]), (&"ema_cross".into(), &6.into()));
    let skipped = studies[1]["skipped"].as_str().unwrap();
    assert!(skipped.contains("more than --max-trials 10000"), "{skipped}");
    assert!(said.contains(skipped), "said before work starts: {said}");
}

#[test]
fn pruned_trials_are_recorded_and_the_same_on_two_threads() {
    let folder = Folder::new();
    let arguments = "--strategies ema_cross --optimizer random --trials 40 --min-trades 12 --prune";
    folder.trained("one", &format!("{arguments} --jobs 1"));
    folder.trained("two", &format!("{arguments} --jobs 2"));
    let (one, two) = (folder.study("one", "ema_cross"), folder.study("two", "ema_cross"));
    assert_eq!(one["trials"], two["trials"]);
    let trials = one["trials"].as_array().unwrap();
    let pruned: Vec<&Value> = trials.iter().filter(|t| t["pruned"] == true).collect();
    assert!(!pruned.is_empty() && pruned.len() < 40);
    for trial in pruned {
        let reason = trial["outcome"]["infeasible"]["reason"].as_str().unwrap();
        assert!(reason.starts_with("pruned: "), "{reason}");
    }
    let id = one["study"]["id"].as_str().unwrap();
    let shown = folder.run("one", &format!("studies show {id}"));
    assert!(String::from_utf8(shown.stdout).unwrap().contains("of them pruned"));
}

#[test]
fn several_objectives_give_a_front() {
    let folder = Folder::new();
    let arguments = "--strategies ema_cross --trials 40 --objective sharpe,max_drawdown_pct";
    let (training, _) = folder.trained("a", arguments);
    let front = training["studies"][0]["front"].as_array().unwrap();
    let figures = |t: &Value| {
        let figure = |name: &str| t["objectives"][name].as_f64().unwrap();
        (figure("sharpe"), figure("max_drawdown_pct"))
    };
    assert!(!front.is_empty() && front.iter().all(|t| figures(t).1 >= 0.0));
    // Who has less Sharpe must have less drawdown.
    for pair in front.windows(2) {
        let (better, worse) = (figures(&pair[0]), figures(&pair[1]));
        assert!(better.0 >= worse.0 && better.1 >= worse.1, "{better:?} {worse:?}");
    }
    let study = folder.study("a", "ema_cross");
    assert_eq!(study["study"]["objective"], "sharpe,max_drawdown_pct");
    let stored: BTreeSet<u64> =
        study["front"].as_array().unwrap().iter().filter_map(Value::as_u64).collect();
    assert_eq!(stored, front.iter().filter_map(|t| t["trial"].as_u64()).collect());
    let printed = folder.train("b", arguments);
    let printed = String::from_utf8(printed.stdout).unwrap();
    assert!(printed.contains(&format!("{} trade-offs", front.len())), "{printed}");
}

#[test]
fn what_cannot_be_searched_is_said_before_any_work() {
    let folder = Folder::new();
    for (arguments, expected) in [
        ("--strategies ema_cross --fix fsat=3", "of ema_cross; did you mean \"fast\"?"),
        ("--fix max_holdng=3", "of any strategy trained; did you mean \"max_holding\"?"),
        (
            "--strategies ema_cross --fix ema_crss.fast=3",
            "not trained; did you mean \"ema_cross\"?",
        ),
        ("--strategies ema_cross --fix fast", "expected NAME=VALUE"),
        ("--strategies ema_cross --fix fast=1000", "\"1000\" is not a value of 2 … 100"),
        ("--strategies ema_cross --fix fast=3..5", "\"3..5\" is not a value"),
        ("--strategies ema_cross --range fast=3..500", "is no part of 2 … 100"),
        ("--strategies ema_cross --range fast=5..3", "fast has no value to search"),
        ("--strategies ema_cross --range fast=3..5:0", "its step must be above 0"),
        ("--strategies ema_cross --fix fast=3 --range fast=3..5", "named by --fix and again by"),
        ("--strategies ema_cross --fix fast=3 --only fast", "named by --fix and again by --only"),
        ("--strategies ema_cross,htf_sweep --only fast", "--only names no variable of htf_sweep"),
        (
            "--strategies ema_cross --optimizer grid --only fast --max-trials 98",
            "the grid of ema_cross has 99 points, more than --max-trials 98",
        ),
        ("--objective sharp", "did you mean \"sharpe\"?"),
        ("--objective sharpe,sharpe", "names sharpe twice"),
        ("--objective sharpe,cagr,calmar,trades,win_rate", "up to 4 objectives"),
        ("--objective sharpe,cagr --optimizer bayesian", "looks at one objective only"),
    ] {
        let out = folder.train("none", arguments);
        let error = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(2), "{arguments}: {error}");
        assert!(error.contains(expected), "{arguments}: {error}");
        assert!(out.stdout.is_empty(), "{arguments}");
    }
    assert!(!folder.0.path("none").exists(), "nothing was stored");
    for (arguments, expected) in [
        ("--min-trades 100000", "100000 cannot be reached"),
        ("--min-trades 8000", "none of 8 trials was feasible"),
        ("--test-days 90", "too little data"),
    ] {
        let (training, said) = folder.trained(
            "some",
            &format!("--strategies ema_cross,volume_breakout --trials 8 {arguments}"),
        );
        for study in training["studies"].as_array().unwrap() {
            let reason = study["skipped"].as_str().unwrap();
            assert!(reason.contains(expected), "{arguments}: {reason}");
            assert!(said.contains(reason), "{arguments}: {said}");
        }
    }
}
