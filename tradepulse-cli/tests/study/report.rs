use std::fs;

use serde_json::Value;

use crate::folder::{Folder, TRAIN};

const SECTIONS: [&str; 9] = [
    "evidence",
    "walk-forward",
    "monte-carlo",
    "history",
    "importance",
    "parallel",
    "slices",
    "neighbourhood",
    "data",
];

/// The embedded data of a page.
pub(crate) fn data(html: &str) -> Value {
    let (_, after) = html.split_once("id=\"report-data\">").unwrap();
    serde_json::from_str(after.split_once("</script>").unwrap().0).unwrap()
}

#[test]
fn training_writes_reports_and_an_index() {
    let folder = Folder::new();
    let both = TRAIN.replace("volume_breakout", "volume_breakout,ema_cross");
    let training = folder.json(&format!("{both} --report out"));
    let files = training["reports"].as_array().unwrap();
    assert_eq!(files.len(), 3);
    let index = fs::read_to_string(folder.path("out/index.html")).unwrap();
    for file in &files[1..] {
        let file = file.as_str().unwrap();
        assert!(index.contains(&format!("href=\"{}\"", file.trim_start_matches("out/"))));
        let html = fs::read_to_string(folder.path(file)).unwrap();
        for section in SECTIONS {
            assert!(html.contains(&format!("<section id=\"{section}\"")), "{file}: {section}");
        }
        let data = data(&html);
        assert_eq!(data["trials"].as_array().unwrap().len(), 24);
        assert!(data["equity"]["points"].as_u64() > Some(100), "{file}");
        assert!(data["variables"].as_array().unwrap().len() > 1, "{file}");
    }
    // Of one study there is no index; a cell without a result is told in the index of several.
    let alone = folder.json(&format!("{TRAIN} --report alone"));
    assert_eq!(alone["reports"].as_array().unwrap().len(), 1);
    assert!(!folder.path("alone/index.html").exists());
    folder.json(&both.replace("--train-days 30", "--train-days 400 --report none"));
    let index = fs::read_to_string(folder.path("none/index.html")).unwrap();
    assert!(index.contains("Without a result") && index.contains("too little data"));
}

#[test]
fn a_stored_study_is_reported_as_it_was_when_trained() {
    let folder = Folder::new();
    let training = folder.json(&format!("{TRAIN} --report out"));
    let id = training["studies"][0]["id"].as_str().unwrap();
    let file = training["reports"][0].as_str().unwrap();
    let first = fs::read_to_string(folder.path(file)).unwrap();
    folder.good(&format!("studies report {} --data c.csv --out again.html", &id[..8]));
    assert_eq!(first, fs::read_to_string(folder.path("again.html")).unwrap());

    // Without candles: what is stored, and what is missing is said.
    let said = folder.good(&format!("studies report {id}"));
    let name = said.trim().trim_start_matches("Written: ");
    let without = fs::read_to_string(folder.path(name)).unwrap();
    assert!(without.contains("Name their file with --data"));
    assert!(without.contains("id=\"neighbourhood\"") && without.contains("class=\"said\""));
    assert!(!without.contains("id=\"monte-carlo\""));
    assert!(data(&without)["equity"].is_null());
}

#[test]
fn what_cannot_be_reported_is_refused() {
    let folder = Folder::new();
    let id = folder.trained();
    assert!(folder.refused("studies report zzz").contains("begins with"));
    let error = folder.refused(&format!("studies report {id} --data other.csv"));
    assert!(error.contains("other candles"), "{error}");
    let error = folder.refused(&format!("studies report {id} --out no/such/folder/x.html"));
    assert!(error.contains("cannot write"), "{error}");
    fs::write(folder.path("file"), "").unwrap();
    let error = folder.refused(&format!("{TRAIN} --report file"));
    assert!(error.contains("cannot make file"), "{error}");
}
