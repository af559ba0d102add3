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

    // On all candles, those it learnt from too, it does better than on the ones it never saw.
    let evaluate = ["model", "evaluate", file, "--data-dir", data];
    let judged = run(&[&evaluate[..], &market, &["--json"]].concat());
    let judged: serde_json::Value = serde_json::from_slice(&judged.stdout).unwrap();
    let evaluation = &judged["evaluation"];
    assert!(evaluation["scores"]["rows"].as_u64().unwrap() > 3_500, "{judged}");
    assert!(evaluation["scores"]["edge"].as_f64().unwrap() > 0.0, "{judged}");
    let told = run(&[&evaluate[..], &market].concat());
    let note = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(note.contains("--from leaves out what is not new to it"), "{note}");
    assert!(evaluation["auc"][0].as_f64().unwrap() > 0.5, "{judged}");
    let text = run(&[&evaluate[..], &market].concat());
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains("Brier") && text.contains("mean said"), "{text}");

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

#[test]
fn a_bare_file_gets_a_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trees.txt");
    let fixture = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tradepulse-exec/tests/lightgbm/models/multiclass.txt"
    );
    std::fs::copy(fixture, &file).unwrap();
    let file = file.to_str().unwrap();
    assert_eq!(run(&["model", "inspect", file]).status.code(), Some(2));
    let convert = ["model", "convert", file, "--features", "raw", "--output"];
    let wrong = run(&[&convert[..], &["binary"]].concat());
    let why = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(wrong.status.code() == Some(2) && why.contains("3 outputs"), "{why}");
    let learnt = ["probs3", "--learnt-to", "2024-05-01"];
    assert!(run(&[&convert[..], &learnt].concat()).status.success());
    let told = run(&["model", "inspect", file]);
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.contains("learnt from candles up to 2024-05-01T00:00:00Z"), "{told}");
    let seen = run(&["model", "inspect", file, "--json"]);
    let manifest: serde_json::Value = serde_json::from_slice(&seen.stdout).unwrap();
    let input = manifest["golden_sample"]["input"].as_array().unwrap();
    assert_eq!((input.len(), input[1].as_f64()), (6, Some(-0.2)));
    // What is there is not replaced unasked.
    assert_eq!(run(&[&convert[..], &["probs3"]].concat()).status.code(), Some(2));
    let again = ["probs3", "--replace", "--sample", "-1,2,3"];
    let why = String::from_utf8_lossy(&run(&[&convert[..], &again].concat()).stderr).into_owned();
    assert!(why.contains("--sample has 3 numbers"), "{why}");
}
