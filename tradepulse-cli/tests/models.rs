//! Models from the command line.

#![allow(clippy::unwrap_used)]

use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tradepulse")).args(arguments).output().unwrap()
}

#[test]
fn a_model_is_trained_and_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let file = folder.path().join("btc.txt");
    let file = file.to_str().unwrap();
    let stored = ["data", "synthetic", "--symbol", "BTC/USDT", "--candles", "4000"];
    assert!(run(&[&stored[..], &["--data-dir", data]].concat()).status.success());
    let market = ["--exchange", "synthetic", "--symbol", "BTC/USDT", "--timeframe", "5m"];
    let train = ["model", "train", "--rounds", "8", "--out", file, "--data-dir", data];
    let told = run(&[&train[..], &market, &["--json"]].concat());
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    let report = &told["report"];
    assert_eq!(told["name"], "btc");
    assert!(report["test"]["rows"].as_u64().unwrap() > 700, "{report}");
    assert!(report["test"]["log_loss"].as_f64().unwrap() > 0.0);
    // The same seed and candles, the same model.
    let first = std::fs::read(file).unwrap();
    let text = run(&[&train[..], &market].concat());
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains("On rows it never saw") && text.contains("Written:"), "{text}");
    assert_eq!(std::fs::read(file).unwrap(), first);

    let seen = run(&["model", "inspect", file, "--json"]);
    let manifest: serde_json::Value = serde_json::from_slice(&seen.stdout).unwrap();
    assert_eq!((&manifest["horizon"], &manifest["features"]), (&12.into(), &"basic10".into()));
    // A model that is another one than its manifest says is refused.
    let mut other = first;
    other.push(b'\n');
    std::fs::write(file, other).unwrap();
    let refused = run(&["model", "inspect", file]);
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(2) && why.contains("manifest"), "{why}");
}

#[test]
fn a_model_is_published_and_rolled_back() {
    let folder = tempfile::tempdir().unwrap();
    let models = folder.path().join("models");
    let models = models.to_str().unwrap();
    let fixture = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tradepulse-exec/tests/lightgbm/models/multiclass.txt"
    );
    let empty = run(&["model-server", "--model", folder.path().to_str().unwrap()]);
    let why = String::from_utf8_lossy(&empty.stderr).into_owned();
    assert!(empty.status.code() == Some(2) && why.contains("model publish"), "{why}");
    let flags = ["--features", "raw", "--output", "probs3", "--name", "trees"];
    for version in 1..=2 {
        let told = run(&[&["model", "publish", fixture, models], &flags[..]].concat());
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        assert!(told.starts_with(&format!("trees is version {version} of ")), "{told}");
    }
    let told = run(&["model", "rollback", models]);
    assert_eq!(String::from_utf8_lossy(&told.stdout), "trees version 1 is served\n");
    assert_eq!(run(&["model", "rollback", models]).status.code(), Some(2));
    assert_eq!(run(&["model", "ls", models]).status.code(), Some(0));
    std::fs::write(format!("{models}/2/model.txt"), "tree").unwrap();
    let told = run(&["model", "ls", models, "--json"]);
    assert_eq!(told.status.code(), Some(1));
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!((&told[0]["version"], &told[1]["serving"]), (&2.into(), &true.into()));
    assert!(told[0]["error"].as_str().unwrap().contains("no model that can be used"), "{told}");
}
