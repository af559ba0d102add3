//! Training as its users meet it: what is stored, resumed, explained and activated.

#![allow(clippy::unwrap_used)]

mod program;

use std::fs;
use std::process::{Command, Output};

use serde_json::Value;

struct Folder(program::Folder);

impl Folder {
    /// With a file of synthetic candles, `c.csv`.
    fn new() -> Self {
        let folder = program::Folder::new();
        folder.synthetic("c.csv", 12_000, 4);
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

    fn good(&self, data: &str, arguments: &str) -> String {
        program::success(arguments, self.run(data, arguments))
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
            c["trials"],
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
fn every_trial_counts() {
    let folder = Folder::new();
    let training = folder.json("data", TRAIN);
    // The search on all candles, and those of six windows.
    let all = 24 * (1 + 6);
    for study in training["studies"].as_array().unwrap() {
        assert_eq!(study["configuration"]["trials"], all);
        let id = study["id"].as_str().unwrap();
        let shown = folder.json("data", &format!("studies show {id} --json"));
        let windows = serde_json::json!({ "searched": 6, "trials": 24 * 6 });
        assert_eq!(shown["windows"], windows);
    }
    let again = folder.json("data", TRAIN);
    assert_eq!(essence(&training), essence(&again), "the same trials count once");
    let more = folder.json("data", &format!("{TRAIN} --seed 7"));
    for study in more["studies"].as_array().unwrap() {
        assert_eq!(study["configuration"]["trials"], 2 * all, "another search of the same data");
    }
}

#[test]
fn regimes_are_held_against_the_trials_of_all() {
    let folder = Folder::new();
    let regimes = format!("{TRAIN} --regimes bear,any,sideways");
    let one = folder.json("one", &format!("{regimes} --jobs 1"));
    let two = folder.json("two", &format!("{regimes} --jobs 2"));
    assert_eq!(essence(&one), essence(&two));
    let studies = one["studies"].as_array().unwrap();
    for name in ["volume_breakout", "ema_cross"] {
        let own = studies.iter().filter(|s| s["strategy"] == name);
        let counts = own.map(|s| &s["configuration"]["trials"]);
        let counts: Vec<&Value> = counts.filter(|c| !c.is_null()).collect();
        assert!(counts.len() > 1 && counts.iter().all(|c| c == &counts[0]), "{name}: {counts:?}");
    }
}

#[test]
fn a_killed_training_goes_on_where_it_was() {
    let folder = Folder::new();
    // Long enough to be killed in any of its parts.
    let regimes = format!("{TRAIN} --regimes any,bear").replace("--trials 24", "--trials 200");
    let whole = folder.json("whole", &regimes);
    for jobs in [1, 2] {
        let data = format!("killed-{jobs}");
        let command = format!("{regimes} --jobs {jobs}");
        let (mut delay, mut killed, mut in_a_window) = (20, 0, false);
        loop {
            let mut child = folder
                .command(&data, &command)
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .spawn()
                .unwrap();
            std::thread::sleep(std::time::Duration::from_millis(delay));
            if child.try_wait().unwrap().is_some() {
                break;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            killed += 1;
            in_a_window |= is_in_a_window(&folder, &data);
            delay += 15 + delay / 8;
        }
        assert!(killed > 0, "training was over before it could be killed");
        assert!(in_a_window, "it was killed {killed} times, never within a walk-forward");
        let resumed = folder.json(&data, &command);
        assert_eq!(essence(&whole), essence(&resumed), "with {jobs} threads");
    }
}

/// Whether a study was left with some of its windows searched, and not all.
fn is_in_a_window(folder: &Folder, data: &str) -> bool {
    let studies = folder.json(data, "studies ls --json");
    studies.as_array().unwrap().iter().any(|study| {
        let id = study["id"].as_str().unwrap();
        let shown = folder.json(data, &format!("studies show {id} --json"));
        (1..6).contains(&shown["windows"]["searched"].as_u64().unwrap())
    })
}

#[test]
fn what_is_not_there_is_said_and_the_rest_is_trained() {
    let folder = Folder::new();
    folder.good("data", "import --exchange here --symbol A/B --timeframe 15m c.csv");
    let arguments = "train --strategies ema_cross --optimizer random --trials 8 --min-trades 3 \
                     --train-days 30 --gap-days 2 --test-days 15 --symbols A/B,C/D \
                     --exchanges here,there --timeframes 5m,15m,1h --json";
    let out = folder.run("data", arguments);
    let said = String::from_utf8_lossy(&out.stderr);
    for expected in [
        "no stored candles of there fit",
        "no stored candles of C/D fit",
        "here A/B 5m is not stored, and no shorter timeframe that divides it",
        "here A/B 1h is not stored: made of 15m candles",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let trained: Value = serde_json::from_slice(&out.stdout).unwrap();
    let studies = trained["studies"].as_array().unwrap();
    let timeframes: Vec<&str> = studies.iter().map(|s| s["timeframe"].as_str().unwrap()).collect();
    assert_eq!(timeframes, ["15m", "1h"]);
    assert!(studies.iter().all(|s| s["configuration"]["id"].is_string()), "{studies:?}");
    // One cell without a feasible trial does not stop the others.
    let hard = format!("{arguments} --min-trades 150").replace("--min-trades 3 ", "");
    let out = folder.run("data", &hard);
    let trained: Value = serde_json::from_slice(&out.stdout).unwrap();
    let reason = trained["studies"][1]["skipped"].as_str().unwrap();
    assert!(reason.contains("none of 8 trials was feasible"), "{reason}");
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
    assert!(fs::read_to_string(folder.0.path("all.json")).unwrap().contains(&id));
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

#[test]
fn a_study_keeps_the_models_that_advised_it() {
    let folder = Folder::new();
    let learn = "model train --data c.csv --symbol BTC/USDT --timeframe 15m --rounds 10 \
                 --threshold 0.002 --to 2024-02-01 --out near.txt";
    folder.good("data", learn);
    let plain =
        TRAIN.replace("volume_breakout,ema_cross", "ema_cross").replace("--min-trades 3", "");
    let plain = format!("{plain} --min-trades 1");
    let advised = plain.replace("ema_cross", "ema_cross,models");
    let command = format!("{advised} --model near.txt --threshold 0.34 --expected-value -1");
    let one = folder.json("data", &format!("{command} --jobs 1"));
    let two = folder.json("other", &format!("{command} --jobs 2"));
    assert_eq!(essence(&one), essence(&two));
    let without = folder.json("data", &plain);
    let studies = one["studies"].as_array().unwrap();
    assert_ne!(studies[0]["id"], without["studies"][0]["id"], "another study");
    assert_ne!(studies[0]["best"], without["studies"][0]["best"], "with other trades");

    // The study needs nothing but what is kept in the data directory.
    fs::rename(folder.0.path("near.txt"), folder.0.path("gone.txt")).unwrap();
    for study in studies {
        let id = study["id"].as_str().unwrap();
        let resumed = folder.json("data", &format!("train --resume {id} --data c.csv --json"));
        assert_eq!(essence(&resumed)[0][0], study["best"]);
        folder.good("data", &format!("overfitting {id} --data c.csv"));
        folder.good("data", &format!("studies report {id} --data c.csv --out r.html"));
        let report = fs::read_to_string(folder.0.path("r.html")).unwrap();
        assert!(report.contains("needed the word of models: near version 1"));
    }
    let configuration = studies[0]["configuration"]["id"].as_str().unwrap();
    let said = folder.good("data", &format!("configurations explain {configuration}"));
    assert!(said.contains("near 1 (") && said.contains("only where models are asked"), "{said}");

    // Its evidence is no evidence where nobody is asked.
    folder.good("data", &format!("configurations activate {configuration}"));
    let settings = "exchange: {name: file}\nsymbols: [BTC/USDT]\n";
    folder.0.write("config.yaml", settings);
    let trade = "trade --config config.yaml --replay --data c.csv";
    let out = folder.run("data", trade);
    let why = String::from_utf8_lossy(&out.stderr);
    assert!(
        out.status.code() == Some(2) && why.contains("name them under model_endpoints"),
        "{why}"
    );

    // A model that is no more, or another one, is said.
    let id = studies[1]["id"].as_str().unwrap();
    let kept = fs::read_dir(folder.0.path("data/models")).unwrap().next().unwrap().unwrap().path();
    let manifest = kept.join("near.manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("\"version\": 1", "\"version\": 2")).unwrap();
    let out = folder.run("data", &format!("train --resume {id} --data c.csv"));
    let why = String::from_utf8_lossy(&out.stderr);
    assert!(
        out.status.code() == Some(2) && why.contains("is not the model that advised it"),
        "{why}"
    );
    fs::remove_dir_all(kept).unwrap();
    let out = folder.run("data", &format!("overfitting {id} --data c.csv"));
    let why = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.code() == Some(2) && why.contains("is not there as it was"), "{why}");
    let out = folder.run("data", &plain.replace("ema_cross", "models"));
    let why = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.code() == Some(2) && why.contains("name at least one model"), "{why}");
}
