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
    folder.good("db backup copy.db");
    assert!(folder.refused("db backup copy.db").contains("is there already"));
    let other = "train --strategies ema_cross --data c.csv --symbol BTC/USDT --timeframe 15m \
                 --optimizer random --trials 8 --min-trades 3 --train-days 30 --test-days 15";
    folder.good(other);
    assert_eq!(folder.json("db status --json")["tables"]["studies"], 2);
    let said = folder.good("db restore copy.db");
    assert!(said.contains("before-restore"), "{said}");
    assert!(folder.path("data/tradepulse.db.before-restore").exists());
    let studies = folder.json("studies ls --json");
    assert_eq!(studies.as_array().unwrap().len(), 1);
    assert_eq!(studies[0]["id"], study.as_str());
    // The other one is in what was kept, which is a backup like any.
    folder.good("db restore data/tradepulse.db.before-restore");
    assert_eq!(folder.json("db status --json")["tables"]["studies"], 2);
}

#[test]
fn what_is_no_database_is_refused_and_left_alone() {
    let folder = Folder::new();
    folder.trained();
    fs::write(folder.path("text.db"), "not a database").unwrap();
    assert!(folder.refused("db restore text.db").contains("is not a database of TradePulse"));
    assert!(folder.refused("db restore nothing.db").contains("nothing.db"));
    let empty = "--data-dir nowhere db";
    assert!(folder.refused(&format!("{empty} backup copy.db")).contains("tradepulse.db"));
    assert!(folder.refused(&format!("{empty} vacuum")).contains("tradepulse.db"));
    assert!(!folder.path("nowhere").exists());
    folder.refused("db");

    // A page in the middle overwritten: found, said, and not taken as a backup.
    folder.good("db backup copy.db");
    let mut bytes = fs::read(folder.path("copy.db")).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0x5a);
    fs::write(folder.path("copy.db"), bytes).unwrap();
    assert!(folder.refused("db restore copy.db").contains("damaged"));
    assert_eq!(folder.json("db status --json")["tables"]["trials"], 24);
    fs::create_dir(folder.path("broken")).unwrap();
    fs::copy(folder.path("copy.db"), folder.path("broken/tradepulse.db")).unwrap();
    let out = folder.run("--data-dir broken db status");
    assert_ne!(out.status.code(), Some(0), "{out:?}");
}
