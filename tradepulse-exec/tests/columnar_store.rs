//! The columnar candle store: merging, damage, crashes, names.
#![cfg(feature = "data")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod sample_series;

use std::{
    fs,
    path::{Path, PathBuf},
};

use proptest::prelude::*;
use sample_series::{any_timeframe_series, candles, market};
use tradepulse_core::{
    market::{Candle, Columns, Market, Series},
    time::{Timeframe, Timestamp},
};
use tradepulse_exec::{
    import::{Options, Source, import},
    store::columnar::{CandleStore, StoreError},
};

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| !p.ends_with(".lock"))
        .collect();
    files.sort();
    files
}

/// A store with half a year before and half a year after new year 2024, and its folder.
fn filled(data: &Path) -> (CandleStore, PathBuf, Series) {
    let store = CandleStore::open(data);
    let series = candles("2023-12-31T20:00:00Z", 100);
    store.import(&market(), &series, &[]).unwrap();
    let folder = store.folder(&market());
    (store, folder, series)
}

#[test]
fn import_merge_and_load() {
    let data = tempfile::tempdir().unwrap();
    let store = CandleStore::open(data.path());
    assert!(store.list().unwrap().is_empty());
    assert!(matches!(store.load(&market(), None, None), Err(StoreError::NotFound(_))));
    assert!(!data.path().join("candles").exists(), "looking makes nothing");

    let all = candles("2023-12-31T20:00:00Z", 200);
    let source = |name: &str| Source { name: name.to_owned(), bytes: 1, rows: 100 };
    let report = store.import(&market(), &all.slice(0..100), &[source("a.csv")]).unwrap();
    assert_eq!((report.added, report.known, report.manifest.rows), (100, 0, 100));
    let names: Vec<_> = report.manifest.parts.iter().map(|p| &p.file[..5]).collect();
    assert_eq!(names, ["2023-", "2024-"]);
    let old = report.manifest.parts[0].clone();

    // Overlap, and a gap after it.
    let more = store.import(&market(), &all.slice(90..150), &[source("b.csv")]).unwrap();
    assert_eq!((more.added, more.known), (50, 10));
    assert_eq!(more.manifest.parts[0], old, "what did not change is not written again");
    let far = store.import(&market(), &all.slice(160..200), &[source("b.csv")]).unwrap();
    assert_eq!((far.manifest.gaps.count, far.manifest.gaps.missing), (1, 10));
    let before = store.import(&market(), &all.slice(150..160), &[]).unwrap();
    assert_eq!(store.load(&market(), None, None).unwrap(), all);
    assert_eq!(before.manifest.sha256, all.sha256());
    assert_eq!(before.manifest.gaps.count, 0);
    assert_eq!(before.manifest.from, all.span().unwrap().0);
    assert_eq!(before.manifest.to, all.span().unwrap().1);
    let sources: Vec<_> = before.manifest.sources.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(sources, ["a.csv", "b.csv"]);
    assert_eq!(files(&store.folder(&market())).len(), 3, "two parts and a manifest");

    // The same again changes nothing.
    let written = |p: &PathBuf| fs::metadata(p).unwrap().modified().unwrap();
    let times: Vec<_> = files(&store.folder(&market())).iter().map(written).collect();
    let again = store.import(&market(), &all, &[]).unwrap();
    assert_eq!((again.added, again.known, &again.manifest), (0, 200, &before.manifest));
    assert_eq!(files(&store.folder(&market())).iter().map(written).collect::<Vec<_>>(), times);

    let check = store.check(&market()).unwrap();
    assert_eq!((check.manifest, check.leftovers), (before.manifest.clone(), vec![]));
    assert_eq!(store.manifest(&market()).unwrap(), before.manifest);

    let (from, to) =
        ("2023-12-31T23:55:00Z".parse().unwrap(), "2024-01-01T00:10:00Z".parse().unwrap());
    let part = store.load(&market(), Some(from), Some(to)).unwrap();
    assert_eq!(part, all.between(from, to));
    assert_eq!(part.len(), 3);
    for (from, to) in [(None, Some(from)), (Some(to), None), (Some(to), Some(from))] {
        let expected =
            all.between(from.unwrap_or(Timestamp::EARLIEST), to.unwrap_or(Timestamp::LATEST));
        assert_eq!(store.load(&market(), from, to).unwrap(), expected);
    }
    // A stored file is a Parquet file like any other.
    let part = store.folder(&market()).join(&before.manifest.parts[0].file);
    let read = import(&[part], Timeframe::M5, &Options::default()).unwrap();
    assert_eq!(read.series.len(), 48);
}

#[test]
fn conflicts_change_nothing() {
    let data = tempfile::tempdir().unwrap();
    let (store, folder, series) = filled(data.path());
    let before: Vec<_> = files(&folder).iter().map(|p| (p.clone(), fs::read(p).unwrap())).collect();
    let mut columns = candles("2023-12-31T20:00:00Z", 120).into_columns();
    columns.volume[50] = 1.0;
    let other = Series::new(Timeframe::M5, columns).unwrap();
    let error = store.import(&market(), &other, &[]).unwrap_err();
    assert!(matches!(&error, StoreError::Conflict { row: 50, .. }));
    let c = series.candle(50);
    let expected = format!(
        "binance BTC/USDT 5m: the candle of 2024-01-01T00:10:00Z is stored with other values: \
         stored open {0} high {1} low {2} close {3} volume {4}, \
         now open {0} high {1} low {2} close {3} volume 1",
        c.open, c.high, c.low, c.close, c.volume
    );
    assert_eq!(error.to_string(), expected);
    let after: Vec<_> = files(&folder).iter().map(|p| (p.clone(), fs::read(p).unwrap())).collect();
    assert_eq!(before, after);

    let hourly = Market { timeframe: Timeframe::H1, ..market() };
    let error = store.import(&hourly, &series, &[]).unwrap_err().to_string();
    assert_eq!(error, "5m candles cannot be stored as binance BTC/USDT 1h");
    let none = Series::new(Timeframe::M5, Columns::default()).unwrap();
    let error = store.import(&market(), &none, &[]).unwrap_err().to_string();
    assert_eq!(error, "no candles of binance BTC/USDT 5m to store");
}

#[test]
fn damage_is_refused_by_name() {
    let data = tempfile::tempdir().unwrap();
    let (store, folder, series) = filled(data.path());
    let manifest = store.manifest(&market()).unwrap();
    let path = folder.join(&manifest.parts[1].file);
    let content = fs::read(&path).unwrap();
    let all_refuse = |reason: &str| {
        let load = store.load(&market(), None, None).map(|s| s.len());
        let import = store.import(&market(), &series, &[]).map(|r| r.added as usize);
        let check = store.check(&market()).map(|c| c.leftovers.len());
        for result in [load, import, check] {
            let text = result.unwrap_err().to_string();
            assert_eq!(text, format!("{} is damaged: it {reason}", path.display()));
        }
    };
    for length in [0, 1, content.len() / 2, content.len() - 1] {
        fs::write(&path, &content[..length]).unwrap();
        all_refuse(&format!("has {length} bytes instead of {}", content.len()));
    }
    for at in (0..content.len()).step_by(97) {
        let mut flipped = content.clone();
        flipped[at] ^= 1;
        fs::write(&path, &flipped).unwrap();
        all_refuse("is not what was written");
    }
    // The year before is sound, and can be had.
    let until = "2024-01-01".parse().unwrap();
    assert_eq!(store.load(&market(), None, Some(until)).unwrap().len(), 48);
    fs::remove_file(&path).unwrap();
    let text = store.load(&market(), None, None).unwrap_err().to_string();
    let name = folder.join("manifest.json");
    assert_eq!(text, format!("{} is damaged: it names a file that is not there", name.display()));
    fs::write(&path, &content).unwrap();
    assert_eq!(store.load(&market(), None, None).unwrap(), series);

    let json = fs::read_to_string(&name).unwrap();
    for (from, to, message) in [
        ("\"rows\": 100", "\"rows\": 101", "is damaged: it contradicts itself"),
        ("\"format\": 1", "\"format\": 2", "is of format 2, this version reads 1"),
        ("BTC/USDT", "ETH/USDT", "is of binance ETH/USDT 5m, not of binance BTC/USDT 5m"),
        ("\"2023-", "\"../2023-", "which is no candle file"),
        ("\"2023-", "\"/etc/2023-", "which is no candle file"),
        ("  \"rows\": 48", "  \"rows\": 480000000", "is damaged: it contradicts itself"),
        ("}\n", "", "is damaged: it has "),
    ] {
        let changed = json.replacen(from, to, 1);
        assert_ne!(changed, json, "{from}");
        fs::write(&name, &changed).unwrap();
        let text = store.load(&market(), None, None).unwrap_err().to_string();
        assert!(text.starts_with(name.to_str().unwrap()) && text.contains(message), "{text}");
        let listed = store.list().unwrap();
        assert!(matches!(&listed[..], [Err(_)]));
    }
    // What only a full check can see.
    let sha = &manifest.sha256;
    fs::write(&name, json.replace(sha.as_str(), &sha.replace(|c: char| c.is_ascii_digit(), "0")))
        .unwrap();
    assert!(store.load(&market(), None, None).is_ok());
    let text = store.check(&market()).unwrap_err().to_string();
    assert!(text.ends_with("has another SHA-256 than the candles"), "{text}");
}

#[test]
fn a_file_of_another_market_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let (store, folder, series) = filled(data.path());
    let other = Market { symbol: "ETH/USDT".parse().unwrap(), ..market() };
    store.import(&other, &series, &[]).unwrap();
    // The same candles: the files have the same names, and even their manifests agree but for
    // the checksums.
    let name = &store.manifest(&other).unwrap().parts[0].file;
    fs::copy(store.folder(&other).join(name), folder.join(name)).unwrap();
    assert!(matches!(store.load(&market(), None, None), Err(StoreError::Corrupt { .. })));
    let theirs = fs::read_to_string(store.folder(&other).join("manifest.json")).unwrap();
    fs::write(folder.join("manifest.json"), &theirs).unwrap();
    let error = store.load(&market(), None, None).unwrap_err();
    assert!(
        matches!(&error, StoreError::Misplaced { found, .. } if found == "binance ETH/USDT 5m")
    );
    fs::write(folder.join("manifest.json"), theirs.replace("ETH/USDT", "BTC/USDT")).unwrap();
    let error = store.load(&market(), None, None).unwrap_err();
    assert!(
        matches!(&error, StoreError::Misplaced { path, .. } if path.ends_with(name)),
        "{error}"
    );

    let hourly = Market { timeframe: Timeframe::H1, ..market() };
    fs::rename(&folder, store.folder(&hourly)).unwrap();
    assert!(matches!(store.load(&hourly, None, None), Err(StoreError::Misplaced { .. })));
}

#[test]
fn a_crash_leaves_the_old_history() {
    let data = tempfile::tempdir().unwrap();
    let (store, folder, series) = filled(data.path());
    let manifest = store.manifest(&market()).unwrap();
    // What an import killed between its steps leaves: an unfinished file, a new file that no
    // manifest names, an unfinished manifest.
    let left = [
        ".2024-0123456789abcdef.parquet.4711.unfinished",
        "2024-0123456789abcdef.parquet",
        ".manifest.json.4711.unfinished",
    ];
    for name in left {
        fs::write(folder.join(name), b"half a fi").unwrap();
    }
    fs::write(folder.join("notes.txt"), b"not ours").unwrap();
    assert_eq!(store.load(&market(), None, None).unwrap(), series);
    let check = store.check(&market()).unwrap();
    assert_eq!(check.manifest, manifest);
    assert_eq!(check.leftovers.len(), 3);
    store.import(&market(), &series, &[]).unwrap();
    assert!(store.check(&market()).unwrap().leftovers.is_empty());
    assert!(folder.join("notes.txt").exists());

    // A crash before the first manifest: there is no history yet.
    let new = Market { exchange: "kraken".parse().unwrap(), ..market() };
    fs::create_dir_all(store.folder(&new)).unwrap();
    fs::write(store.folder(&new).join(left[1]), b"half a fi").unwrap();
    assert!(matches!(store.load(&new, None, None), Err(StoreError::NotFound(_))));
    assert_eq!(store.list().unwrap().len(), 1);
    store.import(&new, &series, &[]).unwrap();
    assert_eq!(files(&store.folder(&new)).len(), 3);
    let listed: Vec<_> = store.list().unwrap().into_iter().map(|m| m.unwrap().market).collect();
    assert_eq!(listed, [market(), new]);
}

#[test]
fn imports_wait_for_each_other() {
    let data = tempfile::tempdir().unwrap();
    let all = candles("2024-01-01T00:00:00Z", 400);
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let (store, all) = (CandleStore::open(data.path()), &all);
            scope.spawn(move || {
                for i in 0..10 {
                    let start = (worker * 10 + i) * 10;
                    store.import(&market(), &all.slice(start..start + 10), &[]).unwrap();
                    // A reader meets a whole history, whatever the writers do.
                    store.load(&market(), None, None).unwrap();
                }
            });
        }
    });
    let store = CandleStore::open(data.path());
    assert_eq!(store.load(&market(), None, None).unwrap(), all);
    assert!(store.check(&market()).unwrap().leftovers.is_empty());
}

#[test]
fn nothing_escapes_the_data_directory() {
    let data = tempfile::tempdir().unwrap();
    let store = CandleStore::open(data.path().join("d"));
    let mut tried = 0;
    let parts = [
        "..", ".", "", "/", "a/../..", "..\\..", "C:", "a\0b", "binance", "BTC/USDT", "%2e%2e",
        "a/b",
    ];
    for exchange in parts {
        for symbol in parts {
            let (Ok(exchange), Ok(symbol)) = (exchange.parse(), symbol.parse()) else { continue };
            let market = Market { exchange, symbol, timeframe: Timeframe::M5 };
            let folder = store.folder(&market);
            let inside = folder.strip_prefix(data.path().join("d/candles")).unwrap();
            assert_eq!(inside.components().count(), 3);
            assert!(inside.components().all(|c| matches!(c, std::path::Component::Normal(_))));
            store.import(&market, &candles("2024-01-01T00:00:00Z", 1), &[]).unwrap();
            tried += 1;
        }
    }
    assert_eq!(tried, 2, "binance with BTC/USDT and with A/B");
    assert_eq!(fs::read_dir(data.path()).unwrap().count(), 1);
}

#[test]
fn minutes_are_kept_by_month() {
    let data = tempfile::tempdir().unwrap();
    let store = CandleStore::open(data.path());
    let market = Market { timeframe: Timeframe::M1, ..market() };
    let start: Timestamp = "2023-11-30T23:58:00Z".parse().unwrap();
    let mut columns = Columns::default();
    for i in [0, 1, 2, 3, 31 * 1440 + 1, 31 * 1440 + 2] {
        let open_time = Timestamp::from_ms(start.as_ms() + i * 60_000);
        columns.push(Candle { open_time, open: 1.0, high: 1.0, low: 1.0, close: 1.0, volume: 0.0 });
    }
    let series = Series::new(Timeframe::M1, columns).unwrap();
    let report = store.import(&market, &series, &[]).unwrap();
    let names: Vec<_> = report.manifest.parts.iter().map(|p| (&p.file[..8], p.rows)).collect();
    assert_eq!(names, [("2023-11-", 2), ("2023-12-", 3), ("2024-01-", 1)]);
    assert_eq!(store.load(&market, None, None).unwrap(), series);
}

#[test]
fn equal_is_not_rewritten_by_another_zero() {
    let data = tempfile::tempdir().unwrap();
    let store = CandleStore::open(data.path());
    let with_volume = |volume: f64| {
        let mut columns = candles("2023-12-31T23:00:00Z", 20).into_columns();
        columns.volume[3] = volume;
        Series::new(Timeframe::M5, columns).unwrap()
    };
    store.import(&market(), &with_volume(0.0).slice(0..15), &[]).unwrap();
    let report = store.import(&market(), &with_volume(-0.0), &[]).unwrap();
    assert_eq!((report.added, report.known), (5, 15));
    store.check(&market()).unwrap();
    assert_eq!(store.load(&market(), None, None).unwrap().sha256(), with_volume(0.0).sha256());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_pieces_in_any_order_make_the_whole(
        series in any_timeframe_series(Timeframe::M5),
        cuts in prop::collection::vec((0usize..120, 1usize..60), 1..5),
    ) {
        let data = tempfile::tempdir().unwrap();
        let store = CandleStore::open(data.path());
        for (start, count) in cuts {
            let start = start % series.len();
            let end = (start + count).min(series.len());
            store.import(&market(), &series.slice(start..end), &[]).unwrap();
        }
        store.import(&market(), &series, &[]).unwrap();
        prop_assert_eq!(store.load(&market(), None, None).unwrap().sha256(), series.sha256());
        store.check(&market()).unwrap();
    }
}
