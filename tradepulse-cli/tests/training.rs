//! Training as its users meet it: what is stored, resumed, explained and activated.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::process::{Command, Output};

use serde_json::Value;

struct Folder(tempfile::TempDir);

impl Folder {
    /// With a file of synthetic candles, `c.csv`.
    fn new() -> Self {
        use tradepulse_core::{market::SyntheticMarket, random::Seed, time::Timeframe};
        let folder = Self(tempfile::tempdir().unwrap());
        let market =
            SyntheticMarket { candles: 12_000, ..SyntheticMarket::new(Seed(4), Timeframe::M15) };
        let series = market.generate().unwrap();
        tradepulse_exec::export::export(&series, &folder.0.path().join("c.csv")).unwrap();
        folder
    }

    fn run(&self, data: &str, arguments: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_tradepulse"))
            .args(arguments.split_whitespace())
            .current_dir(self.0.path())
            .env("TRADEPULSE_DATA_DIR", self.0.path().join(data))
            .output()
            .unwrap()
    }

    fn good(&self, data: &str, arguments: &str) -> String {
        let out = self.run(data, arguments);
        let error = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "{arguments}: {error}");
        String::from_utf8(out.stdout).unwrap()
    }

    fn json(&self, data: &str, arguments: &str) -> Value {
        serde_json::from_str(&self.good(data, arguments)).unwrap()
    }
}

const TRAIN: &str = "train --strategies volume_breakout,ema_cross --data c.csv --symbol BTC/USDT \
                     --timeframe 15m --optimizer random --trials 24 --train-days 30 --gap-days 2 \
                     --test-days 15 --min-trades 3 --json";

/// What of a training must not depend on how it was run.
fn essence(training: &Value) -> Vec<Value> {
    let studies = training["studies"].as_array().unwrap();
    let part = |s: &Value| {
        let c = &s["configuration"];
        serde_json::json!([
            s["best"],
            c["id"],
            c["status"],
            c["out_of_sample_sharpe"],
            c["deflated_sharpe"],
            c["probability_of_overfitting"],
            c["net_profit"],
            c["p_value"],
        ])
    };
    studies.iter().map(part).collect()
}

#[test]
fn one_thread_or_two_and_twice_the_same() {
    let folder = Folder::new();
    let one = folder.json("one", &format!("{TRAIN} --jobs 1"));
    let two = folder.json("two", &format!("{TRAIN} --jobs 2"));
    assert_eq!(essence(&one), essence(&two));
    let again = folder.json("one", TRAIN);
    assert_eq!(essence(&one), essence(&again), "the same command finds its study");
    let studies = folder.json("one", "studies ls --json");
    assert_eq!(studies.as_array().unwrap().len(), 2);
    let id = studies[0]["id"].as_str().unwrap();
    let study = folder.json("one", &format!("studies show {id} --json"));
    assert_eq!(study["trials"].as_array().unwrap().len(), 24);
}

#[test]
fn a_killed_training_goes_on_where_it_was() {
    let folder = Folder::new();
    let whole = folder.json("whole", TRAIN);
    let mut killed = 0;
    for delay in [20, 60, 120, 250] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tradepulse"))
            .args(TRAIN.split_whitespace())
            .current_dir(folder.0.path())
            .env("TRADEPULSE_DATA_DIR", folder.0.path().join("killed"))
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(delay));
        killed += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(killed > 0, "training was over before it could be killed");
    let resumed = folder.json("killed", TRAIN);
    assert_eq!(essence(&whole), essence(&resumed));
}

#[test]
fn configurations_are_explained_activated_and_moved() {
    let folder = Folder::new();
    let training = folder.json("data", TRAIN);
    let id = training["studies"][0]["configuration"]["id"].as_str().unwrap().to_owned();
    let short = &id[..10];
    let listed = folder.json("data", "configurations ls --json");
    assert_eq!(listed.as_array().unwrap().len(), 2);
    let explained = folder.json("data", &format!("configurations explain {short} --json"));
    assert!(explained["explanation"].as_array().unwrap().len() > 1, "{explained}");
    folder.good("data", &format!("configurations activate {short} --note because"));
    let active = folder.json("data", "configurations ls --active --json");
    assert_eq!(active[0]["id"], id.as_str());
    let refused = folder.run("data", &format!("configurations delete {short}"));
    assert_eq!(refused.status.code(), Some(2), "an active one is not deleted");
    folder.good("data", &format!("configurations deactivate {short}"));
    folder.good("data", "configurations export all.json");
    assert!(fs::read_to_string(folder.0.path().join("all.json")).unwrap().contains(&id));
    folder.good("other", "configurations import all.json");
    let moved = folder.json("other", "configurations ls --json");
    assert_eq!(moved.as_array().unwrap().len(), 2);
    folder.good("data", &format!("configurations delete {short}"));
    assert_eq!(folder.json("data", "configurations ls --json").as_array().unwrap().len(), 1);
}

#[test]
fn what_cannot_be_trained_is_said() {
    let folder = Folder::new();
    let estimate = folder.json("data", &format!("{TRAIN} --estimate"));
    assert_eq!(estimate["cells"], 2);
    assert_eq!(estimate["trials"], 2 * 24 * (1 + 6));
    let long = "train --strategies ema_cross --data c.csv --symbol A/B --timeframe 15m \
                --train-days 400 --json";
    let skipped = folder.json("data", long);
    let reason = skipped["studies"][0]["skipped"].as_str().unwrap();
    assert!(reason.contains("125.0 days") && reason.contains("467.0"), "{reason}");
    for (arguments, expected) in [
        ("train --strategies ema_crss --data c.csv --symbol A/B --timeframe 15m", "ema_cross"),
        ("train --data c.csv", "--symbol"),
        (
            "train --strategies ema_cross --data c.csv --symbol A/B --timeframe 15m --optimizer grid",
            "points, more than --max-trials 10000",
        ),
        ("train --strategies ema_cross --exchanges nowhere", "no stored candles"),
        ("configurations show 123", "begins with"),
        ("studies show 123", "begins with"),
    ] {
        let out = folder.run("data", arguments);
        assert_eq!(out.status.code(), Some(2), "{arguments}");
        let error = String::from_utf8_lossy(&out.stderr);
        assert!(error.contains(expected), "{arguments}: {error}");
    }
}
