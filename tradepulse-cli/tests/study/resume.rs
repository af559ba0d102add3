use crate::folder::{Folder, TRAIN};

/// What of a training must not depend on how it was run.
pub(crate) fn essence(training: &serde_json::Value) -> serde_json::Value {
    let study = &training["studies"][0];
    let c = &study["configuration"];
    serde_json::json!([study["best"], c["id"], c["status"], c["net_profit"], c["p_value"]])
}

#[test]
fn a_killed_study_goes_on_by_its_id_alone() {
    let folder = Folder::new();
    let slow = TRAIN.replace("--trials 24", "--trials 400");
    let mut child = folder.command(&slow).stdout(std::process::Stdio::null()).spawn().unwrap();
    // Until something is stored.
    let id = loop {
        std::thread::sleep(std::time::Duration::from_millis(30));
        let studies = folder.run("studies ls --json");
        let studies: serde_json::Value = serde_json::from_slice(&studies.stdout).unwrap();
        if let Some(id) = studies[0]["id"].as_str() {
            break id.to_owned();
        }
    };
    child.kill().unwrap();
    child.wait().unwrap();
    let resume = format!("train --resume {} --data c.csv --json", &id[..8]);
    let resumed = folder.json(&resume);
    assert_eq!(resumed["studies"][0]["id"], id.as_str());
    assert_eq!(resumed["studies"][0]["trials"], 400);
    let whole = folder.json(&format!("--data-dir whole {slow}"));
    assert_eq!(essence(&whole), essence(&resumed));
}

#[test]
fn candles_come_from_the_store_and_later_ones_are_left_out() {
    let folder = Folder::new();
    folder.good("import --exchange binance --symbol BTC/USDT --timeframe 15m c.csv");
    let train = "train --strategies volume_breakout --exchanges binance --symbols BTC/USDT \
                 --timeframes 15m --optimizer random --trials 16 --train-days 30 --gap-days 2 \
                 --test-days 15 --min-trades 3 --json";
    let first = folder.json(&format!("{train} --to 2024-04-20"));
    let id = first["studies"][0]["id"].as_str().unwrap();
    // The store goes on to the beginning of May; the study does not.
    let again = folder.json(&format!("train --resume {id} --json"));
    assert_eq!(essence(&first), essence(&again));
}

#[test]
fn candles_that_were_made_of_shorter_ones_are_made_again() {
    let folder = Folder::new();
    folder.good("import --exchange binance --symbol BTC/USDT --timeframe 15m c.csv");
    let first = folder.json(
        "train --strategies ema_cross --timeframes 1h --optimizer random --trials 16 \
         --train-days 30 --gap-days 2 --test-days 15 --min-trades 3 --json",
    );
    let id = first["studies"][0]["id"].as_str().unwrap();
    let again = folder.json(&format!("train --resume {id} --json"));
    assert_eq!(essence(&first), essence(&again));
    folder.good(&format!("overfitting {id}"));
}

#[test]
fn other_candles_and_flags_of_its_own_are_refused() {
    let folder = Folder::new();
    let id = folder.trained();
    let study = folder.json(&format!("studies show {id} --json"));
    let own = study["study"]["data_fingerprint"].as_str().unwrap().to_owned();
    let error = folder.refused(&format!("train --resume {id} --data other.csv"));
    assert!(error.contains(&own) && error.contains("other.csv"), "{error}");
    let found = error.rsplit(" is ").next().unwrap().trim();
    assert!(found.len() == own.len() && found != own, "both fingerprints: {error}");
    let error = folder.refused(&format!("train --resume {id}"));
    assert!(error.contains("--data") && error.contains("no candles"), "{error}");
    for flag in [
        "--trials 30",
        "--strategies ema_cross",
        "--fee 0",
        "--estimate",
        "--seed 1",
        "--fix max_range=2",
        "--range max_range=2..3",
        "--only max_range",
        "--prune",
        "--max-trials 5",
        "--objective sharpe",
    ] {
        let error = folder.refused(&format!("train --resume {id} --data c.csv {flag}"));
        assert!(error.contains("cannot be used with"), "{flag}: {error}");
    }
    assert!(folder.refused("train --resume 123xyz --data c.csv").contains("begins with"));
    folder.good(&format!("train --resume {id} --data c.csv --jobs 1"));
}
