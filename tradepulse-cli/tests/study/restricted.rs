use std::fs;

use crate::folder::{Folder, TRAIN};
use crate::report::data;
use crate::resume::essence;

#[test]
fn a_restricted_study_is_opened_again_over_the_same_space() {
    let folder = Folder::new();
    let training = folder.json(&format!(
        "{TRAIN} --report out --objective max_drawdown_pct,sharpe --range atr_period=10..30:5 \
         --range volume_multiplier=1.5..2 --fix max_range=4.5 --only risk_reward"
    ));
    let id = training["studies"][0]["id"].as_str().unwrap();
    let first = fs::read_to_string(folder.path(training["reports"][0].as_str().unwrap())).unwrap();
    folder.good(&format!("studies report {id} --data c.csv --out again.html"));
    assert_eq!(first, fs::read_to_string(folder.path("again.html")).unwrap());
    let data = data(&first);
    assert_eq!(data["objective"], "\u{2212}max_drawdown_pct", "the first, made small");
    let varied = data["variables"].as_array().unwrap();
    assert_eq!(varied[0]["name"], "atr_period");
    for value in varied[0]["values"].as_array().unwrap() {
        assert!([10.0, 15.0, 20.0, 25.0, 30.0].contains(&value.as_f64().unwrap()), "{value}");
    }
    let resumed = folder.json(&format!("train --resume {id} --data c.csv --json"));
    assert_eq!(essence(&training), essence(&resumed));
    assert_eq!(training["studies"][0]["front"], resumed["studies"][0]["front"]);
    let questioned = folder.json(&format!("overfitting {id} --data c.csv --json"));
    assert_eq!(
        questioned["deflated_sharpe"],
        training["studies"][0]["configuration"]["deflated_sharpe"]
    );
}

#[test]
fn pruned_trials_are_marked_and_the_study_goes_on_as_it_was() {
    let folder = Folder::new();
    let pruning = TRAIN.replace("--min-trades 3", "--min-trades 12 --prune");
    let training = folder.json(&format!("{pruning} --report out"));
    let id = training["studies"][0]["id"].as_str().unwrap();
    let file = training["reports"][0].as_str().unwrap();
    let html = fs::read_to_string(folder.path(file)).unwrap();
    let trials = data(&html)["trials"].as_array().unwrap().clone();
    let pruned = trials.iter().filter(|t| t[1] == 2).count();
    assert!(pruned > 0 && pruned < trials.len(), "{pruned}");
    assert!(html.contains(&format!("{pruned} given up early")));
    let study = folder.json(&format!("studies show {id} --json"));
    for trial in study["trials"].as_array().unwrap() {
        let whole = trial["pruned"] == false;
        assert!(whole || trial["sharpe"].is_null(), "a third is not compared with the whole");
    }
    let resumed = folder.json(&format!("train --resume {id} --data c.csv --json"));
    assert_eq!(essence(&training), essence(&resumed));
}
