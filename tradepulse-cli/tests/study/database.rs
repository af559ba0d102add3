use std::fs;

use crate::folder::Folder;

#[test]
fn status_makes_nothing_and_counts_what_is_there() {
    let folder = Folder::new();
    let status = folder.json("db status --json");
    assert!(status["schema_version"].is_null());
    assert!(!folder.path("data").exists());
    assert!(folder.good("db status").contains("no database yet"));
    assert!(folder.good("db migrate").contains("Made, at schema version"));
    assert!(folder.good("db migrate").contains("Already"));
    folder.trained();
    let status = folder.json("db status --json");
    assert_eq!(status["schema_version"], status["known_version"]);
    assert_eq!(status["tables"]["trials"], 24);
    assert_eq!(status["tables"]["studies"], 1);
    assert!(status["damage"].is_null());
    let said = folder.good("db status");
    assert!(said.contains("trials") && said.contains("Integrity: sound"), "{said}");
    assert!(folder.good("db vacuum").contains("bytes given back"));
}

#[test]
fn what_was_backed_up_comes_back_and_the_rest_stays_beside() {
    let folder = Folder::new();
    let study = folder.trained();
    let copy = folder.json("backup --to copies")["file"].as_str().unwrap().to_owned();
    let other = "train --strategies ema_cross --data c.csv --symbol BTC/USDT --timeframe 15m \
                 --optimizer random --trials 8 --min-trades 3 --train-days 30 --test-days 15";
    folder.good(other);
    assert_eq!(folder.json("db status --json")["tables"]["studies"], 2);
    assert!(folder.refused(&format!("restore {copy}")).contains("--force"));
    let said = folder.good(&format!("restore {copy} --force"));
    assert!(said.contains("before-restore"), "{said}");
    assert!(folder.path("data/tradepulse.db.before-restore").exists());
    let studies = folder.json("studies ls --json");
    assert_eq!(studies.as_array().unwrap().len(), 1);
    assert_eq!(studies[0]["id"], study.as_str());
    // The other one is in what was kept, which is a backup like any.
    let restored = folder.json("restore data/tradepulse.db.before-restore --force");
    assert_eq!(folder.json("db status --json")["tables"]["studies"], 2);
    // What is kept is never written over.
    assert!(restored["kept"].as_str().unwrap().ends_with("before-restore-2"), "{restored}");
    assert!(folder.path("data/tradepulse.db.before-restore").exists());
    // Somewhere else nothing is in the way.
    folder.good(&format!("--data-dir elsewhere restore {copy}"));
    assert_eq!(folder.json("--data-dir elsewhere db status")["tables"]["studies"], 1);
}

#[test]
fn what_is_no_database_is_refused_and_left_alone() {
    let folder = Folder::new();
    folder.trained();
    fs::write(folder.path("text.db"), "not a database").unwrap();
    let restore = "restore --force";
    let refused = folder.refused(&format!("{restore} text.db"));
    assert!(refused.contains("is not a database of TradePulse"), "{refused}");
    assert!(folder.refused(&format!("{restore} nothing.db")).contains("nothing.db"));
    assert!(folder.refused("--data-dir nowhere restore nothing.db").contains("nothing.db"));
    assert!(folder.refused("--data-dir nowhere backup --to copies").contains("tradepulse.db"));
    assert!(folder.refused("--data-dir nowhere db vacuum").contains("tradepulse.db"));
    assert!(!folder.path("nowhere").exists());
    folder.refused("db");

    // A page in the middle overwritten: found, said, and not taken as a backup.
    let copy = folder.json("backup --to copies")["file"].as_str().unwrap().to_owned();
    fs::copy(folder.path(&copy), folder.path("copy.db")).unwrap();
    let mut bytes = fs::read(folder.path("copy.db")).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0x5a);
    fs::write(folder.path("copy.db"), bytes).unwrap();
    assert!(folder.refused(&format!("{restore} copy.db")).contains("damaged"));
    assert_eq!(folder.json("db status --json")["tables"]["trials"], 24);
    fs::create_dir(folder.path("broken")).unwrap();
    fs::copy(folder.path("copy.db"), folder.path("broken/tradepulse.db")).unwrap();
    let out = folder.run("--data-dir broken db status");
    assert_ne!(out.status.code(), Some(0), "{out:?}");
}
