use crate::folder::{Folder, TRAIN};

#[test]
fn a_study_is_questioned_in_figures_and_words() {
    let folder = Folder::new();
    let training = folder.json(TRAIN);
    let study = &training["studies"][0];
    let id = study["id"].as_str().unwrap();
    let configuration = &study["configuration"];
    let found = folder.json(&format!("overfitting {} --data c.csv --json", &id[..8]));
    // The same figures as training stored.
    assert_eq!(found["deflated_sharpe"], configuration["deflated_sharpe"]);
    assert_eq!(found["cscv"]["probability"], configuration["probability_of_overfitting"]);
    // On all candles, and in six windows.
    assert_eq!(found["ledger"]["trials"], 24 * (1 + 6));
    let share = |name: &str| found[name].as_f64().unwrap();
    assert!(share("deflated_sharpe") <= share("probabilistic_sharpe"));
    assert!(found["walk_forward"].is_array());
    let said = folder.good(&format!("overfitting {id} --data c.csv"));
    assert!(said.contains("trials in the ledger") && said.contains("splits"), "{said}");

    // More trials on the market count against it.
    folder.good(&TRAIN.replace("--trials 24", "--trials 24 --seed 7"));
    let more = folder.json(&format!("overfitting {id} --data c.csv --json"));
    assert_eq!(more["ledger"]["trials"], 2 * 24 * (1 + 6));
    assert_eq!(more["probabilistic_sharpe"], found["probabilistic_sharpe"]);
}

#[test]
fn without_study_or_candles_it_says_what_is_missing() {
    let folder = Folder::new();
    let id = folder.trained();
    assert!(folder.refused("overfitting zzz").contains("begins with"));
    assert!(folder.refused(&format!("overfitting {id}")).contains("--data"));
    let error = folder.refused(&format!("overfitting {id} --data other.csv"));
    assert!(error.contains("other candles"), "{error}");
}
